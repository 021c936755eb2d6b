use std::path::PathBuf;

/// Trouble with a store or a directory on a database. Each message says what to do; none holds a password, a
/// secret or a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A directory was named where a file belongs.
    #[error("{} is a directory; name a file for the store", .path.display())]
    IsDirectory {
        /// What was named.
        path: PathBuf,
    },
    /// There is no store of that name.
    #[error("there is no store at {name}; name the right one, or make one (`twofa init`)")]
    NoStore {
        /// What was named, without a password.
        name: String,
    },
    /// What lies there is another program's, or nothing at all.
    #[error("{name} is no store: {why}; name another, or make one elsewhere")]
    NotAStore {
        /// What was named, without a password.
        name: String,
        /// What it is.
        why: &'static str,
    },
    /// The store's file was deleted or replaced while it was open.
    #[error(
        "the store's file {} was deleted or replaced while it was in use, so nothing is written into it any more; put it back and start again", .path.display()
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The tables come from a version too long before this one.
    #[error(
        "the store has schema version {found} and this program needs {known}; bring it up to date with `twofa migrate`"
    )]
    OlderSchema {
        /// The store's version.
        found: i64,
        /// The version that is needed.
        known: i64,
    },
    /// The role may not do this.
    #[error("this role may not do that in the database: {}; grant it SELECT, INSERT, UPDATE and DELETE on the tables that begin with twofa_", plain(.0))]
    NoRights(sqlx::Error),
    /// The connection would send a password and secrets in the clear to another machine.
    #[error(
        "the connection to {host} would not be encrypted; say sslmode=require or stronger in the URL{without}"
    )]
    InTheClear {
        /// The server's name or address.
        host: String,
        /// Where this build cannot encrypt at all: how to get one that does.
        without: &'static str,
    },
    /// The folder that is to hold the file does not exist.
    #[error("{} cannot be created: its folder does not exist; create the folder first", .path.display())]
    NoFolder {
        /// What was named.
        path: PathBuf,
    },
    /// An existing file cannot be used as a store, for the reason given.
    #[error("{}: {why}", .path.display())]
    Open {
        /// What was named.
        path: PathBuf,
        /// Why not.
        why: Box<Error>,
    },
    /// The operating system refused to open the file.
    #[error(
        "the store cannot be opened; check that the file and its folder may be read and written"
    )]
    CannotOpen(#[source] sqlx::Error),
    /// The file is something else.
    #[error("the file is not a SQLite database; name another file, or move this one away")]
    NotADatabase(#[source] sqlx::Error),
    /// The file is a SQLite database whose pages contradict each other.
    #[error(
        "the database is damaged; restore it from a backup (its tables cannot be trusted any more)"
    )]
    Corrupt(#[source] sqlx::Error),
    /// The database may be read but not written.
    #[error(
        "the store is read-only; every sign-in writes, so give write permission to the file, its folder, and those beside it that end in -wal and -shm, or use the primary server"
    )]
    ReadOnly(#[source] sqlx::Error),
    /// No room left on the disk.
    #[error("the disk is full, or does not take what is written; free some space")]
    Full(#[source] sqlx::Error),
    /// Another process kept the SQLite file locked for too long.
    #[error(
        "the store is busy: others held it for too long; try again, and end whatever does not let go of it"
    )]
    Busy(#[source] sqlx::Error),
    /// The server does not answer, or does not let this user in.
    #[error(
        "PostgreSQL at {place} cannot be reached: {}; check that it runs and lets this user in", plain(.cause)
    )]
    Unreachable {
        /// The server's name and port, or its socket.
        place: String,
        /// What was answered.
        cause: Box<sqlx::Error>,
    },
    /// The tables come from a newer version of this crate.
    #[error(
        "the store has schema version {found} and this program knows versions up to {known}; use a program as new as the store"
    )]
    NewerSchema {
        /// The store's version.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// A recorded migration differs from the one that this program knows under the same version.
    #[error(
        "migration {version} of the store is not the one that this program knows; restore the store from a backup of this program's own"
    )]
    AlteredSchema {
        /// The migration.
        version: i64,
    },
    /// The tables could not be created or brought up to date.
    #[error("the store's tables could not be brought up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
    /// The connection would report writes as done that a crash can take back: a code could work twice.
    #[error(
        "the connection has {setting} = {value}, with which a crash forgets accepted codes; set it to {wanted}"
    )]
    NotDurable {
        /// The database's setting.
        setting: &'static str,
        /// What it stands at.
        value: String,
        /// What it must stand at.
        wanted: &'static str,
    },
    /// The database cannot hold every id.
    #[error(
        "the database's encoding is {found}; ids may hold any Unicode, so create the database with UTF8"
    )]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// The URL names a kind of database that there is no store for.
    #[error("{scheme} is no store; give a file's path, a sqlite: URL or a postgres: URL")]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// The URL names a kind of database that this build leaves out.
    #[error("this build has no {scheme} store; enable the feature `{feature}` of twofa-sqlx")]
    LeftOut {
        /// What stands before the colon.
        scheme: &'static str,
        /// The feature that adds it.
        feature: &'static str,
    },
    /// The URL cannot be read.
    #[error("the database URL cannot be read; write postgres://user@host:port/database")]
    Url(#[source] sqlx::Error),
    /// A SQLite store takes no parameters.
    #[error("`{name}` has parameters; a SQLite store takes none but mode=rwc: leave them out")]
    Parameters {
        /// What was named.
        name: Box<str>,
    },
    /// A SQLite store needs a file.
    #[error(
        "`{name}` names no file; a SQLite store needs one (twofa's own in-memory store needs none)"
    )]
    NoFile {
        /// What was named.
        name: String,
    },
    /// An event with this number exists: the record is older than its own events.
    #[error(
        "an event of {user:?} in project {project:?} exists already: the record was rolled back behind its events, by a restored backup or by hand; verify the audit"
    )]
    EventExists {
        /// The project's id; empty for the store's record of its keys.
        project: String,
        /// The person's id; empty for the project itself.
        user: String,
    },
    /// A record longer than [`MAX_RECORD_BYTES`](twofa::MAX_RECORD_BYTES).
    #[error("a record of {bytes} bytes is longer than any that is written; nothing was stored")]
    RecordTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A number beyond what a database's integers hold (2^63 - 1).
    #[error("{what} is beyond what the store can count to; nothing was stored")]
    OutOfRange {
        /// Which number.
        what: &'static str,
    },
    /// A row that this crate cannot have written.
    #[error(
        "table {table} holds a row whose {column} cannot be read; it was changed by another hand, so verify the audit or restore a backup"
    )]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Whatever else the database answers.
    #[error("the database answers: {}", plain(.0))]
    Database(sqlx::Error),
}

