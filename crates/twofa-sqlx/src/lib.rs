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
//! | `sqlite/queue.rs`, `sqlite/write.rs` | writers in line; the one transaction that applies a change |
//! | `postgres/limits.rs` | how long a connection waits, and how many there are |
//! | `postgres.rs`, `postgres/write.rs` | opening a pool; the one statement that applies a change |
//! | `shared.rs`, `sql.rs` | what both do alike, and the statements they do it with |
//! | `rows.rs` | rows into values, checked |
//! | `schema.rs`, `../migrations` | the tables and their versions |
//! | `error.rs` | [`Error`] |
//!
//! # Notices and their cursors
//!
//! [`notices`](twofa::Store::notices) promises cursors in the order of commits. Numbers from a sequence do not
//! keep that promise: a later number may commit first, and a reader would step over the earlier one. So each
//! event that a person must be told of takes its number from a row of its project, locked until the commit.
//! That makes set-ups, resets and locks of one project wait for each other, which are rare. Ordinary logins
//! write no notice and never touch that row.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod location;
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
pub use postgres::{Limits, PgStore};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use schema::Migrated;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

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
