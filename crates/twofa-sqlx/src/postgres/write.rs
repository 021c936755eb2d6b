//! [`Store::apply`](twofa::Store::apply) on PostgreSQL: one statement, one round trip (a recovery takes several, in a
//! transaction).
//!
//! The conditional write of the record stands first, as a common table expression; everything else in the
//! statement asks whether that wrote a row. A data-modifying expression runs to its end exactly once whether
//! or not it is read, and the statement is its own transaction (PostgreSQL manual, 7.8.4). Under READ COMMITTED
//! an `UPDATE` that waited for another writer looks at its condition again (13.2.1), finds the version moved on,
//! and writes nothing.
//!
//! The installation's version is compared as it stood when the statement began: one that began just before the
//! keys changed may commit just after. [`Store::drain`](twofa::Store::drain) waits for those, by a lock on the
//! table that lets each writer end first.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::QueryAs;
use twofa::{Applied, Change, Ends, Recovery};

use crate::error::{is_duplicate, sql_state};
use crate::shared::{Beside, Value, arguments, keeping, lying};
use crate::sql::{self, INSTALLATION};
use crate::{Error, rows};

impl super::Postgres {
    pub(super) async fn apply(
        &self,
        change: &Change,
        beside: Option<Beside<'_>>,
    ) -> Result<Applied, Error> {
        if change.recovery.is_some() || beside.is_some() {
            return self.apply_in_steps(change, beside).await;
        }
        let shape = Shape::of(change);
        let written = shape.bind(change)?.fetch_one(&self.pool).await;
        written_as(change, written)
    }

    /// Several statements in one transaction: recoveries, and changes of people and rules, are few.
    async fn apply_in_steps(
        &self,
        change: &Change,
        beside: Option<Beside<'_>>,
    ) -> Result<Applied, Error> {
        let mut transaction = self.pool.begin().await.map_err(Error::postgres)?;
        let recovery = change.recovery.as_ref();
        let mut applied = match recovery {
            None => Applied::Committed,
            Some(recovery) => take_away(&mut transaction, change, recovery).await?,
        };
        for part in std::iter::once(change).chain(recovery.and_then(|r| r.twin.as_ref())) {
            if applied == Applied::Committed {
                let query = Shape::of(part).bind(part)?;
                applied = written_as(part, query.fetch_one(&mut *transaction).await)?;
            }
        }
        if let (Applied::Committed, Some((statement, values))) = (applied, beside) {
            applied = match run(&mut transaction, statement, values).await {
                Ok(0) => Applied::Conflict,
                Ok(_) => Applied::Committed,
                Err(error) => lost_to_another(error)?,
            };
        }
        if applied != Applied::Committed {
            transaction.rollback().await.map_err(Error::postgres)?;
            return Ok(applied);
        }
        match transaction.commit().await {
            Ok(()) => Ok(Applied::Committed),
            Err(error) => lost_to_another(error),
        }
    }

    /// A `SHARE` lock is granted once every transaction that has written to the table has ended, and is given
    /// back at once; later writers wait for it in line (PostgreSQL manual, 13.3.1).
    pub(super) async fn drain(&self) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await.map_err(Error::postgres)?;
        let locked = sqlx::query("LOCK TABLE twofa_factor IN SHARE MODE")
            .persistent(false)
            .execute(&mut *transaction)
            .await;
        match locked {
            Ok(_) => transaction.commit().await.map_err(Error::postgres),
            // feature_not_supported, syntax_error: engines without such locks are serializable, and compare
            // exactly.
            Err(error) if matches!(sql_state(&error).as_deref(), Some("0A000" | "42601")) => Ok(()),
            Err(error) => Err(Error::postgres(error)),
        }
    }
}

