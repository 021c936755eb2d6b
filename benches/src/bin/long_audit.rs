//! A store with a long audit, for measurements of `audit verify` and `audit archive`, and for ending them by hand.
//!
//!     long_audit STORE KEYFILE make PEOPLE EVENTS    a new store: so many people, so many events each, one a day, and one more
//!     long_audit STORE KEYFILE more PEOPLE           a day later, so many of them sign in once more
//!
//! The chains are made by the service itself, over the store in memory, and copied from there.

use std::error::Error;
use std::path::Path;

use twofa::lifecycle::Actor;
use twofa::otpauth::KeyUri;
use twofa::totp::{Params, Secret, Totp};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Answer, Attempt, Begin, Directory as _, EventQuery, Keyring, MemoryStore, Project, Purpose,
    RecordRow, SignIn, Store, SubjectEvent, TwoFactor,
};
use twofa_policy::{Mandate, ProjectSettings, Role};
use twofa_sqlx::{Database, sqlx};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// 2022-12-01T00:00:00Z, and one event a day from then on.
const BEGIN: u64 = 1_669_852_800;
const DAY: u64 = 86_400;
const PAGE: u32 = 10_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [store, keys, "make", people, events] => {
            make(store, Path::new(keys), people.parse()?, events.parse()?).await
        }
        [store, keys, "more", people] => more(store, Path::new(keys), people.parse()?).await,
        _ => Err("long_audit STORE KEYFILE make PEOPLE EVENTS, or: more PEOPLE".into()),
    }
}

