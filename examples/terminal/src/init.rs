//! `init` and `migrate`: a store is made, or brought up to date, and never by the way.

use serde_json::json;
use twofa::Purpose;
use twofa_sqlx::{Database, Made};

use crate::args::Global;
use crate::failure::{Exit, Outcome};
use crate::output::Output;
use crate::store::{Does, Opened};

/// Makes the store and its keys.
pub(crate) async fn init(out: Output, global: &Global, rehearsal: bool) -> Outcome {
    let purpose = if rehearsal {
        Purpose::Rehearsal
    } else {
        Purpose::Production
    };
    let (opened, made) = Opened::make(out, global, purpose).await?;
    // A start that was killed may have made the tables and no more.
    if made == Made::Before && opened.is_empty().await? {
        opened.service.install(purpose).await?;
    }
    let view = opened.service.installation().await?;
    opened.database.close().await;
    let made = made == Made::Now;
    let rehearses = view.is_some_and(|view| view.purpose == Purpose::Rehearsal);
    let id = view.map(|view| view.store.to_string());
    out.result(
        || json!({"made": made, "store": id, "rehearsal": rehearses}),
        || {
            let what = if rehearses {
                "a store for rehearsals"
            } else {
                "the store"
            };
            if made {
                format!("Made {what}.")
            } else {
                format!("There is {what} already; nothing was changed.")
            }
        },
    )?;
    Ok(Exit::Done)
}

/// Brings the tables up to date, and the store's record of its keys into being.
pub(crate) async fn migrate(out: Output, global: &Global) -> Outcome {
    // With its keys, to see that they belong to the store before anything changes.
    let opened = Opened::open(out, global, Does::Writes).await?;
    let tables = Database::migrate(&global.store).await?;
    let installed = opened.service.install(Purpose::Production).await?;
    opened.database.close().await;
    let (from, to) = (tables.from, tables.to);
    let migrated = installed || from != to;
    out.result(
        || json!({"migrated": migrated, "from": from, "to": to}),
        || {
            if migrated {
                format!("The store went from version {from} to {to}.")
            } else {
                format!("The store has version {to}, which is the newest; nothing was changed.")
            }
        },
    )?;
    Ok(Exit::Done)
}