/// Makes room for the record that takes the place of a damaged one.
async fn take_away(
    connection: &mut PgConnection,
    change: &Change,
    recovery: &Recovery,
) -> Result<Applied, Error> {
    let subject = &change.subject;
    let Some(damaged) = &recovery.damaged else {
        return Ok(Applied::Committed);
    };
    match run(connection, sql::TAKE_AWAY, &lying(subject, damaged)).await {
        Ok(0) => Ok(Applied::Conflict),
        Ok(_) => {
            let kept = keeping(subject, damaged, recovery.found_at);
            let kept = run(connection, sql::KEEP_DAMAGED, &kept).await;
            kept.map_err(Error::postgres)?;
            Ok(Applied::Committed)
        }
        Err(error) => lost_to_another(error),
    }
}

async fn run(
    connection: &mut PgConnection,
    statement: &'static str,
    values: &[Value<'_>],
) -> Result<u64, sqlx::Error> {
    let values = arguments::<sqlx::Postgres>(values)?;
    let done = sqlx::query_with(statement, values).execute(connection);
    Ok(done.await?.rows_affected())
}

/// What became of a change, by what its statement answered.
fn written_as(change: &Change, written: Result<(i64, i64), sqlx::Error>) -> Result<Applied, Error> {
    match written {
        Ok((0, installation)) => {
            let expected = rows::counter_in("the installation's version", change.installation)?;
            Ok(if installation == expected {
                Applied::Conflict
            } else {
                Applied::Stale
            })
        }
        Ok(_) => Ok(Applied::Committed),
        Err(error) if is_duplicate(&error) && violates_events(&error) => Err(Error::EventExists {
            project: change.subject.project_key().into(),
            user: change.subject.user_key().into(),
        }),
        Err(error) => lost_to_another(error),
    }
}

/// Whether it was rolled back for another writer's sake.
fn lost_to_another(error: sqlx::Error) -> Result<Applied, Error> {
    match sql_state(&error).as_deref() {
        // serialization_failure, deadlock_detected
        Some("40001" | "40P01") => Ok(Applied::Conflict),
        _ => Err(Error::postgres(error)),
    }
}

/// How long a reader waits for writers that may have drawn earlier numbers: somewhat longer than a statement may
/// take.
const SETTLED: Duration = Duration::from_secs(15);

/// Transactions that have begun to write events.
const WRITERS: &str = "SELECT virtualtransaction FROM pg_locks \
    WHERE locktype = 'relation' AND relation = 'twofa_event'::regclass \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()";

impl super::Postgres {
    /// An event's number is drawn before the commit, so that a later one may come to light first. Whoever writes
    /// events holds a lock on their table from before the number is drawn until the commit (PostgreSQL manual,
    /// 13.3.1 and 54.12): those that hold one now are waited for, and nobody waits for this.
    pub(super) async fn settle(&self) -> Result<(), Error> {
        let writing = async || -> Result<Vec<String>, Error> {
            let found = sqlx::query_scalar(WRITERS).fetch_all(&self.pool).await;
            match found {
                // undefined_table, undefined_function: engines without this view are serializable.
                Err(error) if matches!(sql_state(&error).as_deref(), Some("42P01" | "42883")) => {
                    Ok(Vec::new())
                }
                found => found.map_err(Error::postgres),
            }
        };
        let mut before = writing().await?;
        let mut wait = Duration::from_millis(1);
        let begun = Instant::now();
        while !before.is_empty() {
            if begun.elapsed() > SETTLED {
                return Err(Error::Busy(sqlx::Error::PoolTimedOut));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_millis(50));
            let now = writing().await?;
            before.retain(|writer| now.contains(writer));
        }
        Ok(())
    }
}

fn violates_events(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|e| e.table())
        // A partition is named after its table.
        .is_none_or(|table| table.starts_with("twofa_event"))
}

/// What a change holds, as far as it shapes the statement. Each shape is prepared once on each connection.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one part of the statement is there"
)]
struct Shape {
    insert: bool,
    events: bool,
    notices: bool,
    park: bool,
    ends: Which,
}

/// Which parked logins end: [`Ends`], without naming one.
#[derive(Clone, Copy)]
enum Which {
    None,
    Counted,
    One,
    All,
}