fn person(number: u64) -> Outcome<(UserId, Secret)> {
    let user = format!("person-{number:07}@example.com").parse()?;
    let mut bytes = [7; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Ok((user, Secret::from_bytes(&bytes)?))
}

fn project() -> Outcome<(ProjectId, ProjectSettings)> {
    let settings = ProjectSettings::mandatory_from(UnixTime::from_secs(BEGIN));
    Ok(("acme".parse()?, settings))
}

/// A service whose clock stands somewhere in that day.
fn on_day<S, D>(store: S, directory: D, ring: &Keyring, day: u64) -> Outcome<TwoFactor<S, D>>
where
    S: Store,
    D: twofa::Directory,
{
    let now = UnixTime::from_secs(BEGIN + day * DAY);
    let builder = TwoFactor::builder(store, directory, Keyring::from_text(&ring.to_text())?);
    Ok(builder.clock(move || now).build()?)
}

async fn sign_in<S: Store, D: twofa::Directory>(
    service: &TwoFactor<S, D>,
    number: u64,
) -> Outcome<()> {
    let ((project, _), (user, secret)) = (project()?, person(number)?);
    let begun = service.begin(SignIn::password(&project, &user)).await?;
    let Begin::Challenge(asked) = begun else {
        return Err(format!("{user} is not asked for a code").into());
    };
    let totp = Totp::new(&secret, Params::default());
    let code = totp.generate(service.now()).expose().to_string();
    match service.answer(Attempt::new(asked.login(), &code)).await? {
        Answer::Accepted(_) => Ok(()),
        Answer::Rejected(why) => Err(format!("{user}: {}", why.reason().code()).into()),
    }
}

async fn make(store: &str, keys: &Path, people: u64, events: u64) -> Outcome<()> {
    let ring = Keyring::generate()?;
    ring.create_file(keys)?;
    let (id, settings) = project()?;
    let by = Actor::operator("operator".parse()?);
    let memory = std::sync::Arc::new(MemoryStore::new());
    for day in 0..events {
        let service = on_day(memory.clone(), memory.clone(), &ring, day)?;
        if day == 0 {
            service.install(Purpose::Rehearsal).await?;
            let issuer = None;
            let made = Project { settings, issuer };
            service.add_project(&id, &made, &by).await?;
        }
        for number in 0..people {
            if day > 0 {
                sign_in(&service, number).await?;
                continue;
            }
            let (user, secret) = person(number)?;
            service.add_member(&id, &user, Role::Member, &by).await?;
            let uri = KeyUri::totp("Acme", user.as_str(), secret, Params::default())?;
            service.import(&id, &user, &uri, &by).await?;
        }
    }
    let database = Database::create(store).await?.0;
    copy(&memory, &database).await
}

async fn copy(memory: &MemoryStore, database: &Database) -> Outcome<()> {
    let (id, settings) = project()?;
    let mut to = Target::open(database)?;
    to.project(id.as_str(), &settings).await?;
    let mut after = None;
    loop {
        let page = memory.subjects(None, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.subject.clone());
        to.records(&page).await?;
    }
    let (mut cursor, mut notices) = (0, 0);
    loop {
        let page = memory.events(None, cursor, PAGE).await?;
        let Some(last) = page.last() else { break };
        cursor = last.cursor;
        notices = page
            .iter()
            .filter_map(|event| event.notice)
            .fold(notices, u64::max);
        to.events(&page).await?;
    }
    to.notices(id.as_str(), notices).await?;
    let mut after = None;
    loop {
        let page = memory.members(&id, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        to.members(id.as_str(), &page).await?;
    }
    Ok(())
}

/// Where rows are copied to, many in one transaction.
enum Target {
    Sqlite(sqlx::SqlitePool),
    Postgres(sqlx::PgPool),
}

const RECORD: &str = "INSERT INTO twofa_factor (project, user_id, version, record, state, since, last_used) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const EVENT: &str = "INSERT INTO twofa_event (project, user_id, seq, at, event, reason, actor, detail, generation, \
    notice, key_id, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const MEMBER: &str = "INSERT INTO twofa_member (project, user_id, role) VALUES ($1, $2, 'member')";
const PROJECT: &str = "INSERT INTO twofa_project (project, mandate_from, sso, handover, self_reset, step_up_age) \
    VALUES ($1, $2, $3, false, false, $4)";
const NOTICES: &str = "INSERT INTO twofa_notice_cursor (project, last) VALUES ($1, $2)";

/// The same with either driver.
macro_rules! in_one_transaction {
    ($target:expr, $rows:expr, |$row:ident| $query:expr) => {
        match $target {
            Target::Sqlite(pool) => {
                let mut transaction = pool.begin().await?;
                for $row in $rows {
                    $query.execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
            }
            Target::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                for $row in $rows {
                    $query.execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
            }
        }
    };
}

impl Target {
    fn open(database: &Database) -> Outcome<Self> {
        match database {
            Database::Sqlite(store) => Ok(Self::Sqlite(store.pool().clone())),
            Database::Postgres(store) => Ok(Self::Postgres(store.pool().clone())),
            _ => Err("there are two databases".into()),
        }
    }

    async fn records(&mut self, rows: &[RecordRow]) -> Outcome<()> {
        let time = |time: UnixTime| time.as_secs().cast_signed();
        in_one_transaction!(self, rows, |row| {
            let summary = row.summary.unwrap_or(twofa::lifecycle::Summary::NONE);
            sqlx::query(RECORD)
                .bind(row.subject.project_key())
                .bind(row.subject.user_key())
                .bind(row.stored.version.cast_signed())
                .bind(row.stored.record.as_slice())
                .bind(summary.state.code())
                .bind(summary.since.map(time))
                .bind(summary.last_used.map(time))
        });
        Ok(())
    }

    async fn events(&mut self, rows: &[SubjectEvent]) -> Outcome<()> {
        in_one_transaction!(self, rows, |event| {
            let (subject, row) = (&event.subject, &event.row);
            let mut mac = row.mac.to_vec();
            if row.notices_before > 0 {
                mac.extend(row.notices_before.to_be_bytes());
            }
            sqlx::query(EVENT)
                .bind(subject.project_key())
                .bind(subject.user_key())
                .bind(row.seq.cast_signed())
                .bind(row.at.as_secs().cast_signed())
                .bind(row.event.as_str())
                .bind(row.reason.as_deref())
                .bind(row.actor.as_deref())
                .bind(row.detail.as_deref())
                .bind(i64::from(row.generation))
                .bind(event.notice.map(u64::cast_signed))
                .bind(i64::from(row.key_id))
                .bind(mac)
        });
        Ok(())
    }

    async fn members(&mut self, project: &str, rows: &[(UserId, Role)]) -> Outcome<()> {
        in_one_transaction!(self, rows, |row| sqlx::query(MEMBER)
            .bind(project)
            .bind(row.0.as_str()));
        Ok(())
    }

    async fn project(&mut self, id: &str, settings: &ProjectSettings) -> Outcome<()> {
        let from = match settings.mandate() {
            Mandate::Optional => None,
            Mandate::From(from) => Some(from.as_secs().cast_signed()),
        };
        in_one_transaction!(self, [id], |id| sqlx::query(PROJECT)
            .bind(id)
            .bind(from)
            .bind(settings.sso().code())
            .bind(i64::from(settings.step_up_age())));
        Ok(())
    }

    async fn notices(&mut self, project: &str, last: u64) -> Outcome<()> {
        in_one_transaction!(self, [last], |last| sqlx::query(NOTICES)
            .bind(project)
            .bind(last.cast_signed()));
        Ok(())
    }
}

async fn more(store: &str, keys: &Path, people: u64) -> Outcome<()> {
    let database = Database::open(store).await?;
    let ring = Keyring::load_file(keys)?;
    let (id, _) = project()?;
    let last = database.latest(&id, &EventQuery::default(), 1).await?;
    let last = last.first().ok_or("the store is empty")?.row.at;
    let day = (last.as_secs() - BEGIN) / DAY + 1;
    let service = on_day(database.clone(), database.clone(), &ring, day)?;
    for number in 0..people {
        sign_in(&service, number).await?;
    }
    database.close().await;
    Ok(())
}
