//! [`Store::apply`](twofa::Store::apply) on SQLite: one immediate transaction.

use sqlx::sqlite::{SqliteConnection, SqliteQueryResult};
use twofa::{Applied, AuditRow, Change, Ends};

use super::Sqlite;
use crate::error::is_duplicate;
use crate::shared::{Beside, arguments, parking};
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
        // Nobody else writes between this look and the commit.
        let installation: i64 = sqlx::query_scalar(sql::INSTALLATION)
            .fetch_one(&mut *transaction)
            .await
            .map_err(Error::sqlite)?;
        let lost = if installation
            != rows::counter_in("the installation's version", change.installation)?
        {
            Some(Applied::Stale)
        } else if record(&mut transaction, change).await?.rows_affected() == 0
            || !changes_a_row(&mut transaction, beside).await?
        {
            Some(Applied::Conflict)
        } else {
            None
        };
        if let Some(lost) = lost {
            transaction.rollback().await.map_err(Error::sqlite)?;
            return Ok(lost);
        }
        for row in &change.events {
            event(&mut transaction, change, row).await?;
        }
        login(&mut transaction, change).await?;
        if let Some(login) = &change.park {
            let values = arguments::<sqlx::Sqlite>(&parking(&change.subject, login));
            let parking = sqlx::query_with(sql::PARK, values.map_err(Error::sqlite)?);
            let parked = parking.execute(&mut *transaction).await;
            parked.map_err(Error::sqlite)?;
        }
        transaction.commit().await.map_err(Error::sqlite)?;
        Ok(Applied::Committed)
    }
}

async fn changes_a_row(
    connection: &mut SqliteConnection,
    beside: Option<Beside<'_>>,
) -> Result<bool, Error> {
    let Some((statement, values)) = beside else {
        return Ok(true);
    };
    let values = arguments::<sqlx::Sqlite>(values).map_err(Error::sqlite)?;
    let done = sqlx::query_with(statement, values).execute(connection);
    Ok(done.await.map_err(Error::sqlite)?.rows_affected() > 0)
}

async fn record(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<SqliteQueryResult, Error> {
    sqlx::query(if change.expected == 0 { INSERT } else { UPDATE })
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
