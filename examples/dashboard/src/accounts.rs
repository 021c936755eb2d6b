//! E-mail addresses and password hashes: what an application has anyway. Kept in the same database as the
//! factors, in tables of its own.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use tokio::sync::{Semaphore, oneshot};
use twofa::types::{ProjectId, UserId};
use twofa_sqlx::sqlx::{self, Row as _};
use zeroize::Zeroizing;

use crate::tables::{Tables, on};

/// Somebody's account: which project they belong to, and under which id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The project.
    pub project: ProjectId,
    /// The person: their e-mail address in lower case.
    pub user: UserId,
}

/// Why an account cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The database failed.
    #[error("the accounts cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    /// A password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// No thread can be had for hashing.
    #[error("passwords cannot be checked: {0}")]
    Threads(#[from] std::io::Error),
    /// The hashing was ended.
    #[error("the password check was cut short")]
    CutShort,
}

/// The longest password that is looked at, in bytes: hashing a megabyte is work for nothing.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// The accounts of the application.
#[derive(Clone)]
pub struct Accounts {
    tables: Tables,
    hashing: Hashing,
    /// Checked in place of an account that does not exist, so that both take the same time.
    nobody: Arc<str>,
}

impl Accounts {
    /// Opens the table, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn open(tables: Tables) -> Result<Self, AccountError> {
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS dashboard_account (\
            email TEXT PRIMARY KEY, project TEXT NOT NULL, password TEXT NOT NULL)";
        tables.make(TABLE).await?;
        let nobody = hash("nobody's password")?.into();
        Ok(Self {
            tables,
            hashing: Hashing::start()?,
            nobody,
        })
    }

    /// Whether there is no account at all yet.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn is_empty(&self) -> Result<bool, AccountError> {
        Ok(self
            .find_row(
                "SELECT email, project, password FROM dashboard_account LIMIT 1",
                None,
            )
            .await?
            .is_none())
    }

    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`AccountError`]; an address that is taken is one.
    pub async fn add(&self, account: &Account, password: &str) -> Result<(), AccountError> {
        const INSERT: &str =
            "INSERT INTO dashboard_account (email, project, password) VALUES ($1, $2, $3)";
        let hash = hash(password)?;
        let (email, project) = (account.user.as_str(), account.project.as_str());
        let _turn = self.tables.turn().await?;
        on!(&self.tables, pool => {
            let query = sqlx::query(INSERT).bind(email).bind(project).bind(hash);
            query.execute(pool).await.map(drop)
        })?;
        Ok(())
    }

    /// The account of this address and password. `None` when either is wrong, after the same work and time.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn check(
        &self,
        email: &str,
        password: &str,
    ) -> Result<Option<Account>, AccountError> {
        let found = self.find(email).await?;
        let (account, hash) = match found {
            Some((account, hash)) => (Some(account), hash),
            None => (None, self.nobody.to_string()),
        };
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(None);
        }
        let password = Zeroizing::new(password.to_owned());
        let verify = move || {
            PasswordHash::new(&hash).is_ok_and(|hash| {
                let password = password.as_bytes();
                Argon2::default().verify_password(password, &hash).is_ok()
            })
        };
        let right = self.hashing.run(verify).await?;
        Ok(account.filter(|_| right))
    }

    /// The account of this address, for somebody whom an identity provider vouches for.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn of(&self, email: &str) -> Result<Option<Account>, AccountError> {
        Ok(self.find(email).await?.map(|(account, _)| account))
    }

    async fn find(&self, email: &str) -> Result<Option<(Account, String)>, AccountError> {
        let email = email.trim().to_lowercase();
        let select = "SELECT email, project, password FROM dashboard_account WHERE email = $1";
        self.find_row(select, Some(email)).await
    }

    async fn find_row(
        &self,
        select: &'static str,
        email: Option<String>,
    ) -> Result<Option<(Account, String)>, AccountError> {
        let row = on!(&self.tables, pool => {
            let mut query = sqlx::query(select);
            if let Some(email) = email {
                query = query.bind(email);
            }
            let row = query.fetch_optional(pool).await?;
            row.map(|row| {
                let column = |at: usize| row.try_get::<String, _>(at);
                Ok::<_, sqlx::Error>((column(0)?, column(1)?, column(2)?))
            })
            .transpose()?
        });
        Ok(row.and_then(|(email, project, password)| {
            let account = Account {
                project: project.parse().ok()?,
                user: email.parse().ok()?,
            };
            Some((account, password))
        }))
    }
}

/// How many passwords are looked at at once.
const HASHERS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// Hashing takes much time and 19 MiB of memory by design. So few passwords are hashed at once and the rest wait;
/// and always on the same threads, since an allocator keeps for each thread what it once had.
#[derive(Clone)]
struct Hashing {
    turns: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
}

impl Hashing {
    fn start() -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..HASHERS {
            let queue = Arc::clone(&queue);
            let next = move || {
                let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.recv().ok()
            };
            std::thread::Builder::new()
                .name("hashing".to_owned())
                .spawn(move || std::iter::from_fn(next).for_each(|job| job()))?;
        }
        Ok(Self {
            turns: Arc::new(Semaphore::new(HASHERS)),
            jobs,
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| AccountError::CutShort)?;
        let (tell, told) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever asked may have hung up. The turn ends here and not with them: the work is done either way.
            let _ = tell.send(work());
            drop(turn);
        });
        self.jobs.send(job).map_err(|_| AccountError::CutShort)?;
        told.await.map_err(|_| AccountError::CutShort)
    }
}

fn hash(password: &str) -> Result<String, AccountError> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(AccountError::Hash)?;
    Ok(hash.to_string())
}
