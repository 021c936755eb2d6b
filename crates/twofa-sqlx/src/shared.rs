//! What SQLite and PostgreSQL do alike: everything but opening, [`Store::apply`](twofa::Store::apply) and the
//! sweep. What they do each in their own way is a [`Backend`].

use std::cmp::Ordering;

use sqlx::encode::Encode;
use sqlx::{Arguments as _, Database, FromRow, Type};
use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, ChainSpan, Change, Cut, EventQuery, FactorRow, Found, HeadRow, RecordRow, Remains,
    Resumed, Stored, Subject, SubjectEvent,
};

use crate::rows::{self, FactorLine};
use crate::{Error, sql};

/// What a statement's parameter is.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Number(i64),
    MaybeNumber(Option<i64>),
    Bytes(&'a [u8]),
    Flag(bool),
}

use Value::{Bytes, Flag, MaybeNumber, MaybeText, Number, Text};

/// The parameters of a statement as a driver takes them.
pub(crate) fn arguments<'a, D>(values: &[Value<'a>]) -> Result<D::Arguments, sqlx::Error>
where
    D: Database,
    &'a str: Encode<'a, D> + Type<D>,
    Option<&'a str>: Encode<'a, D> + Type<D>,
    i64: Encode<'a, D> + Type<D>,
    Option<i64>: Encode<'a, D> + Type<D>,
    &'a [u8]: Encode<'a, D> + Type<D>,
    bool: Encode<'a, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    for value in values {
        match *value {
            Text(text) => arguments.add(text),
            MaybeText(text) => arguments.add(text),
            Number(number) => arguments.add(number),
            MaybeNumber(number) => arguments.add(number),
            Bytes(bytes) => arguments.add(bytes),
            Flag(flag) => arguments.add(flag),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A row that either driver can give.
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub trait Row:
    for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>
    + for<'r> FromRow<'r, sqlx::postgres::PgRow>
    + Send
    + Unpin
{
}
#[cfg(all(feature = "sqlite", feature = "postgres"))]
impl<R> Row for R where
    R: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>
        + for<'r> FromRow<'r, sqlx::postgres::PgRow>
        + Send
        + Unpin
{
}
#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
pub trait Row: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin {}
#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
impl<R> Row for R where R: for<'r> FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin {}
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
pub trait Row: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin {}
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
impl<R> Row for R where R: for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin {}

/// A statement that goes with a change, and its parameters.
pub(crate) type Beside<'a> = (&'static str, &'a [Value<'a>]);

