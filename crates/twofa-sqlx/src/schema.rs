//! Versions of the tables: an older store is brought up to date, a newer one is refused.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};

use crate::Error;

/// Beside the application's own table of migrations, never in it.
pub(crate) const TABLE: &str = "twofa_migrations";

/// What has been applied, in order.
pub(crate) const APPLIED: &str = "SELECT version, checksum FROM twofa_migrations ORDER BY version";

/// These files as migrations, with versions from 1 on.
pub(crate) fn migrations(files: &[(&'static str, &'static str)]) -> Vec<Migration> {
    (1_i64..)
        .zip(files)
        .map(|(version, (name, sql))| {
            let kind = MigrationType::Simple;
            Migration::new(version, (*name).into(), kind, sql.into_sql_str(), false)
        })
        .collect()
}

/// Applies what is missing, inside a transaction of the caller's. sqlx's own migrator would take an advisory
/// lock, which not every engine with PostgreSQL's protocol has.
pub(crate) async fn apply<C: Migrate + Send>(
    connection: &mut C,
    migrations: &[Migration],
) -> Result<(), MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    for migration in migrations {
        if applied.iter().all(|a| a.version != migration.version) {
            connection.apply(TABLE, migration).await?;
        }
    }
    Ok(())
}

/// How the tables of a store stand to what this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// There are none.
    None,
    /// They are of this version.
    Current,
    /// They are of an older one.
    Older(i64),
}

/// How the tables stand.
pub(crate) fn tables(
    migrations: &[Migration],
    applied: &[(i64, Vec<u8>)],
) -> Result<Tables, Error> {
    let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    let found = applied.iter().map(|a| a.0).max().unwrap_or(0);
    if found > known {
        return Err(Error::NewerSchema { found, known });
    }
    for (version, checksum) in applied {
        let ours = migrations.iter().find(|m| m.version == *version);
        if ours.is_none_or(|ours| **checksum != *ours.checksum) {
            return Err(Error::AlteredSchema { version: *version });
        }
    }
    Ok(match found {
        0 => Tables::None,
        _ if found == known => Tables::Current,
        _ => Tables::Older(found),
    })
}

/// The tables of the last release. Every version since is used with what came later left out.
const RELEASED: i64 = 1;

/// The version of a store that may be used: those since the last release may, with what this version adds left out.
pub(crate) fn usable(tables: Tables, known: i64, name: &str) -> Result<i64, Error> {
    match tables {
        Tables::None => Err(Error::NoStore { name: name.into() }),
        Tables::Current => Ok(known),
        Tables::Older(found) if found >= RELEASED => Ok(found),
        Tables::Older(found) => Err(Error::OlderSchema { found, known }),
    }
}

/// What `migrate` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version that the tables had.
    pub from: i64,
    /// The version that they have now.
    pub to: i64,
}