impl Which {
    const EACH: [Self; 4] = [Self::None, Self::Counted, Self::One, Self::All];

    fn of(ends: &Ends) -> Self {
        match ends {
            Ends::None => Self::None,
            Ends::Counted(_) => Self::Counted,
            Ends::One(_) => Self::One,
            Ends::All => Self::All,
        }
    }
}

/// The statement of every shape, at [`Shape::index`].
static STATEMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut statements = Vec::new();
    for ends in Which::EACH {
        for park in [false, true] {
            for notices in [false, true] {
                for events in [false, true] {
                    for insert in [false, true] {
                        let shape = Shape {
                            insert,
                            events,
                            notices,
                            park,
                            ends,
                        };
                        statements.push(shape.build());
                    }
                }
            }
        }
    }
    statements
});

/// How many records were written, and the version of the installation's record that this was compared with.
type Apply = QueryAs<'static, sqlx::Postgres, (i64, i64), PgArguments>;

impl Shape {
    fn of(change: &Change) -> Self {
        Self {
            insert: change.expected == 0 || change.recovery.is_some(),
            events: !change.events.is_empty(),
            notices: change.events.iter().any(|e| e.notice),
            park: change.park.is_some(),
            ends: Which::of(&change.ends),
        }
    }

    fn index(self) -> usize {
        let ends = match self.ends {
            Which::None => 0,
            Which::Counted => 1,
            Which::One => 2,
            Which::All => 3,
        };
        ends * 16
            + usize::from(self.park) * 8
            + usize::from(self.notices) * 4
            + usize::from(self.events) * 2
            + usize::from(self.insert)
    }

    /// Numbers its parameters in the order in which [`bind`](Self::bind) gives them.
    fn build(self) -> String {
        let mut next = 9;
        let mut param = || {
            let param = format!("${next}");
            next += 1;
            param
        };
        let mut sql = format!("WITH i (version) AS MATERIALIZED ({INSTALLATION}), f AS (");
        sql.push_str(if self.insert {
            "INSERT INTO twofa_factor (project, user_id, version, record, state, since, last_used) \
             SELECT $1::text, $2::text, $3::bigint + 1, $4::bytea, $5::text, $6::bigint, $7::bigint \
             FROM i WHERE i.version = $8 \
             ON CONFLICT DO NOTHING RETURNING 1"
        } else {
            "UPDATE twofa_factor SET version = $3 + 1, record = $4, state = $5, since = $6, \
             last_used = $7 FROM i WHERE i.version = $8 \
             AND project = $1 AND user_id = $2 AND twofa_factor.version = $3 RETURNING 1"
        });
        sql.push(')');
        if self.events {
            let arrays: Vec<String> = ARRAYS
                .iter()
                .map(|t| format!("{}::{t}[]", param()))
                .collect();
            let mut notice = String::from("NULL");
            if self.notices {
                let count = param();
                // Locks the project's counter until the commit: numbers grow in the order of commits.
                sql = format!(
                    "{sql}, n AS (INSERT INTO twofa_notice_cursor AS c (project, last) \
                     SELECT $1, {count}::bigint WHERE EXISTS (SELECT 1 FROM f) \
                     ON CONFLICT (project) DO UPDATE SET last = c.last + excluded.last RETURNING last)"
                );
                notice = format!("(SELECT last FROM n) - {count}::bigint + e.notice");
            }
            sql = format!(
                "{sql}, e AS (INSERT INTO twofa_event (project, user_id, seq, at, event, reason, \
                 actor, detail, generation, notice, key_id, mac) \
                 SELECT $1, $2, e.seq, e.at, e.event, e.reason, e.actor, e.detail, e.generation, \
                 {notice}, e.key_id, e.mac FROM unnest({}) AS e (seq, at, event, reason, actor, \
                 detail, generation, notice, key_id, mac) \
                 WHERE EXISTS (SELECT 1 FROM f) ORDER BY e.seq)",
                arrays.join(", ")
            );
        }
        if self.park {
            let values: Vec<String> = (0..6).map(|_| param()).collect();
            sql = format!(
                "{sql}, p AS (INSERT INTO twofa_login (project, user_id, id, kind, generation, \
                 parked, expires, failures) SELECT $1, $2, {} WHERE EXISTS (SELECT 1 FROM f))",
                values.join(", ")
            );
        }
        let login = match self.ends {
            Which::None => None,
            Which::Counted => Some(format!(
                "UPDATE twofa_login SET failures = failures + 1 WHERE id = {}",
                param()
            )),
            Which::One => Some(format!("DELETE FROM twofa_login WHERE id = {}", param())),
            Which::All => {
                Some("DELETE FROM twofa_login WHERE project = $1 AND user_id = $2".into())
            }
        };
        if let Some(login) = login {
            sql = format!("{sql}, l AS ({login} AND EXISTS (SELECT 1 FROM f))");
        }
        sql.push_str(" SELECT (SELECT count(*) FROM f), (SELECT version FROM i)");
        sql
    }

