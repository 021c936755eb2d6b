//! `keys`: what the store's secrets rest under, and a new key for all of them.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use twofa::policy::MissingKey;
use twofa::types::Name;
use twofa::{KeyFile, KeyId, KeyState, Keyring, KeyringError, ProofsOfOld, Rotation};

use crate::args::{self, Global};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::store::{Does, Opened, Service};

/// How long another that changes the key file is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn keys(out: Output, global: &Global, command: &args::Keys) -> Outcome {
    if let args::Keys::Repair {
        operator,
        ticket,
        new_keys,
    } = command
    {
        return repair(out, global, (operator, ticket), *new_keys).await;
    }
    let does = match command {
        args::Keys::List => Does::Reads,
        _ => Does::Writes,
    };
    let opened = Opened::open(out, global, does).await?;
    let outcome = match command {
        args::Keys::List => list(out, &opened).await,
        args::Keys::Add => add(out, &opened).await,
        args::Keys::Activate { id } => activate(out, &opened, *id).await,
        args::Keys::Reseal { resume: _ } => reseal(out, &opened).await,
        args::Keys::Retire { id } => retire(out, &opened, *id).await,
        args::Keys::Rotate { resume } => rotate(out, &opened, *resume).await,
        // Done before: such a store does not open.
        args::Keys::Repair { .. } => Ok(Exit::Done),
    };
    opened.database.close().await;
    outcome
}

/// The store's own record of its keys is made anew from the ring.
async fn repair(
    out: Output,
    global: &Global,
    (operator, ticket): (&Name, &Name),
    new_keys: bool,
) -> Outcome {
    let opened = Opened::to_repair(global, new_keys).await?;
    let lost = if new_keys {
        MissingKey::GivenUp
    } else {
        MissingKey::MayComeBack
    };
    let repaired = opened.service.repair_keys(operator, ticket, lost).await;
    let repaired = repaired.map_err(|error| {
        let failure = Failure::from(error);
        match failure.code() {
            "keyring-mismatch" => {
                failure.hint("; where the store's own keys are lost, --new-keys gives them up")
            }
            _ => failure,
        }
    })?;
    opened.database.close().await;
    let Some(fault) = repaired.map(twofa::Fault::code) else {
        out.result(
            || json!({"recovered": false, "reason": "record-readable"}),
            || "There is nothing to repair: the store's record of its keys can be read. [record-readable]".to_owned(),
        )?;
        return Ok(Exit::Refused);
    };
    let (by, ticket) = (operator.as_str(), ticket.as_str());
    out.result(
        || json!({"recovered": true, "fault": fault, "by": by, "ticket": ticket}),
        || format!("The store's record of its keys is made anew [{fault}]. Everybody signs in again; whoever's record rests under keys that are lost is reset with `twofa support-reset --key-lost`."),
    )?;
    Ok(Exit::Done)
}

async fn list(out: Output, opened: &Opened) -> Outcome {
    for key in opened.service.list_keys().await? {
        let (id, state, records) = (key.id.to_string(), key.state.code(), key.records);
        out.result(
            || json!({"key": id, "state": state, "records": records}),
            || format!("{id}  {state:<8}  {records} records"),
        )?;
    }
    Ok(Exit::Done)
}

/// The ring in its file, which nobody else changes meanwhile.
struct Ring {
    file: KeyFile,
    ring: Keyring,
}

impl Ring {
    fn lock(opened: &Opened) -> Result<Self, Failure> {
        let file = KeyFile::lock_within(opened.keys.file()?, PATIENCE)?;
        let ring = file.read()?;
        Ok(Self { file, ring })
    }

    /// Brings the file in line with what the store says.
    async fn align(&mut self, service: &Service) -> Result<(), Failure> {
        if service.align(&mut self.ring).await? {
            self.file.replace(&self.ring)?;
        }
        Ok(())
    }

    /// A key that the store knows as added: one that a run before this made and did not get to use, or a new
    /// one. The file has it before the store does; where the store refuses, the file is as it was.
    async fn add(&mut self, service: &Service) -> Result<KeyId, Failure> {
        let keys = service.list_keys().await?;
        let waiting = |id: &KeyId| self.ring.state(*id) == Some(KeyState::Added);
        if let Some(id) = self.ring.ids().find(waiting) {
            if !keys.iter().any(|key| key.id == id) {
                service.register_keys().await?;
            }
            return Ok(id);
        }
        // Before the file is touched: whether a key can be added at all.
        service.register_keys().await?;
        let id = self.ring.add()?;
        self.file.replace(&self.ring)?;
        if let Err(error) = service.register_keys().await {
            self.ring.remove(id)?;
            self.file.replace(&self.ring)?;
            return Err(error.into());
        }
        Ok(id)
    }
}

async fn add(out: Output, opened: &Opened) -> Outcome {
    let mut ring = Ring::lock(opened)?;
    let id = ring.add(&opened.service).await?.to_string();
    out.result(
        || json!({"added": id}),
        || {
            format!(
                "Key {id} is added. Bring the key file to every host, then run `twofa keys activate {id}`."
            )
        },
    )?;
    Ok(Exit::Done)
}

