//! Notices that people must be told of, and what else is done now and then.
//!
//! An application mails them; this one says on its terminal what it would mail. The cursor belongs in the
//! database, beside the outbox: here it lives as long as the program, and begins at what is already there.

use std::collections::HashMap;
use std::time::Duration;

use tower_sessions::session_store::ExpiredDeletion as _;
use twofa::types::ProjectId;
use twofa_sqlx::Database;

use crate::app::App;
use crate::say;
use crate::sessions::Sessions;

/// Sends notices and removes what has lapsed, until the program ends.
pub async fn and_upkeep(app: App, database: Database, sessions: Sessions) {
    let mut cursors: HashMap<ProjectId, u64> = HashMap::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(3));
    loop {
        ticks.tick().await;
        if let Err(error) = once(&app, &database, &mut cursors).await {
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

async fn once(
    app: &App,
    database: &Database,
    cursors: &mut HashMap<ProjectId, u64>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for (project, _) in database.list_projects(None, 100).await? {
        let cursor = cursors.entry(project.clone()).or_insert(0);
        for (at, event) in app.twofa.notices(&project, *cursor, 100).await? {
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
            *cursor = at;
        }
    }
    Ok(())
}
