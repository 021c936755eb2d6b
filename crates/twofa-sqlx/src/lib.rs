//! Factors, parked logins, events, projects and members in SQLite and PostgreSQL, for [`twofa`].
//!
//! [`SqliteStore`] keeps everything in one file, [`PgStore`] in a PostgreSQL database, and [`Database`] is
//! whichever of them was named at run time. Each implements [`twofa::Store`] and [`twofa::Directory`]. An
//! application that has tables of its own for projects and members implements `Directory` itself and gives a
//! store from here as the `Store` alone; the tables `twofa_project` and `twofa_member` then stay empty.
//!
//! This crate must never decide anything, open a sealed record, keep an answer in memory, or report a write as
//! done that a crash could take back. Building it needs no database.
//!
//! | feature | adds |
//! |---|---|
//! | `sqlite` (default) | `SqliteStore`, with SQLite itself compiled in |
//! | `postgres` (default) | `PgStore` |
//! | `tls` | TLS to PostgreSQL, by rustls; without it only to this machine |
//!
//! | file | subject |
//! |---|---|
//! | `database.rs` | [`Database`]: one or the other, by path or URL |
//! | `location.rs` | [`Location`]: a file or a server, by the name that a person gives |
//! | `sqlite.rs`, `sqlite/open.rs` | a file: opened, made, brought up to date |
//! | `sqlite/queue.rs`, `sqlite/line.rs` | writers in line, and what a process stands in line at |
//! | `sqlite/write.rs` | the one transaction that applies a change |
//! | `postgres/limits.rs` | how long a connection waits, and how many there are |
//! | `postgres.rs`, `postgres/write.rs` | opening a pool; the one statement that applies a change |
//! | `shared.rs`, `sql.rs` | [`SqlStore`]: what both do alike, and the statements they do it with |
//! | `archive.rs`, `sqlite/cut.rs`, `postgres/cut.rs` | many chains at once; chains whose beginning is taken out |
//! | `people.rs` | projects and members |
//! | `rows.rs` | rows into values, checked |
//! | `schema.rs`, `../migrations` | the tables and their versions |
//! | `error.rs` | [`Error`] |
//!
//! # Opening is not making
//!
//! `open` takes a store that is there and makes nothing: what is no store is refused with its code
//! ([`Error::code`]) and stays byte for byte as it lies there. `create` makes one where there is none and says
//! whether it did; `migrate` brings the tables up to date. On a pool of the application's own these are
//! `from_pool` and `create_in_pool`.
//!
//! # What is waited for, and how long
//!
//! | | | how it is set |
//! |---|---|---|
//! | SQLite: a writer for others | 30 s | `SqliteStore::open_within` |
//! | PostgreSQL: a connection | 10 s | `Limits::with_connect` |
//! | PostgreSQL: a statement | 10 s | `Limits::with_statement`, `statement_timeout` of URL, role or database |
//! | PostgreSQL: a lock | 5 s | `Limits::with_lock`, `lock_timeout` of URL, role or database |
//!
//! Then it is [`Error::Busy`]. Behind a pooler in transaction mode the limits stay with whichever session of the
//! server they were set on: set them for the role there.
//!
//! Writers of a SQLite file, in one process or many, stand in line and come first who came first. The line is one
//! of locks on the log beside the file, which the operating system takes back from a process that ends (Linux;
//! elsewhere on Unix the order is the system's, and on Windows SQLite's). A program that writes without standing in
//! line is waited for as SQLite waits.
//!
//! A program that holds a reading transaction open keeps the log from being written back, so that it grows for as
//! long: beyond 64 MiB this is told as a warning of `tracing`, once a minute, and by `SqliteStore::held_log`.
//!
//! # Notices and their cursors
//!
//! [`notices`](twofa::Store::notices) promises cursors in the order of commits. Numbers from a sequence do not
//! keep that promise: a later number may commit first, and a reader would step over the earlier one. So each
//! event that a person must be told of takes its number from a row of its project, locked until the commit.
//! That makes set-ups, resets and locks of one project wait for each other, which are rare. Ordinary logins
//! write no notice and never touch that row.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod archive;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod location;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod people;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rows;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod schema;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod shared;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::Database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use error::Error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use location::Location;
#[cfg(feature = "postgres")]
pub use postgres::{Limits, PgStore, Postgres};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use schema::Migrated;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use shared::SqlStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteStore};

pub use sqlx;

/// Whether a store was made just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was made: nothing was ever kept in it.
    Now,
    /// It was there before.
    Before,
}

/// The code of this crate's README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeOfThisCrate;
