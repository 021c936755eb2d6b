//! What SQLite and PostgreSQL do alike: everything but opening, [`Store::apply`](twofa::Store::apply) and the
//! sweep. What they do each in their own way is a [`Backend`].

use std::cmp::Ordering;

use sqlx::encode::Encode;
use sqlx::{Arguments as _, Database, FromRow, Type};
use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::policy::{Handover, Role, SelfReset};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, AuditRow, Change, FactorRow, Project, Resumed, Standing, Stored, Subject, SubjectEvent,
};

use crate::rows::{self, Cursor};
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

/// What a database does in its own way.
pub trait Backend: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Removes parked logins that expired before `$1`, at most `$2`.
    const SWEEP: &'static str;

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

    /// Applies a change whole, or not at all.
    fn commit(&self, change: &Change) -> impl Future<Output = Result<Applied, Error>> + Send;

    /// Returns once every write that began before has ended.
    fn writers_have_ended(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A store and a directory on a database: [`SqliteStore`](crate::SqliteStore) and
/// [`PgStore`](crate::PgStore) are this, each over its own.
///
/// Cloning is cheap and gives another handle on the same pool.
#[derive(Debug, Clone)]
pub struct SqlStore<B>(pub(crate) B);

impl<B: Backend> twofa::Store for SqlStore<B> {
    type Error = Error;

    async fn load(&self, subject: &Subject) -> Result<Option<Stored>, Error> {
        self.one(sql::LOAD, &place(subject), rows::stored).await
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Error> {
        self.one(sql::RESUME, &[Bytes(login.as_bytes())], rows::resumed)
            .await
    }

    async fn apply(&self, change: &Change) -> Result<Applied, Error> {
        if change.record.len() > twofa::MAX_RECORD_BYTES {
            return Err(Error::RecordTooLong {
                bytes: change.record.len(),
            });
        }
        self.0.commit(change).await
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
        let values = [
            Text(project.as_str()),
            Text(after.map_or("", UserId::as_str)),
            Number(limit.into()),
        ];
        self.all(sql::FACTORS, &values, rows::factor_line).await
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<(Subject, Stored)>, Error> {
        let limit = Number(limit.into());
        let (statement, values) = match (project, after) {
            (None, None) => (sql::SUBJECTS, vec![limit]),
            (None, Some(after)) => {
                let [project, user] = place(after);
                (sql::SUBJECTS_AFTER, vec![project, user, limit])
            }
            (Some(project), None) => (sql::SUBJECTS_OF, vec![Text(project.as_str()), limit]),
            // After the last of another project comes all of this one, or nothing of it.
            (Some(project), Some(after)) => match after.project().cmp(&Some(project)) {
                Ordering::Less => (sql::SUBJECTS_OF, vec![Text(project.as_str()), limit]),
                Ordering::Equal => (
                    sql::SUBJECTS_OF_AFTER,
                    vec![Text(project.as_str()), Text(after.user_key()), limit],
                ),
                Ordering::Greater => return Ok(Vec::new()),
            },
        };
        self.all(statement, &values, rows::subject_line).await
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Subject>, Error> {
        let limit = Number(limit.into());
        match project {
            None => self.all(sql::ORPHANS, &[limit], rows::orphan).await,
            Some(project) => {
                let values = [Text(project.as_str()), limit];
                self.all(sql::ORPHANS_OF, &values, rows::orphan).await
            }
        }
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let [project, user] = place(subject);
        let after = Number(rows::cursor_in(after));
        let values = [project, user, after, Number(limit.into())];
        self.all(sql::CHAIN, &values, rows::audit_row).await
    }

    async fn project_events(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Error> {
        let values = [
            Text(project.as_str()),
            Number(rows::cursor_in(after)),
            Number(limit.into()),
        ];
        self.all(sql::PROJECT_EVENTS, &values, |row| {
            rows::event(row, Cursor::Written)
        })
        .await
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Error> {
        let values = [
            Text(project.as_str()),
            Number(rows::cursor_in(after)),
            Number(limit.into()),
        ];
        self.all(sql::NOTICES, &values, |row| {
            rows::event(row, Cursor::Notice)
        })
        .await
    }
}

impl<B: Backend> twofa::Directory for SqlStore<B> {
    type Error = Error;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Error> {
        let values = [Text(project.as_str()), Text(user.as_str())];
        self.one(sql::STANDING, &values, rows::standing).await
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Error> {
        let values = [Text(project.as_str())];
        let found = self.one(sql::PROJECT, &values, rows::project).await?;
        Ok(found.map(|(_, project)| project))
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Error> {
        let values = [
            Text(project.as_str()),
            Text(after.map_or("", UserId::as_str)),
            Number(limit.into()),
        ];
        self.all(sql::MEMBERS, &values, rows::member).await
    }
}

/// Keeping projects and members, for applications that have no tables of their own for them. Whether
/// the caller may do so is not asked here.
impl<B: Backend> SqlStore<B> {
    /// Adds a project.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateProject`] when there is one of this id, which stays as it is.
    pub async fn add_project(&self, id: &ProjectId, project: &Project) -> Result<(), Error> {
        match self.write_project(sql::ADD_PROJECT, id, project).await {
            Err(error) if error.is_duplicate() => {
                Err(Error::DuplicateProject(Box::new(id.clone())))
            }
            other => other.map(drop),
        }
    }

    /// Replaces a project's settings and issuer. Counts from the next decision on.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`] when there is none of this id.
    pub async fn set_project(&self, id: &ProjectId, project: &Project) -> Result<(), Error> {
        match self.write_project(sql::SET_PROJECT, id, project).await? {
            0 => Err(Error::UnknownProject(Box::new(id.clone()))),
            _ => Ok(()),
        }
    }

    async fn write_project(
        &self,
        statement: &'static str,
        id: &ProjectId,
        project: &Project,
    ) -> Result<u64, Error> {
        let settings = &project.settings;
        let values = [
            Text(id.as_str()),
            MaybeNumber(rows::mandate_in(settings)),
            Text(settings.sso().code()),
            Flag(settings.handover() == Handover::Required),
            Flag(settings.self_reset() == SelfReset::Allowed),
            Number(settings.step_up_age().into()),
            MaybeText(project.issuer.as_deref()),
        ];
        self.0.run(statement, &values).await
    }

    /// The projects by id, after `after`, at most `limit`.
    ///
    /// # Errors
    ///
    /// Trouble with the database.
    pub async fn list_projects(
        &self,
        after: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<(ProjectId, Project)>, Error> {
        let values = [
            Text(after.map_or("", ProjectId::as_str)),
            Number(limit.into()),
        ];
        self.all(sql::PROJECTS, &values, rows::project).await
    }

    /// Takes a person into a project.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], or [`Error::DuplicateMember`] when they are in it, whose role stays.
    pub async fn add_member(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Role,
    ) -> Result<(), Error> {
        let values = member(project, user, role);
        match self.0.run(sql::ADD_MEMBER, &values).await {
            Ok(0) => Err(Error::UnknownProject(Box::new(project.clone()))),
            Err(error) if error.is_duplicate() => Err(Error::DuplicateMember {
                project: Box::new(project.clone()),
                user: Box::new(user.clone()),
            }),
            other => other.map(drop),
        }
    }

    /// Changes what a member is. Counts from the next decision on.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMember`] when they are not in the project.
    pub async fn set_role(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Role,
    ) -> Result<(), Error> {
        let values = member(project, user, role);
        match self.0.run(sql::SET_ROLE, &values).await? {
            0 => Err(unknown_member(project, user)),
            _ => Ok(()),
        }
    }

    /// Takes a person out of a project. Their factor and its events stay: they are asked for again should
    /// the person come back.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMember`] when they are not in the project.
    pub async fn remove_member(&self, project: &ProjectId, user: &UserId) -> Result<(), Error> {
        let values = [Text(project.as_str()), Text(user.as_str())];
        match self.0.run(sql::REMOVE_MEMBER, &values).await? {
            0 => Err(unknown_member(project, user)),
            _ => Ok(()),
        }
    }

    /// The row that a statement finds, converted.
    async fn one<R: Row, T>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
        convert: impl Fn(R) -> Result<T, Error> + Send,
    ) -> Result<Option<T>, Error> {
        let found = self.0.rows(statement, values).await?;
        found.into_iter().next().map(convert).transpose()
    }

    /// The rows that a statement finds, each converted.
    async fn all<R: Row, T>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
        convert: impl Fn(R) -> Result<T, Error> + Send,
    ) -> Result<Vec<T>, Error> {
        let found = self.0.rows(statement, values).await?;
        found.into_iter().map(convert).collect()
    }
}

/// A subject's place in the tables.
fn place(subject: &Subject) -> [Value<'_>; 2] {
    [Text(subject.project_key()), Text(subject.user_key())]
}

fn member<'a>(project: &'a ProjectId, user: &'a UserId, role: Role) -> [Value<'a>; 3] {
    [
        Text(project.as_str()),
        Text(user.as_str()),
        Text(rows::role_code(role)),
    ]
}

fn unknown_member(project: &ProjectId, user: &UserId) -> Error {
    Error::UnknownMember {
        project: Box::new(project.clone()),
        user: Box::new(user.clone()),
    }
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