    fn bind(self, change: &Change) -> Result<Apply, Error> {
        let statements: &'static [String] = &STATEMENTS;
        let statement = statements.get(self.index()).ok_or(Error::OutOfRange {
            what: "the shape of a change",
        })?;
        let mut query = sqlx::query_as(statement.as_str())
            .bind(change.subject.project_key().to_owned())
            .bind(change.subject.user_key().to_owned())
            .bind(rows::counter_in("the record's version", change.expected)?)
            .bind(change.record.clone())
            .bind(change.summary.state.code())
            .bind(change.summary.since.map(rows::time_in))
            .bind(change.summary.last_used.map(rows::time_in))
            .bind(rows::counter_in(
                "the installation's version",
                change.installation,
            )?);
        if self.events {
            query = self.bind_events(query, change)?;
        }
        if let Some(login) = &change.park {
            query = query
                .bind(login.id.as_bytes().to_vec())
                .bind(login.kind.code())
                .bind(i64::from(login.generation))
                .bind(rows::time_in(login.parked))
                .bind(rows::time_in(login.expires))
                .bind(i64::from(login.failures));
        }
        if let Ends::Counted(id) | Ends::One(id) = &change.ends {
            query = query.bind(id.as_bytes().to_vec());
        }
        Ok(query)
    }

    fn bind_events(self, query: Apply, change: &Change) -> Result<Apply, Error> {
        let events = &change.events;
        let seqs = events
            .iter()
            .map(|e| rows::counter_in("the event's number", e.seq))
            .collect::<Result<Vec<_>, _>>()?;
        // Each notice's place among the change's notices, from 1 on.
        let mut notices = 0_i64;
        let places: Vec<Option<i64>> = events
            .iter()
            .map(|e| {
                e.notice.then(|| {
                    notices += 1;
                    notices
                })
            })
            .collect();
        let query = query
            .bind(seqs)
            .bind(column(change, |e| rows::time_in(e.at)))
            .bind(column(change, |e| e.event.clone()))
            .bind(column(change, |e| e.reason.clone()))
            .bind(column(change, |e| e.actor.clone()))
            .bind(column(change, |e| e.detail.clone()))
            .bind(column(change, |e| i64::from(e.generation)))
            .bind(places)
            .bind(column(change, |e| i64::from(e.key_id)))
            .bind(column(change, rows::mac_in));
        Ok(if self.notices {
            query.bind(notices)
        } else {
            query
        })
    }
}

/// The types of an event's columns, as they are bound.
const ARRAYS: [&str; 10] = [
    "bigint", "bigint", "text", "text", "text", "text", "bigint", "bigint", "bigint", "bytea",
];

fn column<T>(change: &Change, of: impl Fn(&twofa::AuditRow) -> T) -> Vec<T> {
    change.events.iter().map(of).collect()
}
