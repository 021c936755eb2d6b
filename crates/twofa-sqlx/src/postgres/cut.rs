//! Taking the beginnings of chains out of PostgreSQL: one transaction, a few statements for all of them.

use sqlx::postgres::{PgConnection, PgQueryResult};
use twofa::{Applied, Cut};

use super::Postgres;
use crate::error::sql_state;
use crate::{Error, rows};

/// Two that would take out the same wait for each other at the row, and the second finds it moved on.
const INSERT: &str = "INSERT INTO twofa_checkpoint (project, user_id, seq, checkpoint) \
    SELECT c.project, c.user_id, c.upto, c.checkpoint \
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[]) \
        AS c (project, user_id, since, upto, checkpoint) \
    WHERE c.since = 0 ORDER BY 1, 2 ON CONFLICT DO NOTHING";

const UPDATE: &str = "UPDATE twofa_checkpoint t SET seq = c.upto, checkpoint = c.checkpoint \
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[]) \
        AS c (project, user_id, since, upto, checkpoint) \
    WHERE c.since > 0 AND t.project = c.project AND t.user_id = c.user_id AND t.seq = c.since";

const DELETE: &str = "DELETE FROM twofa_event e \
    USING unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS c (project, user_id, since, upto) \
    WHERE e.project = c.project AND e.user_id = c.user_id AND e.seq > c.since AND e.seq <= c.upto";

/// How many of the chains go on.
const FOLLOW: &str = "SELECT count(*) FROM unnest($1::text[], $2::text[], $3::bigint[]) \
    AS c (project, user_id, upto) WHERE EXISTS (SELECT 1 FROM twofa_event e \
    WHERE e.project = c.project AND e.user_id = c.user_id AND e.seq > c.upto)";

/// Locked, so that it does not move on before the commit.
const INSTALLATION: &str =
    "SELECT version FROM twofa_factor WHERE project = '' AND user_id = '' FOR SHARE";

/// The cuts as columns.
struct Columns {
    projects: Vec<String>,
    users: Vec<String>,
    from: Vec<i64>,
    to: Vec<i64>,
    checkpoints: Vec<Vec<u8>>,
}

impl Columns {
    fn of(cuts: &[Cut]) -> Result<Self, Error> {
        let numbers = |of: fn(&Cut) -> u64| {
            let numbers = cuts.iter().map(of);
            let columns = numbers.map(|number| rows::counter_in("the event's number", number));
            columns.collect::<Result<Vec<_>, _>>()
        };
        let texts = |of: fn(&Cut) -> &str| cuts.iter().map(|cut| of(cut).to_owned()).collect();
        Ok(Self {
            projects: texts(|cut| cut.subject.project_key()),
            users: texts(|cut| cut.subject.user_key()),
            from: numbers(|cut| cut.from)?,
            to: numbers(|cut| cut.to)?,
            checkpoints: cuts.iter().map(|cut| cut.checkpoint.clone()).collect(),
        })
    }

    async fn lay_down(
        &self,
        connection: &mut PgConnection,
        statement: &'static str,
    ) -> Result<PgQueryResult, sqlx::Error> {
        sqlx::query(statement)
            .bind(&self.projects)
            .bind(&self.users)
            .bind(&self.from)
            .bind(&self.to)
            .bind(&self.checkpoints)
            .execute(connection)
            .await
    }

    async fn take_out(&self, connection: &mut PgConnection) -> Result<(u64, i64), sqlx::Error> {
        let taken = sqlx::query(DELETE)
            .bind(&self.projects)
            .bind(&self.users)
            .bind(&self.from)
            .bind(&self.to)
            .execute(&mut *connection)
            .await?;
        let follow = sqlx::query_scalar(FOLLOW)
            .bind(&self.projects)
            .bind(&self.users)
            .bind(&self.to)
            .fetch_one(connection)
            .await?;
        Ok((taken.rows_affected(), follow))
    }
}

impl Postgres {
    pub(super) async fn take_out(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        let columns = Columns::of(cuts)?;
        let installation = rows::counter_in("the installation's version", installation)?;
        match self.try_to_take_out(installation, cuts, &columns).await {
            // serialization_failure, deadlock_detected: rolled back for another writer's sake.
            Err(error) if matches!(sql_state(&error).as_deref(), Some("40001" | "40P01")) => {
                Ok(Applied::Conflict)
            }
            done => done.map_err(Error::postgres),
        }
    }

    async fn try_to_take_out(
        &self,
        installation: i64,
        cuts: &[Cut],
        columns: &Columns,
    ) -> Result<Applied, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let found: Option<i64> = sqlx::query_scalar(INSTALLATION)
            .fetch_optional(&mut *transaction)
            .await?;
        if found.unwrap_or_default() != installation {
            transaction.rollback().await?;
            return Ok(Applied::Stale);
        }
        let inserted = columns.lay_down(&mut transaction, INSERT).await?;
        let updated = columns.lay_down(&mut transaction, UPDATE).await?;
        let laid_down = inserted.rows_affected() + updated.rows_affected();
        let (taken, follow) = columns.take_out(&mut transaction).await?;
        let events: u64 = cuts.iter().map(|cut| cut.to.saturating_sub(cut.from)).sum();
        let chains = u64::try_from(cuts.len()).unwrap_or(u64::MAX);
        let as_said = laid_down == chains && taken == events && follow.cast_unsigned() == chains;
        if as_said {
            transaction.commit().await?;
            return Ok(Applied::Committed);
        }
        transaction.rollback().await?;
        Ok(Applied::Conflict)
    }
}
