//! A fresh database for each test, and values to fill it with.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use twofa::lifecycle::{Actor, LoginHash, LoginKind, ParkedLogin, Summary, SummaryState};
use twofa::policy::{Handover, Mandate, ProjectSettings, Role, SelfReset};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{AuditRow, Change, Ends, Keyring, Subject, SubjectEvent, TwoFactor};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, AssertSqlSafe, Connection, postgres::PgConnection};

/// A database of a test's own, by the name that opens it.
pub struct Fresh {
    pub url: String,
    _folder: Option<TempDir>,
}

impl Fresh {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite:{}/twofa.db", folder.path().display()),
            _folder: Some(folder),
        }
    }

    pub async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        // Process ids come round again within a long run.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("twofa_{}_{now}_{count}", std::process::id());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Self {
            url: format!("{base}/{name}"),
            _folder: None,
        }
    }

    pub async fn open(&self) -> Database {
        Database::create(&self.url).await.unwrap().0
    }
}

fn server() -> String {
    std::env::var("TWOFA_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("TWOFA_TEST_POSTGRES names no server: run ./test, or scripts/postgres.sh cargo test")
    })
}

pub fn project(id: &str) -> ProjectId {
    id.parse().unwrap()
}

pub fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

pub fn member(project_id: &str, user_id: &str) -> Subject {
    Subject::member(&project(project_id), &user(user_id))
}

pub fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

pub fn hash(n: u8) -> LoginHash {
    LoginHash::from_bytes([n; 32])
}

pub fn login(n: u8) -> ParkedLogin {
    ParkedLogin {
        id: hash(n),
        kind: LoginKind::Challenge,
        generation: 1,
        parked: at(1_000),
        expires: at(1_600),
        failures: 0,
    }
}

pub fn event(seq: u64) -> AuditRow {
    AuditRow {
        seq,
        at: at(1_000 + seq),
        event: "accepted".into(),
        reason: None,
        actor: None,
        detail: None,
        generation: 1,
        notice: false,
        notices_before: 0,
        key_id: 1,
        mac: [u8::try_from(seq % 256).unwrap(); 32],
    }
}

const PUT_PROJECT: &str = "INSERT INTO twofa_project \
    (project, mandate_from, sso, handover, self_reset, step_up_age, issuer) \
    VALUES ($1, $2, $3, $4, $5, $6, NULL) \
    ON CONFLICT (project) DO UPDATE SET mandate_from = excluded.mandate_from, sso = excluded.sso, \
    handover = excluded.handover, self_reset = excluded.self_reset, \
    step_up_age = excluded.step_up_age";

const PUT_MEMBER: &str = "INSERT INTO twofa_member (project, user_id, role) VALUES ($1, $2, $3) \
    ON CONFLICT (project, user_id) DO UPDATE SET role = excluded.role";

const TAKE_MEMBER: &str = "DELETE FROM twofa_member WHERE project = $1 AND user_id = $2";

macro_rules! run {
    ($database:expr, $query:expr) => {
        match $database {
            Database::Sqlite(store) => drop($query.execute(store.pool()).await.unwrap()),
            Database::Postgres(store) => drop($query.execute(store.pool()).await.unwrap()),
            _ => unreachable!("tests run on both"),
        }
    };
}

/// The row of a project as a version had it that kept nothing of it with the record.
pub async fn put_project(database: &Database, id: &ProjectId, settings: ProjectSettings) {
    let mandate = match settings.mandate() {
        Mandate::Optional => None,
        Mandate::From(from) => Some(i64::try_from(from.as_secs()).unwrap()),
    };
    run!(
        database,
        sqlx::query(PUT_PROJECT)
            .bind(id.as_str())
            .bind(mandate)
            .bind(settings.sso().code())
            .bind(settings.handover() == Handover::Required)
            .bind(settings.self_reset() == SelfReset::Allowed)
            .bind(i64::from(settings.step_up_age()))
    );
}

/// The row of a member, likewise.
pub async fn put_member(database: &Database, id: &ProjectId, user: &UserId, role: Option<Role>) {
    match role {
        Some(role) => run!(
            database,
            sqlx::query(PUT_MEMBER)
                .bind(id.as_str())
                .bind(user.as_str())
                .bind(role.code())
        ),
        None => run!(
            database,
            sqlx::query(TAKE_MEMBER)
                .bind(id.as_str())
                .bind(user.as_str())
        ),
    }
}

/// A service with keys of its own, for an empty store.
pub fn service(database: &Database) -> TwoFactor<Database, Database> {
    let keyring = Keyring::generate().unwrap();
    TwoFactor::builder(database.clone(), database.clone(), keyring)
        .build()
        .unwrap()
}

pub fn operator() -> Actor {
    Actor::operator("grace".parse().unwrap())
}

/// The write that takes `subject` from version `expected` to the next, with one event of the same number.
pub fn change(subject: &Subject, expected: u64) -> Change {
    Change {
        installation: 0,
        subject: subject.clone(),
        expected,
        record: format!("record {}", expected + 1).into_bytes(),
        summary: Summary {
            state: SummaryState::Active,
            since: Some(at(1_000)),
            last_used: None,
        },
        events: vec![event(expected + 1)],
        park: None,
        ends: Ends::None,
        recovery: None,
    }
}

pub fn ending(subject: &Subject, expected: u64, ends: Ends) -> Change {
    Change {
        ends,
        ..change(subject, expected)
    }
}

/// Events as they were written, without what the store numbers them by.
pub fn rows(events: Vec<SubjectEvent>) -> Vec<AuditRow> {
    events.into_iter().map(|event| event.row).collect()
}

/// The same tests on both databases.
#[macro_export]
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::support::Fresh::sqlite()).await;
            })*
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::support::Fresh::postgres().await).await;
            })*
        }
    };
}
