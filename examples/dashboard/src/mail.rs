//! Notices that people must be told of, and what else is done now and then.
//!
//! An application mails them; this one says on its terminal what it would mail. How far it came is kept in the
//! database, so that a restart tells nothing twice and nobody is forgotten.

use std::time::Duration;

use tower_sessions::session_store::ExpiredDeletion as _;
use twofa::types::ProjectId;
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, Row as _};

use crate::accounts::on;
use crate::app::App;
use crate::say;
use crate::sessions::Sessions;

/// How many are read at once.
const PAGE: u32 = 100;

/// Sends notices and removes what has lapsed, until the program ends.
pub async fn and_upkeep(app: App, database: Database, sessions: Sessions) {
    let mut ticks = tokio::time::interval(Duration::from_secs(3));
    loop {
        ticks.tick().await;
        if let Err(error) = tell(&app, &database).await {
            say(&format!("twofa-dashboard: notices: {error}"));
        }
        if let Err(error) = app.twofa.sweep(1_000).await {
            say(&format!("twofa-dashboard: sweeping: {error}"));
        }
        if let Err(error) = sessions.delete_expired().await {
            say(&format!("twofa-dashboard: sessions: {error}"));
        }
    }
}

/// Makes the table of how far each project's notices were sent.
///
/// # Errors
///
/// What the database says.
pub async fn open(database: &Database) -> Result<(), sqlx::Error> {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS dashboard_told (\
        project TEXT PRIMARY KEY, upto BIGINT NOT NULL)";
    on!(database, sqlx::query(TABLE), execute)
}

async fn tell(
    app: &App,
    database: &Database,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut after: Option<ProjectId> = None;
    loop {
        let projects = database.list_projects(after.as_ref(), PAGE).await?;
        for (project, _) in &projects {
            let mut upto = told(database, project).await?;
            for (at, event) in app.twofa.notices(project, upto, PAGE).await? {
                say(&format!(
                    "mail to {}: {} at {} in {project}{}",
                    event.subject.user_key(),
                    event.row.event,
                    event.row.at,
                    event
                        .row
                        .actor
                        .as_ref()
                        .map_or_else(String::new, |actor| format!(", by {actor}")),
                ));
                upto = at;
                // After the mail is on its way: stopped in between, it is told once more rather than never.
                remember(database, project, upto).await?;
            }
        }
        match projects.into_iter().next_back() {
            Some((last, _)) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn told(database: &Database, project: &ProjectId) -> Result<u64, sqlx::Error> {
    const SELECT: &str = "SELECT upto FROM dashboard_told WHERE project = $1";
    macro_rules! fetch {
        ($store:expr) => {{
            let query = sqlx::query(SELECT).bind(project.as_str());
            let row = query.fetch_optional($store.pool()).await?;
            row.map(|row| row.try_get::<i64, _>(0)).transpose()?
        }};
    }
    let upto = match database {
        Database::Sqlite(store) => fetch!(store),
        Database::Postgres(store) => fetch!(store),
        _ => None,
    };
    Ok(upto.map_or(0, |upto| u64::try_from(upto).unwrap_or(0)))
}

async fn remember(database: &Database, project: &ProjectId, upto: u64) -> Result<(), sqlx::Error> {
    const UPSERT: &str = "INSERT INTO dashboard_told (project, upto) VALUES ($1, $2) \
        ON CONFLICT (project) DO UPDATE SET upto = excluded.upto";
    let upto = i64::try_from(upto).unwrap_or(i64::MAX);
    on!(
        database,
        sqlx::query(UPSERT).bind(project.as_str()).bind(upto),
        execute
    )
}
