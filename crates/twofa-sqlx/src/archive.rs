//! Many chains at once, and chains whose beginning was taken out: statements that both databases understand, and what
//! is asked of a store that has no checkpoints yet.

use twofa::types::ProjectId;
use twofa::{Applied, ChainSpan, Cut, HeadRow, Subject, SubjectEvent};

use crate::rows::{self, HeadLine};
use crate::shared::{Backend, SqlStore, Value, place, span};
use crate::{Error, sql};
use Value::Number;

/// From this version of the tables on there are checkpoints.
pub(crate) const VERSION: i64 = 3;

/// The version of the tables as they lie there now.
const VERSION_NOW: &str = "SELECT COALESCE(max(version), 0) FROM twofa_migrations";

pub(crate) const CHECKPOINT: &str =
    "SELECT checkpoint FROM twofa_checkpoint WHERE project = $1 AND user_id = $2";

/// Events by their chains: all of them, those up to a subject, those after one of a chain, and those between.
macro_rules! chains {
    ($from:expr) => {
        [
            chains!(@ $from, ""),
            chains!(@ $from, "AND (project, user_id) <= ($3, $4) "),
            chains!(@ $from, "AND (project, user_id, seq) > ($3, $4, $5) "),
            chains!(
                @ $from,
                "AND (project, user_id) <= ($3, $4) AND (project, user_id, seq) > ($5, $6, $7) "
            ),
        ]
    };
    (@ $from:expr, $within:literal) => {
        concat!(
            "SELECT ",
            sql::event_columns!(),
            " FROM ",
            $from,
            $within,
            "ORDER BY project, user_id, seq LIMIT $1"
        )
    };
}

// Where all are asked for, the number says nothing: the order is then that of the key alone.
const ALL: [&str; 4] = chains!("twofa_event WHERE CAST($2 AS BIGINT) IS NOT NULL ");
const MANY: [&str; 4] = chains!("twofa_event WHERE id > $2 ");

/// Found by their numbers, and then put in order: the bound within is never met, and keeps it so.
const FEW: [&str; 4] = chains!(concat!(
    "(SELECT ",
    sql::event_columns!(),
    " FROM twofa_event WHERE id > $2 ORDER BY id LIMIT 1000000) AS e WHERE TRUE "
));

/// So many are put in order for each page of them.
const FEW_ENOUGH: i64 = 50_000;

impl<B: Backend> SqlStore<B> {
    pub(crate) async fn heads_of(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<HeadRow>, Error> {
        let [with, without] = &B::HEADS;
        let statements = if self.has_checkpoints().await? {
            with
        } else {
            without
        };
        let Some((statement, mut values)) = span(statements, project, after, limit) else {
            return Ok(Vec::new());
        };
        values.insert(0, Number(rows::before(up_to)));
        self.all(statement, &values, |line: HeadLine| rows::head(line))
            .await
    }

    pub(crate) async fn events_in(
        &self,
        within: &ChainSpan<'_>,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let mut values = vec![Number(limit.into()), Number(rows::before(within.since))];
        if let Some(until) = within.until {
            values.extend(place(until));
        }
        if let Some((subject, seq)) = within.after {
            values.extend(place(subject));
            values.push(Number(rows::seq_in(seq)));
        }
        let [all, until, after, between] = self.chains_since(within.since).await?;
        let statement = match (within.until, within.after) {
            (None, None) => all,
            (Some(_), None) => until,
            (None, Some(_)) => after,
            (Some(_), Some(_)) => between,
        };
        self.all(statement, &values, rows::event).await
    }

    async fn chains_since(&self, since: u64) -> Result<[&'static str; 4], Error> {
        if since == 0 {
            return Ok(ALL);
        }
        let newer = self.count(sql::LAST_EVENT, &[]).await? - rows::before(since);
        Ok(if newer < FEW_ENOUGH { FEW } else { MANY })
    }

    pub(crate) async fn checkpoint_of(&self, subject: &Subject) -> Result<Option<Vec<u8>>, Error> {
        if !self.has_checkpoints().await? {
            return Ok(None);
        }
        self.one(CHECKPOINT, &place(subject), |(bytes,): (Vec<u8>,)| {
            Ok(bytes)
        })
        .await
    }

    pub(crate) async fn cut_all(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        if !self.has_checkpoints().await? {
            return Err(Error::OlderSchema {
                found: self.0.versions().0,
                known: VERSION,
            });
        }
        self.0.cut(installation, cuts).await
    }

    /// A store that had none when it was opened may have been brought up to date since.
    pub(crate) async fn has_checkpoints(&self) -> Result<bool, Error> {
        if self.0.versions().0 >= VERSION {
            return Ok(true);
        }
        Ok(self.count(VERSION_NOW, &[]).await? >= VERSION)
    }
}
