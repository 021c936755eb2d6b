//! `init` and `migrate`: a store is made, or brought up to date, and never by the way.

use serde_json::json;
use twofa::Purpose;
use twofa_sqlx::{Database, Made};

use crate::args::Global;
use crate::failure::{Exit, Failure, Outcome};
use crate::operator::operator;
use crate::output::Output;
use crate::store::{Does, Opened};

/// How many projects are read at a time.
const PAGE: u32 = 500;

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
    let adopted = adopt(&opened).await?;
    opened.database.close().await;
    let (from, to) = (tables.from, tables.to);
    let migrated = installed || from != to || adopted > 0;
    out.result(
        || json!({"migrated": migrated, "from": from, "to": to}),
        || {
            if migrated {
                let kept = match adopted {
                    0 => String::new(),
                    adopted => format!(
                        "\nThe rules and members of {adopted} projects are kept with the records now, as they were found."
                    ),
                };
                format!("The store went from version {from} to {to}.{kept}")
            } else {
                format!("The store has version {to}, which is the newest; nothing was changed.")
            }
        },
    )?;
    Ok(Exit::Done)
}

/// Takes the projects that an earlier version made as they stand, so that an edit of them shows from now on. Says how
/// many there were.
async fn adopt(opened: &Opened) -> Result<u64, Failure> {
    let by = operator(None)?;
    let (mut adopted, mut after) = (0, None);
    loop {
        let page = opened.database.list_projects(after.as_ref(), PAGE).await?;
        for (id, _) in &page {
            let members = opened.service.adopt_project(id, &by).await?;
            adopted += u64::from(members.is_some());
        }
        match page.into_iter().next_back() {
            Some((id, _)) => after = Some(id),
            None => return Ok(adopted),
        }
    }
}
