//! A store that version 0.1.0 made: its people sign in to it as it is, it is brought up to date, and they sign in.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Fresh, project, user};
use twofa::otpauth::{Parser, Profile};
use twofa::types::UnixTime;
use twofa::{
    Answer, ArchiveSink, ArchivedEvent, Attempt, Authorized, Begin, Change, Error, Keyring,
    KeyringError, ProofsOfOld, Purpose, Recovery, SignIn, Store as _, TwoFactor,
};
use twofa_sqlx::{Database, Migrated, sqlx};

/// 2022-12-01T00:00:00Z.
const MANDATE: u64 = 1_669_852_800;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/0.1.0")
        .join(name)
}

fn service(database: &Database, key: &str, at: u64) -> TwoFactor<Database, Database> {
    let ring = Keyring::from_text(&fs::read_to_string(fixture(key)).unwrap()).unwrap();
    TwoFactor::builder(database.clone(), database.clone(), ring)
        .clock(move || UnixTime::from_secs(at))
        .build()
        .unwrap()
}

/// The code of a secret at a time.
fn code(secret: &str, at: u64) -> String {
    let uri = format!("otpauth://totp/acme:x?secret={secret}");
    let parsed = Parser::new(Profile::Lenient).parse(&uri).unwrap();
    let totp = twofa::totp::Totp::new(parsed.uri.secret(), parsed.uri.params());
    totp.generate(UnixTime::from_secs(at)).expose().to_string()
}

/// Keeps nothing.
struct Nowhere;

impl ArchiveSink for Nowhere {
    type Error = std::convert::Infallible;

    async fn keep(&mut self, _: &[ArchivedEvent]) -> Result<(), Self::Error> {
        Ok(())
    }
}

async fn signs_in(database: &Database, key: &str, who: &str, secret: &str, at: u64) {
    let service = service(database, key, at);
    let sign_in = SignIn::password(&project("acme"), &user(who));
    let Begin::Challenge(asked) = service.begin(sign_in).await.unwrap() else {
        panic!("{who} is asked for a code");
    };
    let typed = code(secret, at);
    let answer = service.answer(Attempt::new(asked.login(), &typed)).await;
    let Answer::Accepted(pass) = answer.unwrap() else {
        panic!("{who}'s code is accepted");
    };
    let proof = service.proof(&pass).unwrap();
    assert!(service.recheck(&proof).await.is_ok());
}

