use twofa::lifecycle::{LoginHash, ParkedLogin};
use twofa::policy::Role;
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Applied, ChainSpan, Change, Cut, Directory, EventQuery, FactorRow, Found, HeadRow, Listing,
    People, Project, RecordRow, Remains, Resumed, Standing, Store, Subject, SubjectEvent,
};

#[cfg(feature = "postgres")]
use crate::PgStore;
#[cfg(feature = "sqlite")]
use crate::SqliteStore;
use crate::{Error, Location, Made, Migrated};

/// A store and a directory on whichever database was named when the program started.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use twofa_sqlx::{Database, Error};
///
/// let folder = tempfile::tempdir()?;
/// let name = format!("sqlite:{}/twofa.db", folder.path().display());
/// assert!(matches!(Database::open(&name).await, Err(Error::NoStore { .. })));
/// let (store, made) = Database::create(&name).await?;
/// assert_eq!(made, twofa_sqlx::Made::Now);
/// assert!(store.list_projects(None, 100).await?.is_empty());
/// assert!(matches!(
///     Database::open("mysql://localhost/acme").await,
///     Err(Error::UnknownScheme { .. })
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).map_err(|e| e.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Database {
    /// One SQLite file.
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteStore),
    /// PostgreSQL, or an engine that speaks its protocol.
    #[cfg(feature = "postgres")]
    Postgres(PgStore),
}

/// Says the same to whichever store it is.
macro_rules! either {
    ($database:expr, $store:ident => $answer:expr) => {
        match $database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite($store) => $answer,
            #[cfg(feature = "postgres")]
            Database::Postgres($store) => $answer,
        }
    };
}

impl Database {
    /// Opens the store at a [`Location`]. Nothing is made.
    ///
    /// # Errors
    ///
    /// As [`Location::parse`], `SqliteStore::open` and `PgStore::open`; [`Error::LeftOut`] for a database that this
    /// build has no feature for.
    pub async fn open(target: &str) -> Result<Self, Error> {
        match Location::parse(target)? {
            #[cfg(feature = "sqlite")]
            Location::File(path) => SqliteStore::open(path).await.map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            Location::Server => PgStore::open(target).await.map(Self::Postgres),
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            other => Err(left_out(other)),
        }
    }

    /// Makes the store at a [`Location`], or opens the one that is there, and says which.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn create(target: &str) -> Result<(Self, Made), Error> {
        match Location::parse(target)? {
            #[cfg(feature = "sqlite")]
            Location::File(path) => {
                let (store, made) = SqliteStore::create(path).await?;
                Ok((Self::Sqlite(store), made))
            }
            #[cfg(feature = "postgres")]
            Location::Server => {
                let (store, made) = PgStore::create(target).await?;
                Ok((Self::Postgres(store), made))
            }
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            other => Err(left_out(other)),
        }
    }

    /// Brings the tables of the store at a [`Location`] up to date.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn migrate(target: &str) -> Result<Migrated, Error> {
        match Location::parse(target)? {
            #[cfg(feature = "sqlite")]
            Location::File(path) => SqliteStore::migrate(path).await,
            #[cfg(feature = "postgres")]
            Location::Server => PgStore::migrate(target).await,
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            other => Err(left_out(other)),
        }
    }

    /// The version of the tables when the store was opened, from 1 on.
    pub fn schema_version(&self) -> i64 {
        either!(self, store => store.schema_version())
    }

    /// Whether the tables were those of a version before when the store was opened: see [`Database::migrate`].
    pub fn is_older(&self) -> bool {
        either!(self, store => store.is_older())
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(&self) {
        either!(self, store => store.close().await);
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
        either!(self, store => store.list_projects(after, limit).await)
    }
}

/// A database that this build has no feature for.
#[cfg(not(all(feature = "sqlite", feature = "postgres")))]
fn left_out(location: Location<'_>) -> Error {
    let scheme = match location {
        Location::File(_) => "sqlite",
        Location::Server => "postgres",
    };
    Error::LeftOut {
        scheme,
        feature: scheme,
    }
}

impl Store for Database {
    type Error = Error;

    async fn load(&self, subject: &Subject) -> Result<Found, Error> {
        either!(self, store => store.load(subject).await)
    }

    async fn resume(&self, login: &LoginHash) -> Result<Option<Resumed>, Error> {
        either!(self, store => store.resume(login).await)
    }

    async fn apply(&self, change: &Change) -> Result<Applied, Error> {
        either!(self, store => store.apply(change).await)
    }

    async fn drain(&self) -> Result<(), Error> {
        either!(self, store => store.drain().await)
    }

    async fn park(&self, subject: &Subject, login: &ParkedLogin) -> Result<(), Error> {
        either!(self, store => store.park(subject, login).await)
    }

    async fn sweep(&self, before: UnixTime, limit: u32) -> Result<u64, Error> {
        either!(self, store => store.sweep(before, limit).await)
    }

    async fn factors(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<FactorRow>, Error> {
        either!(self, store => store.factors(project, after, limit).await)
    }

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, Error> {
        either!(self, store => store.subjects(project, after, limit).await)
    }

    async fn orphans(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, Error> {
        either!(self, store => store.orphans(project, after, limit).await)
    }

    async fn remains(&self, subject: &Subject) -> Result<Remains, Error> {
        either!(self, store => store.remains(subject).await)
    }

    async fn chain(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        either!(self, store => store.chain(subject, after, limit).await)
    }

    async fn heads(
        &self,
        project: Option<&ProjectId>,
        after: Option<&Subject>,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<HeadRow>, Error> {
        either!(self, store => store.heads(project, after, up_to, limit).await)
    }

    async fn chains(&self, span: &ChainSpan<'_>, limit: u32) -> Result<Vec<SubjectEvent>, Error> {
        either!(self, store => store.chains(span, limit).await)
    }

    async fn checkpoint(&self, subject: &Subject) -> Result<Option<Vec<u8>>, Error> {
        either!(self, store => store.checkpoint(subject).await)
    }

    async fn cut(&self, installation: u64, cuts: &[Cut]) -> Result<Applied, Error> {
        either!(self, store => store.cut(installation, cuts).await)
    }

    async fn events(
        &self,
        project: Option<&ProjectId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        either!(self, store => store.events(project, after, limit).await)
    }

    async fn horizon(&self) -> Result<u64, Error> {
        either!(self, store => store.horizon().await)
    }

    async fn latest(
        &self,
        project: &ProjectId,
        which: &EventQuery<'_>,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        either!(self, store => store.latest(project, which, limit).await)
    }

    async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        either!(self, store => store.notices(project, after, limit).await)
    }
}

impl People for Database {
    async fn apply_with(&self, change: &Change, listing: &Listing<'_>) -> Result<Applied, Error> {
        either!(self, store => store.apply_with(change, listing).await)
    }
}

impl Directory for Database {
    type Error = Error;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Error> {
        either!(self, store => store.standing(project, user).await)
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Error> {
        either!(self, store => Directory::project(store, project).await)
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Error> {
        either!(self, store => store.members(project, after, limit).await)
    }
}
