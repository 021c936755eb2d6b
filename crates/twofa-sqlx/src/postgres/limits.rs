//! How long a connection waits, and how many there are: [`Limits`].

use std::time::Duration;

use sqlx::postgres::PgConnection;

/// How many connections, and how long anything is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(super) connections: u32,
    pub(super) connect: Duration,
    statement: Option<Duration>,
    lock: Option<Duration>,
}

/// For a statement, where nobody says anything.
const STATEMENT: Duration = Duration::from_secs(10);

/// For a lock that somebody else holds, where nobody says anything.
const LOCK: Duration = Duration::from_secs(5);

/// At most 16 connections; 10 seconds for the server to let one in or for one to be free, 10 for a statement, 5
/// for a lock. What the URL, the role or the database sets for `statement_timeout` or `lock_timeout` counts for
/// more than the default of either, and less than what is said here.
impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16,
            connect: Duration::from_secs(10),
            statement: None,
            lock: None,
        }
    }
}

impl Limits {
    /// At most so many connections at once, and at least one.
    pub const fn with_connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// So long for the server to let a connection in, or for one to be free.
    pub const fn with_connect(mut self, wait: Duration) -> Self {
        self.connect = wait;
        self
    }

    /// So long for a statement; then [`Error::Busy`](crate::Error::Busy). Zero is without end.
    pub const fn with_statement(mut self, wait: Duration) -> Self {
        self.statement = Some(wait);
        self
    }

    /// So long for a lock that somebody else holds; then [`Error::Busy`](crate::Error::Busy). Zero is without end.
    pub const fn with_lock(mut self, wait: Duration) -> Self {
        self.lock = Some(wait);
        self
    }

    pub(super) async fn set(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        // Whatever does not know a setting answers NULL, and is left alone.
        let set = "SELECT set_config(name, CASE WHEN said OR stands IN ('0', '0s', '0ms') THEN wanted ELSE stands END, false) \
            FROM (SELECT l.*, current_setting(l.name, true) AS stands FROM (VALUES \
            ('statement_timeout', $1::text, $2::boolean), ('lock_timeout', $3::text, $4::boolean)) \
            AS l (name, wanted, said)) AS s WHERE stands IS NOT NULL";
        let text = |wait: Duration| wait.as_millis().to_string();
        sqlx::query(set)
            .persistent(false)
            .bind(text(self.statement.unwrap_or(STATEMENT)))
            .bind(self.statement.is_some())
            .bind(text(self.lock.unwrap_or(LOCK)))
            .bind(self.lock.is_some())
            .execute(connection)
            .await
            .map(drop)
    }
}