async fn lives_on(name: &str, key: &str, ada: &str, ann: &str, bob: &str) {
    let database = Database::open(name).await.unwrap();
    assert!(database.is_older());
    let at = MANDATE + 600;
    signs_in(&database, key, "ann@example.com", ann, at).await;
    // The keys are not changed before the store has a record of them.
    let early = service(&database, key, at).register_keys().await;
    assert!(
        matches!(early, Err(Error::Keyring(KeyringError::NotInstalled))),
        "{early:?}"
    );
    let whole = service(&database, key, at)
        .audit_verify(None)
        .await
        .unwrap();
    assert_eq!(
        (whole.first_bad, whole.factors, whole.events),
        (None, 4, 11)
    );
    // Nor is anything recovered before there is room for what was found.
    let place = support::member("acme", "ann@example.com");
    let recovery = Recovery {
        damaged: database.load(&place).await.unwrap().stored,
        found_at: UnixTime::from_secs(at),
        twin: None,
    };
    let early = Change {
        recovery: Some(Box::new(recovery)),
        ..support::change(&place, 1)
    };
    let early = database.apply(&early).await;
    assert!(
        matches!(
            early,
            Err(twofa_sqlx::Error::OlderSchema { found: 1, known: 3 })
        ),
        "{early:?}"
    );
    assert!(database.remains(&place).await.unwrap().damaged.is_empty());
    // Nothing leaves a store that has no place for what would stand there instead.
    let mut nowhere = Nowhere;
    let archived = service(&database, key, at)
        .archive(UnixTime::from_secs(at), &mut nowhere)
        .await;
    let code = archived.err().and_then(|error| match error {
        Error::Store(cause) => cause.downcast::<twofa_sqlx::Error>().ok(),
        _ => None,
    });
    assert_eq!(code.map(|error| error.code()), Some("store-older"));
    database.close().await;

    let migrated = Database::migrate(name).await.unwrap();
    assert_eq!(migrated, Migrated { from: 1, to: 3 });
    let again = Database::migrate(name).await.unwrap();
    assert_eq!(again, Migrated { from: 3, to: 3 });
    let database = Database::open(name).await.unwrap();
    assert!(!database.is_older());
    let at = MANDATE + 660;
    let operator = service(&database, key, at);
    assert!(operator.install(Purpose::Production).await.unwrap());
    assert!(!operator.install(Purpose::Production).await.unwrap());
    signs_in(&database, key, "ann@example.com", ann, at).await;
    signs_in(&database, key, "ada@example.com", ada, at).await;

    // The reset of before stands, also against an import; its record says nothing of the key that it erased.
    let sign_in = SignIn::password(&project("acme"), &user("bob@example.com"));
    assert!(matches!(
        operator.begin(sign_in).await.unwrap(),
        Begin::Enrol(_)
    ));
    let at = MANDATE + 660 + 601;
    let later = service(&database, key, at);
    let uri = format!("otpauth://totp/acme:bob?secret={bob}");
    let lost = Parser::new(Profile::Lenient).parse(&uri).unwrap().uri;
    let (acme, bob) = (project("acme"), user("bob@example.com"));
    let refused = later.import(&acme, &bob, &lost, &support::operator()).await;
    assert_eq!(refused.unwrap_err().code(), "already-reset");
    let reset = later.support_reset(&acme, &bob, "op", "T-1").await;
    assert!(matches!(reset, Ok(Authorized::Granted(_))));

    // And a rotation leads to keys that are bound to this store.
    let mut ring = Keyring::from_text(&fs::read_to_string(fixture(key)).unwrap()).unwrap();
    let old: Vec<_> = ring.ids().collect();
    let fresh = ring.add().unwrap();
    let rotating = TwoFactor::builder(database.clone(), database.clone(), ring)
        .clock(move || UnixTime::from_secs(at))
        .build()
        .unwrap();
    assert_eq!(rotating.register_keys().await.unwrap(), [fresh]);
    rotating.activate_key(fresh).await.unwrap();
    rotating.reseal(|_| {}).await.unwrap();
    for id in old {
        rotating.retire_key(id, ProofsOfOld::Void).await.unwrap();
    }
    let whole = rotating.audit_verify(None).await.unwrap();
    assert_eq!(whole.first_bad, None);
    assert_eq!(whole.factors, 4);
    database.close().await;
}

#[tokio::test]
async fn a_store_in_sqlite_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofa.db");
    fs::copy(fixture("twofa.db"), &path).unwrap();
    Box::pin(lives_on(
        path.to_str().unwrap(),
        "twofa.db.key",
        "LZEDPW7YW3LWUTPQELSP3SJ3L5ADYL3M",
        "DDQ6BVXMRO7KBJQRQCKD6MXRJHAWBPLA",
        "SACLONX7SBNWMRM6KRZCJ2T4EFENLAXB",
    ))
    .await;
}

#[tokio::test]
async fn a_store_in_postgresql_lives_on() {
    use sqlx::Connection as _;
    let fresh = Fresh::postgres().await;
    let mut connection = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    let dump = fs::read_to_string(fixture("postgres.sql")).unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(dump))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    Box::pin(lives_on(
        &fresh.url,
        "postgres.key",
        "D5C5O4RTD5AIF722XKH35F2VP3SK23E3",
        "4M2GHPYRANRGIH3W7K5VEOKRBHUJXWXR",
        "WD2P4V3GS63HP3LCGISGPRYRPXSK53YO",
    ))
    .await;
}
