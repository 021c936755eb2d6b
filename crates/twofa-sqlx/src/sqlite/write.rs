//! [`Store::apply`](twofa::Store::apply) on SQLite: one immediate transaction.

use sqlx::sqlite::{SqliteConnection, SqliteQueryResult};
use twofa::{Applied, AuditRow, Change, Ends, Recovery};

use super::Sqlite;
use crate::error::is_duplicate;
use crate::shared::{Beside, Value, arguments, keeping, lying, parking};
use crate::{Error, rows, sql};

const INSERT: &str = "INSERT INTO twofa_factor \
    (project, user_id, version, record, state, since, last_used) \
    VALUES ($1, $2, $3 + 1, $4, $5, $6, $7) ON CONFLICT DO NOTHING";

const UPDATE: &str = "UPDATE twofa_factor \
    SET version = $3 + 1, record = $4, state = $5, since = $6, last_used = $7 \
    WHERE project = $1 AND user_id = $2 AND version = $3";

const EVENT: &str = "INSERT INTO twofa_event \
    (project, user_id, seq, at, event, reason, actor, detail, generation, notice, key_id, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

// In the transaction that writes the events, so that numbers grow in the order of commits.
const NEXT_NOTICE: &str = "INSERT INTO twofa_notice_cursor (project, last) VALUES ($1, 1) \
    ON CONFLICT (project) DO UPDATE SET last = last + 1 RETURNING last";

const COUNT_FAILURE: &str = "UPDATE twofa_login SET failures = failures + 1 WHERE id = $1";
const END: &str = "DELETE FROM twofa_login WHERE id = $1";
const END_ALL: &str = "DELETE FROM twofa_login WHERE project = $1 AND user_id = $2";

impl Sqlite {
    pub(super) async fn apply(
        &self,
        change: &Change,
        beside: Option<Beside<'_>>,
    ) -> Result<Applied, Error> {
        let _turn = self.turn().await?;
        // A future that is dropped on the way rolls back, and nobody was answered.
        let mut transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(Error::sqlite)?;
        let mut applied = match &change.recovery {
            None => write(&mut transaction, change).await?,
            Some(recovery) => match take_away(&mut transaction, change, recovery).await? {
                Applied::Committed => write(&mut transaction, change).await?,
                lost => lost,
            },
        };
        let twin = change.recovery.as_ref().and_then(|r| r.twin.as_ref());
        if let (Applied::Committed, Some(twin)) = (applied, twin) {
            applied = write(&mut transaction, twin).await?;
        }
        if let (Applied::Committed, Some((statement, values))) = (applied, beside)
            && run(&mut transaction, statement, values).await? == 0
        {
            applied = Applied::Conflict;
        }
        match applied {
            Applied::Committed => transaction.commit().await,
            Applied::Conflict | Applied::Stale => transaction.rollback().await,
        }
        .map_err(Error::sqlite)?;
        Ok(applied)
    }
}

/// Writes a change within a transaction. Nobody else writes between the look at the versions and the commit.
async fn write(connection: &mut SqliteConnection, change: &Change) -> Result<Applied, Error> {
    let installation: i64 = sqlx::query_scalar(sql::INSTALLATION)
        .fetch_one(&mut *connection)
        .await
        .map_err(Error::sqlite)?;
    if installation != rows::counter_in("the installation's version", change.installation)? {
        return Ok(Applied::Stale);
    }
    if record(connection, change).await?.rows_affected() == 0 {
        return Ok(Applied::Conflict);
    }
    for row in &change.events {
        event(connection, change, row).await?;
    }
    login(connection, change).await?;
    if let Some(login) = &change.park {
        run(connection, sql::PARK, &parking(&change.subject, login)).await?;
    }
    Ok(Applied::Committed)
}

/// Makes room for the record that takes the place of a damaged one.
async fn take_away(
    connection: &mut SqliteConnection,
    change: &Change,
    recovery: &Recovery,
) -> Result<Applied, Error> {
    let subject = &change.subject;
    let Some(damaged) = &recovery.damaged else {
        return Ok(Applied::Committed);
    };
    let taken = run(connection, sql::TAKE_AWAY, &lying(subject, damaged)).await?;
    if taken == 0 {
        return Ok(Applied::Conflict);
    }
    let kept = keeping(subject, damaged, recovery.found_at);
    run(connection, sql::KEEP_DAMAGED, &kept).await?;
    Ok(Applied::Committed)
}

/// Carries a statement out within a transaction, and says how many rows it changed.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    statement: &'static str,
    values: &[Value<'_>],
) -> Result<u64, Error> {
    let values = arguments::<sqlx::Sqlite>(values).map_err(Error::sqlite)?;
    let done = sqlx::query_with(statement, values)
        .execute(connection)
        .await;
    Ok(done.map_err(Error::sqlite)?.rows_affected())
}

async fn record(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<SqliteQueryResult, Error> {
    let insert = change.expected == 0 || change.recovery.is_some();
    sqlx::query(if insert { INSERT } else { UPDATE })
        .bind(change.subject.project_key())
        .bind(change.subject.user_key())
        .bind(rows::counter_in("the record's version", change.expected)?)
        .bind(change.record.as_slice())
        .bind(change.summary.state.code())
        .bind(change.summary.since.map(rows::time_in))
        .bind(change.summary.last_used.map(rows::time_in))
        .execute(connection)
        .await
        .map_err(Error::sqlite)
}

async fn event(
    connection: &mut SqliteConnection,
    change: &Change,
    row: &AuditRow,
) -> Result<(), Error> {
    let project = change.subject.project_key();
    let notice: Option<i64> = if row.notice {
        let next = sqlx::query_scalar(NEXT_NOTICE)
            .bind(project)
            .fetch_one(&mut *connection)
            .await
            .map_err(Error::sqlite)?;
        Some(next)
    } else {
        None
    };
    sqlx::query(EVENT)
        .bind(project)
        .bind(change.subject.user_key())
        .bind(rows::counter_in("the event's number", row.seq)?)
        .bind(rows::time_in(row.at))
        .bind(row.event.as_str())
        .bind(row.reason.as_deref())
        .bind(row.actor.as_deref())
        .bind(row.detail.as_deref())
        .bind(i64::from(row.generation))
        .bind(notice)
        .bind(i64::from(row.key_id))
        .bind(rows::mac_in(row))
        .execute(connection)
        .await
        .map_err(|error| {
            if is_duplicate(&error) {
                Error::EventExists {
                    project: project.into(),
                    user: change.subject.user_key().into(),
                }
            } else {
                Error::sqlite(error)
            }
        })?;
    Ok(())
}

async fn login(connection: &mut SqliteConnection, change: &Change) -> Result<(), Error> {
    let query = match &change.ends {
        Ends::None => return Ok(()),
        Ends::Counted(id) => sqlx::query(COUNT_FAILURE).bind(id.as_bytes().as_slice()),
        Ends::One(id) => sqlx::query(END).bind(id.as_bytes().as_slice()),
        Ends::All => sqlx::query(END_ALL)
            .bind(change.subject.project_key())
            .bind(change.subject.user_key()),
    };
    query.execute(connection).await.map_err(Error::sqlite)?;
    Ok(())
}
