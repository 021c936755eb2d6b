//! The application's own tables: teams and their users. [`People`] reads them, and tells `twofa` what it asks for.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use twofa::policy::{Handover, Mandate, ProjectSettings, Role, Sso};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Directory, Project, Standing};
use twofa_sqlx::sqlx::{self, SqlitePool};

type Found<T> = Result<T, sqlx::Error>;

/// Two-factor authentication from when, single sign-on, hand-over code, step-up age; administrator, where a member.
type Row = (Option<i64>, String, bool, u32, Option<bool>);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS teams (name TEXT PRIMARY KEY, two_factor_from INTEGER, sso TEXT NOT NULL,
        handover BOOLEAN NOT NULL, step_up_age INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS users (team TEXT NOT NULL, email TEXT NOT NULL, password TEXT NOT NULL,
        administrator BOOLEAN NOT NULL, PRIMARY KEY (team, email));";

/// Teams and users.
#[derive(Debug, Clone)]
pub(crate) struct People(SqlitePool);

impl People {
    /// Over a database, whose tables are made where they are missing.
    pub(crate) async fn new(pool: SqlitePool) -> Found<Self> {
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Adds a team, or changes its rules.
    pub(crate) async fn put_team(&self, team: &ProjectId, rules: ProjectSettings) -> Found<()> {
        let from = match rules.mandate() {
            Mandate::Optional => None,
            Mandate::From(time) => Some(time.as_secs().cast_signed()),
        };
        sqlx::query("INSERT OR REPLACE INTO teams VALUES ($1, $2, $3, $4, $5)")
            .bind(team.as_str())
            .bind(from)
            .bind(rules.sso().code())
            .bind(rules.handover() == Handover::Required)
            .bind(rules.step_up_age())
            .execute(&self.0)
            .await
            .map(drop)
    }

    /// Adds a user, or changes password and role.
    pub(crate) async fn put_user(
        &self,
        (team, user): (&ProjectId, &UserId),
        password: &str,
        role: Role,
    ) -> Found<()> {
        let hash = Argon2::default().hash_password(password.as_bytes());
        let hash = hash.map_err(|e| sqlx::Error::Encode(e.to_string().into()))?;
        sqlx::query("INSERT OR REPLACE INTO users VALUES ($1, $2, $3, $4)")
            .bind(team.as_str())
            .bind(user.as_str())
            .bind(hash.to_string())
            .bind(role == Role::Administrator)
            .execute(&self.0)
            .await
            .map(drop)
    }

    /// Whether this is the user's password.
    pub(crate) async fn knows(
        &self,
        team: &ProjectId,
        user: &UserId,
        password: &str,
    ) -> Found<bool> {
        const HASH: &str = "SELECT password FROM users WHERE team = $1 AND email = $2";
        let found = sqlx::query_scalar(HASH)
            .bind(team.as_str())
            .bind(user.as_str());
        let hash: Option<String> = found.fetch_optional(&self.0).await?;
        let hash = hash
            .as_deref()
            .and_then(|hash| PasswordHash::new(hash).ok());
        let argon2 = Argon2::default();
        Ok(hash.is_some_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok()))
    }

    /// A team, and the role of whoever has this address. What cannot be read is an error, never a milder rule.
    async fn read(&self, team: &ProjectId, email: &str) -> Found<Option<Standing>> {
        const READ: &str = "SELECT two_factor_from, sso, handover, step_up_age, administrator FROM teams \
            LEFT JOIN users ON team = name AND email = $2 WHERE name = $1";
        let row: Option<Row> = sqlx::query_as(READ)
            .bind(team.as_str())
            .bind(email)
            .fetch_optional(&self.0)
            .await?;
        let Some((from, sso, handover, age, administrator)) = row else {
            return Ok(None);
        };
        let sso = Sso::from_code(&sso).ok_or(sqlx::Error::Decode("sso".into()))?;
        let from = from.map(|secs| UnixTime::from_secs(secs.cast_unsigned()));
        let handover = if handover {
            Handover::Required
        } else {
            Handover::NotRequired
        };
        let settings = ProjectSettings::new()
            .with_mandate(from.map_or(Mandate::Optional, Mandate::From))
            .with_sso(sso)
            .with_handover(handover)
            .with_step_up_age(age);
        let (issuer, role) = (None, administrator.map(role));
        Ok(Some(Standing {
            project: Project { settings, issuer },
            role,
        }))
    }
}

impl Directory for People {
    type Error = sqlx::Error;

    async fn standing(&self, team: &ProjectId, user: &UserId) -> Found<Option<Standing>> {
        self.read(team, user.as_str()).await
    }

    async fn project(&self, team: &ProjectId) -> Found<Option<Project>> {
        let found = self.read(team, "").await?;
        Ok(found.map(|nobodys| nobodys.project))
    }

    async fn members(
        &self,
        team: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Found<Vec<(UserId, Role)>> {
        const PAGE: &str = "SELECT email, administrator FROM users \
            WHERE team = $1 AND email > $2 ORDER BY email LIMIT $3";
        let page = sqlx::query_as(PAGE)
            .bind(team.as_str())
            .bind(after.map_or("", UserId::as_str));
        let rows: Vec<(String, bool)> = page.bind(limit).fetch_all(&self.0).await?;
        let member = |(email, administrator): (String, bool)| match email.parse() {
            Ok(email) => Ok((email, role(administrator))),
            Err(why) => Err(sqlx::Error::Decode(Box::new(why))),
        };
        rows.into_iter().map(member).collect()
    }
}

fn role(administrator: bool) -> Role {
    if administrator {
        Role::Administrator
    } else {
        Role::Member
    }
}
