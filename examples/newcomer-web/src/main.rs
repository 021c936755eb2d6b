//! An application with teams and users of its own, in which two-factor authentication is mandatory: it checks
//! passwords and keeps sessions, `twofa` says who may come in. Serves port 3000, with one user to try it as, whose
//! password is `change-me`.
//!
//! | file | subject |
//! |---|---|
//! | `people.rs` | teams and users: the application's tables, as `twofa` asks for them |
//! | `web.rs` | the pages |
//! | `tests.rs` | the published testkit over these tables, and a story over the pages |
#![expect(clippy::print_stderr, reason = "where an operator reads of trouble")]

mod people;
#[cfg(test)]
mod tests;
mod web;

use std::path::Path;

use people::People;
use twofa::policy::{ProjectSettings, Role};
use twofa::types::UnixTime;
use twofa::{KeySource, Keyring};
use twofa_sqlx::SqliteStore;
use twofa_sqlx::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (file, keys) = (Path::new("newcomer.db"), Path::new("newcomer.key"));
    let first = is_first(file, keys)?;
    let pool = SqlitePool::connect_with(options(file)).await?;
    if first {
        SqliteStore::create_in_pool(pool.clone()).await?;
        Keyring::generate()?.create_file(keys)?;
        let people = People::new(pool.clone()).await?;
        let (team, ann) = ("acme".parse()?, "ann@example.com".parse()?);
        let mandatory = ProjectSettings::mandatory_from(UnixTime::from_secs(1_669_852_800));
        people.put_team(&team, mandatory).await?;
        let role = Role::Administrator;
        people.put_user((&team, &ann), "change-me", role).await?;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    // From the file, so that a rotation beside the running service is seen by nobody.
    let app = web::app(pool, KeySource::file(keys)).await?;
    Ok(axum::serve(listener, app).await?)
}

/// Whether this is the first start, which makes store and keys together. Later, one of them without the other was
/// lost, and is not made anew in its place.
fn is_first(file: &Path, keys: &Path) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    match (std::fs::exists(file)?, std::fs::exists(keys)?) {
        (false, false) => Ok(true),
        (true, true) => Ok(false),
        (store, _) => {
            let (gone, left) = if store { (keys, file) } else { (file, keys) };
            let (gone, left) = (gone.display(), left.display());
            Err(
                format!("{left} is there without {gone}, which belongs to it: put that back")
                    .into(),
            )
        }
    }
}

/// As [`SqliteStore::from_pool`] wants it.
fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(30))
}
