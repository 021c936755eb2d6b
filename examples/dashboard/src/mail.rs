//! Notices that people must be told of, and what else is done now and then.
//!
//! An application mails them; this one says on its terminal what it would mail. How far it came is kept in the
//! database, so that a restart tells nothing twice and nobody is forgotten.

use std::time::Duration;

use tower_sessions::session_store::ExpiredDeletion as _;
use twofa::types::{ProjectId, UserId};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx::{self, Row as _};

use crate::app::App;
use crate::say;
use crate::sessions::Sessions;
use crate::tables::{Tables, on};

/// How many are read at once.
const PAGE: u32 = 100;

/// Sends notices and removes what has lapsed, until the program ends.
pub async fn and_upkeep(app: App, database: Database, tables: Tables, sessions: Sessions) {
    let mut ticks = tokio::time::interval(Duration::from_secs(3));
    loop {
        ticks.tick().await;
        if let Err(error) = tell(&app, &database, &tables).await {
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
pub async fn open(tables: &Tables) -> Result<(), sqlx::Error> {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS dashboard_told (\
        project TEXT PRIMARY KEY, upto BIGINT NOT NULL)";
    tables.make(TABLE).await
}

async fn tell(
    app: &App,
    database: &Database,
    tables: &Tables,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut after: Option<ProjectId> = None;
    loop {
        let projects = database.list_projects(after.as_ref(), PAGE).await?;
        for (project, _) in &projects {
            let mut upto = told(tables, project).await?;
            for event in app.twofa.notices(project, upto, PAGE).await? {
                // What concerns the project itself is for those who look after it.
                let to = event.subject.user().map(UserId::as_str);
                say(&format!(
                    "mail to {}: {} at {} in {project}{}",
                    to.unwrap_or("its administrators"),
                    event.row.event,
                    event.row.at,
                    event
                        .row
                        .actor
                        .as_ref()
                        .map_or_else(String::new, |actor| format!(", by {actor}")),
                ));
                upto = event.notice.unwrap_or(upto);
                // After the mail is on its way: stopped in between, it is told once more rather than never.
                remember(tables, project, upto).await?;
            }
        }
        match projects.into_iter().next_back() {
            Some((last, _)) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn told(tables: &Tables, project: &ProjectId) -> Result<u64, sqlx::Error> {
    const SELECT: &str = "SELECT upto FROM dashboard_told WHERE project = $1";
    let upto = on!(tables, pool => {
        let query = sqlx::query(SELECT).bind(project.as_str());
        let row = query.fetch_optional(pool).await?;
        row.map(|row| row.try_get::<i64, _>(0)).transpose()?
    });
    Ok(upto.map_or(0, |upto| u64::try_from(upto).unwrap_or(0)))
}

async fn remember(tables: &Tables, project: &ProjectId, upto: u64) -> Result<(), sqlx::Error> {
    const UPSERT: &str = "INSERT INTO dashboard_told (project, upto) VALUES ($1, $2) \
        ON CONFLICT (project) DO UPDATE SET upto = excluded.upto";
    let upto = i64::try_from(upto).unwrap_or(i64::MAX);
    let _turn = tables.turn().await?;
    on!(tables, pool => {
        let query = sqlx::query(UPSERT).bind(project.as_str()).bind(upto);
        query.execute(pool).await.map(drop)
    })
}