/// What a database does in its own way.
pub trait Backend: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Removes parked logins that expired before `$1`, at most `$2`.
    const SWEEP: &'static str;

    /// Records, each with the last event up to number `$1`: with their checkpoints, and without.
    const HEADS: [[&'static str; 4]; 2];

    /// The version of the tables when the store was opened, and the one that this program makes.
    fn versions(&self) -> (i64, i64);

    /// The rows that a statement finds.
    fn rows<R: Row>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<R>, Error>> + Send;

    /// Carries a statement out when it is this writer's turn, and says how many rows that changed.
    fn run(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Applies a change whole, or not at all; with it a statement of its own, which must change a row or nothing is
    /// written at all.
    fn commit(
        &self,
        change: &Change,
        beside: Option<Beside<'_>>,
    ) -> impl Future<Output = Result<Applied, Error>> + Send;

    /// Takes the beginnings of chains out, all of them or none.
    fn cut(
        &self,
        installation: u64,
        cuts: &[Cut],
    ) -> impl Future<Output = Result<Applied, Error>> + Send;

    /// Returns once every write that began before has ended, and every one from then on sees the installation's
    /// record as it is now.
    fn writers_have_ended(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Returns once every write that may have drawn its events' numbers before this call has ended, holding up
    /// nobody.
    fn numbers_are_settled(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A store and a directory on a database: [`SqliteStore`](crate::SqliteStore) and
/// [`PgStore`](crate::PgStore) are this, each over its own.
///
/// Cloning is cheap and gives another handle on the same pool.
#[derive(Debug, Clone)]
pub struct SqlStore<B>(pub(crate) B);

impl<B: Backend> twofa::Store for SqlStore<B> {
    type Error = Error;

    async fn load(&self, subject: &Subject) -> Result<Found, Error> {
        let found = self
            .one(sql::LOAD, &place(subject), |row| Ok(rows::found(row)))
            .await?;
        Ok(found.unwrap_or_default())
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Error> {
        self.one(sql::RESUME, &[Bytes(login.as_bytes())], rows::resumed)
            .await
    }

    async fn apply(&self, change: &Change) -> Result<Applied, Error> {
        self.write(change, None).await
    }

    async fn drain(&self) -> Result<(), Error> {
        self.0.writers_have_ended().await
    }

    async fn park(&self, subject: &Subject, login: &ParkedLogin) -> Result<(), Error> {
        self.0.run(sql::PARK, &parking(subject, login)).await?;
        Ok(())
    }

    async fn sweep(&self, before: UnixTime, limit: u32) -> Result<u64, Error> {
        let values = [Number(rows::sweep_before(before)), Number(limit.into())];
        self.0.run(B::SWEEP, &values).await
    }

    async fn factors(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<FactorRow>, Error> {
        let after = after.map_or("", UserId::as_str);
        let span = (sql::FACTORS, Some(project.as_str()), after);
        self.readable(span, limit, |row: &FactorLine| &row.0, rows::factor_line)
            .await
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, Error> {
        let Some((statement, values)) = span(&sql::SUBJECTS, project, after, limit) else {
            return Ok(Vec::new());
        };
        self.all(statement, &values, rows::subject_line).await
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, Error> {
        let statements = if self.has_checkpoints().await? {
            &sql::ORPHANS
        } else {
            &sql::ORPHANS_BEFORE_CHECKPOINTS
        };
        let Some((statement, values)) = span(statements, project, after, limit) else {
            return Ok(Vec::new());
        };
        self.all(statement, &values, rows::orphan).await
    }

    async fn remains(&self, subject: &Subject) -> Result<Remains, Error> {
        let generation = self.count(sql::PARKED_GENERATION, &place(subject)).await?;
        let damaged = if self.is_current().is_err() {
            Vec::new()
        } else {
            self.all(sql::DAMAGED, &place(subject), rows::damaged)
                .await?
        };
        Ok(Remains {
            parked_generation: u32::try_from(generation).unwrap_or_default(),
            damaged,
        })
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let [project, user] = place(subject);
        let after = Number(rows::cursor_in(after));
        let values = [project, user, after, Number(limit.into())];
        self.all(sql::CHAIN, &values, rows::event).await
    }

    async fn heads(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<HeadRow>, Error> {
        self.heads_of(project, after, up_to, limit).await
    }

    async fn chains(&self, span: &ChainSpan<'_>, limit: u32) -> Result<Vec<SubjectEvent>, Error> {
        self.events_in(span, limit).await
    }

    async fn checkpoint(&self, subject: &Subject) -> Result<Option<Vec<u8>>, Error> {
        self.checkpoint_of(subject).await
    }

    async fn cut(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        self.cut_all(installation, cuts).await
    }

    async fn events(
        &self,
        project: Option<&ProjectId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let last = match project {
            None => self.count(sql::LAST_EVENT, &[]).await?,
            Some(project) => {
                let values = [Text(project.as_str())];
                self.count(sql::LAST_EVENT_OF, &values).await?
            }
        };
        let from = rows::from_one(after);
        if last < from {
            return Ok(Vec::new());
        }
        self.0.numbers_are_settled().await?;
        let (from, last, limit) = (Number(from), Number(last), Number(limit.into()));
        match project {
            None => {
                let values = [from, last, limit];
                self.all(sql::EVENTS, &values, rows::event).await
            }
            Some(project) => {
                let values = [Text(project.as_str()), from, last, limit];
                self.all(sql::EVENTS_OF, &values, rows::event).await
            }
        }
    }

    async fn horizon(&self) -> Result<u64, Error> {
        let last = self.count(sql::LAST_EVENT, &[]).await?;
        self.0.numbers_are_settled().await?;
        Ok(u64::try_from(last).unwrap_or_default())
    }

    async fn latest(
        &self,
        project: &ProjectId,
        which: &EventQuery<'_>,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let mut values = vec![
            Text(project.as_str()),
            Number(which.before.map_or(i64::MAX, rows::before)),
            MaybeText(which.event),
            Number(which.from.map_or(i64::MIN, rows::time_in)),
            Number(which.until.map_or(i64::MAX, rows::last_before)),
            Number(limit.into()),
        ];
        let statement = match which.user {
            None => sql::LATEST,
            Some(user) => {
                values.push(Text(user.as_str()));
                sql::LATEST_OF
            }
        };
        self.all(statement, &values, rows::event).await
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let values = [
            Text(project.as_str()),
            Number(rows::from_one(after)),
            Number(limit.into()),
        ];
        self.all(sql::NOTICES, &values, rows::event).await
    }
}

impl<B: Backend> SqlStore<B> {
    pub(crate) async fn write(
        &self,
        change: &Change,
        beside: Option<Beside<'_>>,
    ) -> Result<Applied, Error> {
        if change.record.len() > twofa::MAX_RECORD_BYTES {
            return Err(Error::RecordTooLong {
                bytes: change.record.len(),
            });
        }
        if change.recovery.is_some() {
            self.is_current()?;
        }
        self.0.commit(change, beside).await
    }

    /// The row that a statement finds, converted.
    pub(crate) async fn one<R: Row, T>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
        convert: impl Fn(R) -> Result<T, Error> + Send,
    ) -> Result<Option<T>, Error> {
        let found = self.0.rows(statement, values).await?;
        found.into_iter().next().map(convert).transpose()
    }

    /// The number that a statement gives.
    pub(crate) async fn count(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<i64, Error> {
        let found = self.one(statement, values, |(number,): (i64,)| Ok(number));
        Ok(found.await?.unwrap_or_default())
    }

    /// A page of rows, of one project by their users, or of all by their projects. Those that cannot be read are left
    /// out, and the page is full all the same where more follow.
    pub(crate) async fn readable<R: Row, T>(
        &self,
        (statement, project, after): (&'static str, Option<&str>, &str),
        limit: u32,
        name: impl Fn(&R) -> &String + Send,
        convert: impl Fn(R) -> Option<T> + Send,
    ) -> Result<Vec<T>, Error>
    where
        T: Send,
    {
        let (mut found, mut after, mut left) = (Vec::new(), after.to_owned(), limit);
        loop {
            let rest = [Text(&after), Number(left.into())];
            let values: Vec<_> = project.map(Text).into_iter().chain(rest).collect();
            let page: Vec<R> = self.0.rows(statement, &values).await?;
            let more = u32::try_from(page.len()).is_ok_and(|read| read >= left);
            let last = page.last().map(|row| name(row).clone());
            let readable = page.into_iter().filter_map(&convert);
            found.extend(readable);
            left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
            match last {
                Some(last) if more && left > 0 => after = last,
                _ => return Ok(found),
            }
        }
    }

    /// The rows that a statement finds, each converted.
    pub(crate) async fn all<R: Row, T>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
        convert: impl Fn(R) -> T + Send,
    ) -> Result<Vec<T>, Error> {
        let found = self.0.rows(statement, values).await?;
        Ok(found.into_iter().map(convert).collect())
    }
}

/// Which of four statements reads the rows of a project, or of all, after a subject; `None` where there are none.
pub(crate) fn span<'a>(
    [all, all_after, of, of_after]: &[&'static str; 4],
    project: Option<&'a ProjectId>,
    after: Option<&'a Subject>,
    limit: u32,
) -> Option<(&'static str, Vec<Value<'a>>)> {
    let limit = Number(limit.into());
    Some(match (project.map(ProjectId::as_str), after) {
        (None, None) => (all, vec![limit]),
        (None, Some(after)) => {
            let [project, user] = place(after);
            (all_after, vec![project, user, limit])
        }
        (Some(project), None) => (of, vec![Text(project), limit]),
        // After the last of another project comes all of this one, or nothing of it.
        (Some(project), Some(after)) => match after.project_key().cmp(project) {
            Ordering::Less => (of, vec![Text(project), limit]),
            Ordering::Equal => (of_after, vec![Text(project), Text(after.user_key()), limit]),
            Ordering::Greater => return None,
        },
    })
}

/// A subject's place in the tables.
pub(crate) fn place(subject: &Subject) -> [Value<'_>; 2] {
    [Text(subject.project_key()), Text(subject.user_key())]
}

/// What [`sql::TAKE_AWAY`] takes.
pub(crate) fn lying<'a>(subject: &'a Subject, stored: &'a Stored) -> [Value<'a>; 4] {
    let [project, user] = place(subject);
    // Whatever lies there, as it was read.
    let version = Number(stored.version.cast_signed());
    [project, user, version, Bytes(&stored.record)]
}

/// What [`sql::KEEP_DAMAGED`] takes.
pub(crate) fn keeping<'a>(
    subject: &'a Subject,
    stored: &'a Stored,
    found_at: UnixTime,
) -> [Value<'a>; 5] {
    let [project, user, version, record] = lying(subject, stored);
    let found_at = Number(rows::time_in(found_at));
    [project, user, version, record, found_at]
}

/// What [`sql::PARK`] takes.
pub(crate) fn parking<'a>(subject: &'a Subject, login: &'a ParkedLogin) -> [Value<'a>; 8] {
    [
        Bytes(login.id.as_bytes()),
        Text(subject.project_key()),
        Text(subject.user_key()),
        Text(login.kind.code()),
        Number(login.generation.into()),
        Number(rows::time_in(login.parked)),
        Number(rows::time_in(login.expires)),
        Number(login.failures.into()),
    ]
}
