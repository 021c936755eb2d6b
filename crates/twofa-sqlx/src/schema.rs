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

/// Whether everything that this program knows has been applied.
pub(crate) fn is_current(
    migrations: &[Migration],
    applied: &[(i64, Vec<u8>)],
) -> Result<bool, Error> {
    let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    if let Some(found) = applied.iter().map(|a| a.0).max().filter(|v| *v > known) {
        return Err(Error::NewerSchema { found, known });
    }
    for migration in migrations {
        match applied.iter().find(|a| a.0 == migration.version) {
            None => return Ok(false),
            Some((_, checksum)) if **checksum == *migration.checksum => {}
            Some((version, _)) => return Err(Error::AlteredSchema { version: *version }),
        }
    }
    Ok(true)
}
