//! `keys`: a new key for everything at rest.

use std::fs::File;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use twofa::{KeySource, KeyState, ProofsOfOld, Rotation};

use crate::args::{self, Global};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::store::{self, Check, Opened};

pub(crate) async fn keys(out: Output, global: &Global, command: &args::Keys) -> Outcome {
    let args::Keys::Rotate { resume } = command;
    rotate(out, global, *resume).await
}

/// The new key is in the file before anything rests under it, and the older ones stay there, since older events
/// are read with them: so this may be stopped at any moment.
async fn rotate(out: Output, global: &Global, resume: bool) -> Outcome {
    let opened = Opened::open(global, Check::Nothing).await?;
    let path = store::key_file(global)?;
    let _alone = lock(&path)?;
    // With the keys as they are, to see that they belong to the store.
    Opened::fitting(
        opened.database.clone(),
        store::load_keys(&path)?,
        &path,
        global.at,
    )
    .await?;
    let failed = |e: twofa::KeyringError| Failure::store(e.code(), e.to_string());
    let mut keyring = store::load_keys(&path)?;
    let rotating = Opened::with(opened.database.clone(), KeySource::file(&path), global.at)?;
    let service = &rotating.service;
    if !resume {
        let added = keyring.add().map_err(failed)?;
        keyring.replace_file(&path).map_err(failed)?;
        service.register_keys().await?;
        service.activate_key(added).await?;
    }
    service.align(&mut keyring).await?;
    keyring.replace_file(&path).map_err(failed)?;
    let active = keyring.active_id().to_string();
    let ids: Vec<_> = keyring.ids().map(|id| id.to_string()).collect();
    let bar = progress(out);
    let shown = bar.clone();
    let done = rotating
        .service
        .reseal(move |rotation| show(&shown, rotation))
        .await;
    bar.finish_and_clear();
    let done = done.map_err(|e| {
        let failure = Failure::from(e);
        let hint = match failure.code() {
            "key-missing" => "; every other record is done: put that key back into the file, then run `twofa keys rotate --resume`",
            "record-unreadable" => "; every other record is done: restore this one from a backup, then run `twofa keys rotate --resume`",
            _ => "; go on with `twofa keys rotate --resume`",
        };
        failure.hint(hint)
    })?;
    for key in service.list_keys().await? {
        if key.state == KeyState::Reading {
            service.retire_key(key.id, ProofsOfOld::Linger).await?;
        }
    }
    if service.align(&mut keyring).await? {
        keyring.replace_file(&path).map_err(failed)?;
    }
    opened.database.close().await;
    out.result(
        || {
            json!({
                "rotated": true,
                "active": active,
                "keys": ids,
                "records": done.seen,
                "resealed": done.resealed,
            })
        },
        || {
            format!(
                "key {active} is active; {} records were put under it, {} were already.\nOlder keys stay in {}: the audit from before is read with them.",
                done.resealed,
                done.seen.saturating_sub(done.resealed),
                path.display()
            )
        },
    )?;
    Ok(Exit::Done)
}

/// One rotation at a time: of two new keys in one file, the second would take the first one's place.
fn lock(path: &Path) -> Result<File, Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = Path::new(&name);
    let failed = |e: std::io::Error| Failure::store("keyring", format!("{}: {e}", name.display()));
    let file = File::create(name).map_err(failed)?;
    file.try_lock().map_err(|e| match e {
        std::fs::TryLockError::WouldBlock => Failure::store(
            "contended",
            format!(
                "another rotation is under way ({} is locked); wait for it to end",
                name.display()
            ),
        ),
        std::fs::TryLockError::Error(e) => failed(e),
    })?;
    Ok(file)
}

/// How many records have been seen, on standard error; nothing where that is no terminal.
fn progress(out: Output) -> ProgressBar {
    let target = if out.json {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed_precise}]");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

fn show(bar: &ProgressBar, rotation: Rotation) {
    bar.set_message(format!(
        "{} records seen, {} resealed",
        rotation.seen, rotation.resealed
    ));
}