/// What a database says, without the place in its own source that its driver adds.
fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => said.message().to_owned(),
        sqlx::Error::PoolTimedOut => "no connection was free in time".to_owned(),
        other => other.to_string(),
    }
}

impl Error {
    /// A stable code, for programs. Trouble with the store: `no-store`, `not-a-store`, `store-damaged`,
    /// `store-full`, `store-read-only`, `store-busy`, `store-unreachable`, `store-older`, `store-newer`. What was asked
    /// for cannot be: `duplicate-project`, `duplicate-member`, `unknown-project`, `unknown-member`. The name is
    /// none: `store-name`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoStore { .. } | Self::NoFolder { .. } | Self::Gone { .. } => "no-store",
            Self::IsDirectory { .. }
            | Self::NotAStore { .. }
            | Self::NotADatabase(_)
            | Self::NotDurable { .. }
            | Self::Encoding { .. } => "not-a-store",
            Self::Open { why, .. } => why.code(),
            Self::Corrupt(_)
            | Self::BadRow { .. }
            | Self::EventExists { .. }
            | Self::AlteredSchema { .. }
            | Self::RecordTooLong { .. }
            | Self::OutOfRange { .. } => "store-damaged",
            Self::Full(_) => "store-full",
            Self::ReadOnly(_) | Self::NoRights(_) => "store-read-only",
            Self::Busy(_) => "store-busy",
            Self::CannotOpen(_)
            | Self::Unreachable { .. }
            | Self::InTheClear { .. }
            | Self::Migrate(_)
            | Self::Database(_) => "store-unreachable",
            Self::OlderSchema { .. } => "store-older",
            Self::NewerSchema { .. } => "store-newer",
            Self::UnknownScheme { .. }
            | Self::LeftOut { .. }
            | Self::Url(_)
            | Self::Parameters { .. }
            | Self::NoFile { .. } => "store-name",
        }
    }

    /// A SQLite error under the name that says what to do.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(error: sqlx::Error) -> Self {
        let code = sqlite_code(&error);
        match code {
            // IOERR_SHMSIZE, _SHMMAP, _WRITE, _FSYNC, _DIR_FSYNC, _TRUNCATE: what a disk or a quota that is full
            // answers where a file must grow.
            Some(4874 | 5386 | 778 | 1034 | 1290 | 1546) => return Self::Full(error),
            // IOERR_SHORT_READ: the file ends before its last page does.
            Some(522) => return Self::Corrupt(error),
            _ => {}
        }
        // The primary result code is the low byte of an extended one (sqlite.org/rescode.html).
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Busy(error),
            Some(8) => Self::ReadOnly(error),
            Some(11) => Self::Corrupt(error),
            Some(13) => Self::Full(error),
            Some(14) => Self::CannotOpen(error),
            Some(26) => Self::NotADatabase(error),
            _ if matches!(error, sqlx::Error::PoolTimedOut) => Self::Busy(error),
            _ => Self::Database(error),
        }
    }

    /// A PostgreSQL error under the name that says what to do.
    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(error: sqlx::Error) -> Self {
        match sql_state(&error).as_deref() {
            // read_only_sql_transaction: a standby, or a connection that was set so.
            Some("25006") => Self::ReadOnly(error),
            // disk_full
            Some("53100") => Self::Full(error),
            // lock_not_available, query_canceled (by a time-out), too_many_connections
            Some("55P03" | "57014" | "53300") => Self::Busy(error),
            // data_corrupted, index_corrupted
            Some("XX001" | "XX002") => Self::Corrupt(error),
            // insufficient_privilege
            Some("42501") => Self::NoRights(error),
            // undefined_table: gone since the store was opened, or another search path
            Some("42P01") => Self::NoStore {
                name: "this place in the database".into(),
            },
            _ if matches!(error, sqlx::Error::PoolTimedOut) => Self::Busy(error),
            _ => Self::Database(error),
        }
    }
}

/// SQLite's extended result code.
#[cfg(feature = "sqlite")]
pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// The five characters of SQLSTATE.
#[cfg(feature = "postgres")]
pub(crate) fn sql_state(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Whether a unique or primary key was violated.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
