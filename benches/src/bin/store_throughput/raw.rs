//! The statements that an accepted answer makes, issued by hand on the same pool: the parked login joined to its
//! record, the project and the role, the conditional write with its event and the login's end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, PgPool, SqlitePool};

use crate::rounds::{Round, run};
use crate::service::Sample;

const RESUME: &str = "SELECT l.project, l.user_id, l.id, l.kind, l.generation, l.parked, l.expires, \
    l.failures, f.version, f.record FROM twofa_login l \
    LEFT JOIN twofa_factor f ON f.project = l.project AND f.user_id = l.user_id WHERE l.id = $1";
const STANDING: &str = "SELECT p.project, p.mandate_from, p.sso, p.handover, p.self_reset, p.step_up_age, \
    p.issuer, m.role FROM twofa_project p \
    LEFT JOIN twofa_member m ON m.project = p.project AND m.user_id = $2 WHERE p.project = $1";
const UPDATE: &str = "UPDATE twofa_factor SET version = $3 + 1, record = $4, state = $5, since = $6, \
    last_used = $7 WHERE project = $1 AND user_id = $2 AND version = $3";
const EVENT: &str = "INSERT INTO twofa_event (project, user_id, seq, at, event, reason, actor, detail, \
    generation, notice, key_id, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const END: &str = "DELETE FROM twofa_login WHERE id = $1";
const PARK: &str = "INSERT INTO twofa_login (id, project, user_id, kind, generation, parked, expires, \
    failures) VALUES ($1, $2, $3, 'challenge', 1, 1, 600, 0)";
const APPLY: &str = "WITH f AS (UPDATE twofa_factor SET version = $3 + 1, record = $4, state = $5, \
    since = $6, last_used = $7 WHERE project = $1 AND user_id = $2 AND version = $3 RETURNING 1), \
    e AS (INSERT INTO twofa_event (project, user_id, seq, at, event, reason, actor, detail, generation, \
    notice, key_id, mac) SELECT $1, $2, e.seq, e.at, e.event, e.reason, e.actor, e.detail, e.generation, \
    NULL, e.key_id, e.mac FROM unnest($8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], \
    $13::text[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bytea[]) AS e (seq, at, event, \
    reason, actor, detail, generation, notice, key_id, mac) WHERE EXISTS (SELECT 1 FROM f) ORDER BY e.seq), \
    l AS (DELETE FROM twofa_login WHERE id = $18 AND EXISTS (SELECT 1 FROM f)) SELECT count(*) FROM f";
const BARE: &str = "UPDATE twofa_factor SET version = version + 1, record = $4 \
    WHERE project = $1 AND user_id = $2 AND version = $3";

type ResumeRow = (
    String,
    String,
    Vec<u8>,
    String,
    i64,
    i64,
    i64,
    i64,
    i64,
    Vec<u8>,
);
type StandingRow = (
    String,
    Option<i64>,
    String,
    bool,
    bool,
    i64,
    Option<String>,
    Option<String>,
);

pub(crate) struct Raw(Arc<Inner>);

struct Inner {
    database: Database,
    project: String,
    record: Vec<u8>,
    people: Vec<Person>,
}

struct Person {
    user: String,
    version: AtomicI64,
    login: [u8; 32],
}

impl Raw {
    pub(crate) async fn set_up(
        database: &Database,
        project: &str,
        number: usize,
        sample: &Sample,
    ) -> Self {
        let mut people = Vec::new();
        for n in 0..number {
            let mixed = u32::try_from(n).unwrap().wrapping_mul(2_654_435_761);
            let mut login = [0; 32];
            login[..4].copy_from_slice(&mixed.to_be_bytes());
            login[4..8].copy_from_slice(project.as_bytes().last_chunk::<4>().unwrap());
            people.push(Person {
                user: format!("{mixed:08x}-{n:07}@example.com"),
                version: AtomicI64::new(1),
                login,
            });
        }
        let raw = Self(Arc::new(Inner {
            database: database.clone(),
            project: project.into(),
            record: sample.record.clone(),
            people,
        }));
        // Project, members and settings as the service's own people have them, under another name.
        let copies = [
            "INSERT INTO twofa_project SELECT $2, mandate_from, sso, handover, self_reset, step_up_age, \
                issuer FROM twofa_project WHERE project = $1",
            "INSERT INTO twofa_member SELECT $2, user_id, role FROM twofa_member WHERE project = $1",
            "INSERT INTO twofa_factor SELECT $2, user_id, 1, record, state, since, last_used \
                FROM twofa_factor WHERE project = $1",
        ];
        for copy in copies {
            match database {
                Database::Sqlite(s) => {
                    let copy = sqlx::query(copy)
                        .bind(sample.project.as_str())
                        .bind(project);
                    copy.execute(s.pool()).await.unwrap();
                }
                Database::Postgres(s) => {
                    let copy = sqlx::query(copy)
                        .bind(sample.project.as_str())
                        .bind(project);
                    copy.execute(s.pool()).await.unwrap();
                }
                _ => panic!("a third database"),
            }
        }
        raw
    }

