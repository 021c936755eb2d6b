//! Taking the beginnings of chains out of a SQLite file: one immediate transaction.

use sqlx::sqlite::SqliteConnection;
use twofa::{Applied, Cut};

use super::Sqlite;
use super::write::run;
use crate::shared::{Value, arguments, place};
use crate::{Error, rows, sql};

const INSERT: &str = "INSERT INTO twofa_checkpoint (project, user_id, seq, checkpoint) \
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

const UPDATE: &str = "UPDATE twofa_checkpoint SET seq = $3, checkpoint = $4 \
    WHERE project = $1 AND user_id = $2 AND seq = $5";

const DELETE: &str = "DELETE FROM twofa_event \
    WHERE project = $1 AND user_id = $2 AND seq > $3 AND seq <= $4";

/// Whether an event follows.
const FOLLOWS: &str = "SELECT count(*) FROM (SELECT 1 FROM twofa_event \
    WHERE project = $1 AND user_id = $2 AND seq > $3 LIMIT 1) AS f";

impl Sqlite {
    pub(super) async fn take_out(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        let _turn = self.turn().await?;
        let mut transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(Error::sqlite)?;
        // Nobody else writes between this look and the commit.
        let found: i64 = sqlx::query_scalar(sql::INSTALLATION)
            .fetch_one(&mut *transaction)
            .await
            .map_err(Error::sqlite)?;
        if found != rows::counter_in("the installation's version", installation)? {
            transaction.rollback().await.map_err(Error::sqlite)?;
            return Ok(Applied::Stale);
        }
        for cut in cuts {
            if !take_out_one(&mut transaction, cut).await? {
                transaction.rollback().await.map_err(Error::sqlite)?;
                return Ok(Applied::Conflict);
            }
        }
        transaction.commit().await.map_err(Error::sqlite)?;
        Ok(Applied::Committed)
    }
}

/// False where the chain does not stand as the cut says.
async fn take_out_one(connection: &mut SqliteConnection, cut: &Cut) -> Result<bool, Error> {
    let [project, user] = place(&cut.subject);
    let from = rows::counter_in("the event's number", cut.from)?;
    let to = rows::counter_in("the event's number", cut.to)?;
    let (from, to) = (Value::Number(from), Value::Number(to));
    let checkpoint = Value::Bytes(&cut.checkpoint);
    let laid_down = if cut.from == 0 {
        run(connection, INSERT, &[project, user, to, checkpoint]).await?
    } else {
        let values = [project, user, to, checkpoint, from];
        run(connection, UPDATE, &values).await?
    };
    if laid_down != 1 {
        return Ok(false);
    }
    let taken = run(connection, DELETE, &[project, user, from, to]).await?;
    let values = arguments::<sqlx::Sqlite>(&[project, user, to]).map_err(Error::sqlite)?;
    let follows: i64 = sqlx::query_scalar_with(FOLLOWS, values)
        .fetch_one(connection)
        .await
        .map_err(Error::sqlite)?;
    Ok(taken == cut.to - cut.from && follows == 1)
}