async fn activate(out: Output, opened: &Opened, id: KeyId) -> Outcome {
    opened.service.activate_key(id).await?;
    // A host whose keys come from its environment has no file to bring in line.
    if opened.keys.file().is_ok() {
        Ring::lock(opened)?.align(&opened.service).await?;
    }
    let id = id.to_string();
    out.result(
        || json!({"active": id}),
        || format!("Key {id} is active. Now run `twofa keys reseal`."),
    )?;
    Ok(Exit::Done)
}

async fn reseal(out: Output, opened: &Opened) -> Outcome {
    let done = reseal_all(out, opened).await?;
    let active = active(opened).await?.to_string();
    out.result(
        || with_unreadable(json!({"active": active, "records": done.seen, "resealed": done.resealed}), done),
        || {
            format!(
                "{} records were put under key {active}, {} were already. The one before can be retired.",
                done.resealed,
                already(done)
            )
        },
    )?;
    Ok(Exit::Done)
}

/// How many records were under the active key before.
fn already(done: Rotation) -> u64 {
    done.seen.saturating_sub(done.resealed + done.unreadable)
}

fn with_unreadable(mut object: Value, done: Rotation) -> Value {
    if let Some(object) = object.as_object_mut().filter(|_| done.unreadable > 0) {
        object.insert("unreadable".to_owned(), json!(done.unreadable));
    }
    object
}

async fn active(opened: &Opened) -> Result<KeyId, Failure> {
    let keys = opened.service.list_keys().await?;
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    active
        .map(|key| key.id)
        .ok_or_else(|| Failure::from(KeyringError::NoActive))
}

async fn reseal_all(out: Output, opened: &Opened) -> Result<Rotation, Failure> {
    let bar = progress(out);
    let shown = bar.clone();
    let done = opened
        .service
        .reseal(move |rotation| show(&shown, rotation))
        .await;
    bar.finish_and_clear();
    let done = done
        .map_err(|error| Failure::from(error).hint("; go on with `twofa keys rotate --resume`"))?;
    if done.unreadable > 0 {
        out.warn(
            "record-unreadable",
            &format!(
                "{} records cannot be read and stay as they are; `twofa audit verify` names those that are damaged: reset whose they are, then run `twofa keys rotate --resume`",
                done.unreadable
            ),
        );
    }
    Ok(done)
}

async fn retire(out: Output, opened: &Opened, id: KeyId) -> Outcome {
    let retired = opened.service.retire_key(id, ProofsOfOld::Void).await;
    if let Err(twofa::Error::Keyring(KeyringError::InUse { records, .. })) = retired {
        let key = id.to_string();
        out.result(
            || json!({"retired": false, "key": key, "reason": "in-use", "records": records}),
            || format!("Refused: {records} records rest under key {key}; run `twofa keys reseal` first. [in-use]"),
        )?;
        return Ok(Exit::Refused);
    }
    retired?;
    if opened.keys.file().is_ok() {
        Ring::lock(opened)?.align(&opened.service).await?;
    }
    let id = id.to_string();
    out.result(
        || json!({"retired": id}),
        || {
            format!(
                "Key {id} verifies the events that were written under it, and opens nothing more."
            )
        },
    )?;
    Ok(Exit::Done)
}

/// A new key, everything under it, and the one before retired. It may be stopped at any moment and begun again:
/// the new key is in the file before anything rests under it.
async fn rotate(out: Output, opened: &Opened, resume: bool) -> Outcome {
    let service = &opened.service;
    let mut ring = Ring::lock(opened)?;
    let under_way = ring_under_way(service).await?;
    if !(resume && under_way.is_none()) {
        let id = match under_way.filter(|_| resume) {
            Some(id) => id,
            None => ring.add(service).await?,
        };
        service.activate_key(id).await?;
    }
    ring.align(service).await?;
    let done = reseal_all(out, opened).await?;
    for key in service.list_keys().await? {
        // A record that could not be read may come back from a backup, and with it what this key opens.
        let kept = done.unreadable > 0 && key.records > 0;
        if key.state == KeyState::Reading && !kept {
            service.retire_key(key.id, ProofsOfOld::Linger).await?;
        }
    }
    ring.align(service).await?;
    let active = active(opened).await?.to_string();
    let ids: Vec<_> = ring.ring.ids().map(|id| id.to_string()).collect();
    out.result(
        || {
            let object = json!({
                "rotated": true,
                "active": active,
                "keys": ids,
                "records": done.seen,
                "resealed": done.resealed,
            });
            with_unreadable(object, done)
        },
        || {
            format!(
                "Key {active} is active; {} records were put under it, {} were already.\nThe keys before it verify the audit from before, and open nothing more.",
                done.resealed,
                already(done),
            )
        },
    )?;
    Ok(Exit::Done)
}

/// The key that was added and not activated, where a rotation was stopped between the two.
async fn ring_under_way(service: &Service) -> Result<Option<KeyId>, Failure> {
    let keys = service.list_keys().await?;
    let added = keys.iter().find(|key| key.state == KeyState::Added);
    Ok(added.map(|key| key.id))
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
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn show(bar: &ProgressBar, rotation: Rotation) {
    bar.set_message(format!(
        "{} records seen, {} resealed",
        rotation.seen, rotation.resealed
    ));
}