    async fn each<R>(&self, at_once: usize, call: fn(Arc<Inner>, usize) -> R) -> Round
    where
        R: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        run(inner.people.len(), at_once, move |n| {
            call(Arc::clone(&inner), n)
        })
        .await
    }

    pub(crate) async fn park(&self, at_once: usize) -> Round {
        self.each(at_once, park).await
    }

    pub(crate) async fn answer(&self, at_once: usize) -> Round {
        self.each(at_once, answer).await
    }

    pub(crate) async fn bare(&self, at_once: usize) -> Round {
        self.each(at_once, bare).await
    }
}

async fn park(inner: Arc<Inner>, n: usize) {
    let person = &inner.people[n];
    let login = person.login.as_slice();
    match &inner.database {
        Database::Sqlite(s) => {
            let park = sqlx::query(PARK)
                .bind(login)
                .bind(&inner.project)
                .bind(&person.user);
            park.execute(s.pool()).await.unwrap();
        }
        Database::Postgres(s) => {
            let park = sqlx::query(PARK)
                .bind(login)
                .bind(&inner.project)
                .bind(&person.user);
            park.execute(s.pool()).await.unwrap();
        }
        _ => panic!("a third database"),
    }
}

async fn bare(inner: Arc<Inner>, n: usize) {
    let person = &inner.people[n];
    let version = person.version.fetch_add(1, Ordering::Relaxed);
    let (project, user, record) = (&inner.project, &person.user, &inner.record);
    let changed = match &inner.database {
        Database::Sqlite(s) => {
            let bare = sqlx::query(BARE)
                .bind(project)
                .bind(user)
                .bind(version)
                .bind(record);
            bare.execute(s.pool()).await.unwrap().rows_affected()
        }
        Database::Postgres(s) => {
            let bare = sqlx::query(BARE)
                .bind(project)
                .bind(user)
                .bind(version)
                .bind(record);
            bare.execute(s.pool()).await.unwrap().rows_affected()
        }
        _ => panic!("a third database"),
    };
    assert_eq!(changed, 1);
}

async fn answer(inner: Arc<Inner>, n: usize) {
    let person = &inner.people[n];
    let version = person.version.fetch_add(1, Ordering::Relaxed);
    match &inner.database {
        Database::Sqlite(s) => on_sqlite(s.pool(), &inner, person, version).await,
        Database::Postgres(s) => on_postgres(s.pool(), &inner, person, version).await,
        _ => panic!("a third database"),
    }
}

async fn on_sqlite(pool: &SqlitePool, inner: &Inner, person: &Person, version: i64) {
    let login = person.login.as_slice();
    let _: ResumeRow = sqlx::query_as(RESUME)
        .bind(login)
        .fetch_one(pool)
        .await
        .unwrap();
    let standing = sqlx::query_as(STANDING)
        .bind(&inner.project)
        .bind(&person.user);
    let _: StandingRow = standing.fetch_one(pool).await.unwrap();
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let update = sqlx::query(UPDATE)
        .bind(&inner.project)
        .bind(&person.user)
        .bind(version)
        .bind(&inner.record)
        .bind("active")
        .bind(1_669_852_800_i64)
        .bind(1_669_852_800_i64);
    let updated = update.execute(&mut *transaction).await.unwrap();
    assert_eq!(updated.rows_affected(), 1);
    sqlx::query(EVENT)
        .bind(&inner.project)
        .bind(&person.user)
        .bind(version)
        .bind(1_669_852_800_i64)
        .bind("accepted")
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(1_i64)
        .bind(None::<i64>)
        .bind(1_i64)
        .bind(login)
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query(END)
        .bind(login)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

async fn on_postgres(pool: &PgPool, inner: &Inner, person: &Person, version: i64) {
    let login = person.login.as_slice();
    let _: ResumeRow = sqlx::query_as(RESUME)
        .bind(login)
        .fetch_one(pool)
        .await
        .unwrap();
    let standing = sqlx::query_as(STANDING)
        .bind(&inner.project)
        .bind(&person.user);
    let _: StandingRow = standing.fetch_one(pool).await.unwrap();
    let written: i64 = sqlx::query_scalar(APPLY)
        .bind(&inner.project)
        .bind(&person.user)
        .bind(version)
        .bind(&inner.record)
        .bind("active")
        .bind(1_669_852_800_i64)
        .bind(1_669_852_800_i64)
        .bind(vec![version])
        .bind(vec![1_669_852_800_i64])
        .bind(vec!["accepted"])
        .bind(vec![None::<&str>])
        .bind(vec![None::<&str>])
        .bind(vec![None::<&str>])
        .bind(vec![1_i64])
        .bind(vec![None::<i64>])
        .bind(vec![1_i64])
        .bind(vec![login])
        .bind(login)
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(written, 1);
}
