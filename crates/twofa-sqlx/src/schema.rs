//! Versions of the tables: an older store is brought up to date, a newer one is refused.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::Error;

/// Beside the application's own table of migrations, never in it.
pub(crate) const TABLE: &str = "twofa_migrations";

/// What has been applied, in order.
pub(crate) const APPLIED: &str = "SELECT version, checksum FROM twofa_migrations ORDER BY version";

/// A migrator for these files, in order of their versions from 1 on.
pub(crate) fn migrator(files: &[(&'static str, &'static str)]) -> Migrator {
    let migrations = (1_i64..)
        .zip(files)
        .map(|(version, (name, sql))| {
            let kind = MigrationType::Simple;
            Migration::new(version, (*name).into(), kind, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(TABLE);
    // Its lock is an advisory one, which not every engine with PostgreSQL's protocol has.
    migrator.set_locking(false);
    migrator
}

/// Whether everything that `migrator` knows has been applied.
pub(crate) fn is_current(migrator: &Migrator, applied: &[(i64, Vec<u8>)]) -> Result<bool, Error> {
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    if let Some(found) = applied.iter().map(|a| a.0).max().filter(|v| *v > known) {
        return Err(Error::NewerSchema { found, known });
    }
    for migration in migrator.iter() {
        match applied.iter().find(|a| a.0 == migration.version) {
            None => return Ok(false),
            Some((_, checksum)) if **checksum == *migration.checksum => {}
            Some((version, _)) => return Err(Error::AlteredSchema { version: *version }),
        }
    }
    Ok(true)
}
