//! What an operator does with keys: make them the store's own, add, activate, reseal, retire. Each change is a
//! compare-and-set on the installation's record, whichever host makes it, and an event on its chain.

use std::collections::BTreeMap;

use twofa_lifecycle::Summary;
use twofa_types::UnixTime;

use super::pages::Pages;
use super::{TwoFactor, record};
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::installation::{Purpose, StoreId};
use crate::keyring::{KeyId, KeyState, Keyring, KeyringError};
use crate::keys::{Draft, Keys};
use crate::retry::Tries;
use crate::seal;
use crate::store::{Applied, AuditRow, Change, Ends, Store, Stored, Subject};

/// How many records are looked at between two looks at where we are.
const PAGE: u32 = 500;

/// A key of the store, and what rests under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// Its id.
    pub id: KeyId,
    /// What it is for.
    pub state: KeyState,
    /// Since when.
    pub since: UnixTime,
    /// How many records rest under it, whole or with a secret in them. The store's own record of its keys is
    /// not counted.
    pub records: u64,
}

/// What the store says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstallationView {
    /// Which store it is.
    pub store: StoreId,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made, or when it first recorded its keys.
    pub made: UnixTime,
}

/// What becomes of the proofs of a key that is retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofsOfOld {
    /// They are void at once, and everyone who came in under that key signs in again: for a key that was stolen.
    Void,
    /// They are good for five minutes after the key ceased to be active, so that open sessions go on.
    Linger,
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// What the store says of itself; `None` where it keeps no record of its keys yet, since nothing was ever
    /// kept in it or a version before made it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; [`Error::Unreadable`] for a keyring that is not this store's.
    pub async fn installation(&self) -> Result<Option<InstallationView>, Error> {
        let keys = self.keys().await?;
        Ok(keys.installation().map(|installation| InstallationView {
            store: installation.store,
            purpose: installation.purpose,
            made: installation.made,
        }))
    }

    /// Makes the keyring the store's own: writes the store's record of its keys, and says whether that was news.
    /// An empty store does this by itself at its first use; one that was made by a version before does it here,
    /// once, and its people sign in as before (open sessions end).
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] for a keyring that is not this store's, which then stays as it is; [`Error::Store`].
    pub async fn install(&self, purpose: Purpose) -> Result<bool, Error> {
        self.check_keyring().await?;
        let bound = self.is_empty().await?;
        self.install_in(purpose, bound).await
    }

    pub(super) async fn install_in(&self, purpose: Purpose, bound: bool) -> Result<bool, Error> {
        let stored = self.installation_row().await?;
        if stored.is_some() {
            self.adopt(stored.as_ref()).await?;
            return Ok(false);
        }
        let now = self.now();
        let ring = self.keys.ring()?;
        let mut draft = Draft::first(&ring, purpose, bound, now).map_err(at_rest)?;
        let event = if bound {
            "store-made"
        } else {
            "store-migrated"
        };
        let written = self.write_draft(0, &mut draft, event, None, now).await?;
        // Of two that begin a store, the second finds the record of the first, and whether its keys fit.
        self.adopt(self.installation_row().await?.as_ref()).await?;
        Ok(written)
    }

    /// Makes the keys that the ring has as added, and the store does not know, known to the store. Says which.
    ///
    /// # Errors
    ///
    /// [`KeyringError::AddedElsewhere`] where another host has added a key that this ring does not hold;
    /// [`KeyringError::NotInstalled`]; and as for [`TwoFactor::install`].
    pub async fn register_keys(&self) -> Result<Vec<KeyId>, Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let (ring, stored, mut draft) = self.draft().await?;
            let added = draft.register(&ring, now);
            if added.is_empty() {
                return Ok(added);
            }
            let names: Vec<_> = added.iter().map(ToString::to_string).collect();
            let detail = format!("key {}", names.join(", "));
            if self
                .write_draft(stored.version, &mut draft, "key-added", Some(detail), now)
                .await?
            {
                return Ok(added);
            }
            tries.again().await?;
        }
    }

    /// Makes a key the active one, on every host at once: whatever is written from now on rests under it. The
    /// one that was active is for reading. Every host's ring must hold the key by then.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Unknown`] for a key that the store or the ring does not know,
    /// [`KeyringError::Retired`] for one that was retired; and as for [`TwoFactor::register_keys`].
    pub async fn activate_key(&self, id: KeyId) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let (_, stored, mut draft) = self.draft().await?;
            match draft.installation.entry(id).map(|entry| entry.state) {
                None => return Err(KeyringError::Unknown { id }.into()),
                Some(KeyState::Events) => return Err(KeyringError::Retired { id }.into()),
                Some(KeyState::Active) => return Ok(()),
                Some(KeyState::Added | KeyState::Reading) => {}
            }
            draft.activate(id, now).map_err(at_rest)?;
            let detail = Some(format!("key {id}"));
            if self
                .write_draft(stored.version, &mut draft, "key-activated", detail, now)
                .await?
            {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    /// Leaves a key to the events that were written under it: it opens no secret, record or proof any more,
    /// also for whoever has stolen it. Refused while anything rests under it; see [`TwoFactor::reseal`].
    ///
    /// # Errors
    ///
    /// [`KeyringError::RetiresActive`], [`KeyringError::InUse`], [`KeyringError::Unknown`]; and as for
    /// [`TwoFactor::register_keys`].
    pub async fn retire_key(&self, id: KeyId, proofs: ProofsOfOld) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let (_, stored, mut draft) = self.draft().await?;
            match draft.installation.entry(id).map(|entry| entry.state) {
                None => return Err(KeyringError::Unknown { id }.into()),
                Some(KeyState::Events) => return Ok(()),
                Some(KeyState::Active) => return Err(KeyringError::RetiresActive { id }.into()),
                Some(KeyState::Added | KeyState::Reading) => {}
            }
            // A write that had compared the keys before another was activated may still be under way.
            self.store.drain().await.map_err(Error::store)?;
            let counted = self.count_under(&draft.keys).await?;
            if let Some(records) = counted.get(&id).copied() {
                return Err(KeyringError::InUse { id, records }.into());
            }
            draft.retire(id, proofs == ProofsOfOld::Void, now);
            let detail = Some(format!("key {id}"));
            if self
                .write_draft(stored.version, &mut draft, "key-retired", detail, now)
                .await?
            {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    /// The store's keys by age, each with how much rests under it. Reads every record.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::install`].
    pub async fn list_keys(&self) -> Result<Vec<KeyUse>, Error> {
        let keys = self.keys().await?;
        let counted = self.count_under(&keys).await?;
        let records = |id| counted.get(&id).copied().unwrap_or_default();
        if let Some(installation) = keys.installation() {
            let all = installation.keys.iter().map(|entry| KeyUse {
                id: entry.id,
                state: entry.state,
                since: entry.since,
                records: records(entry.id),
            });
            return Ok(all.collect());
        }
        let ring = self.keys.ring()?;
        let all = ring.keys().map(|(id, key)| KeyUse {
            id,
            state: key.state,
            since: UnixTime::EPOCH,
            records: records(id),
        });
        Ok(all.collect())
    }

    /// Brings the states in a ring in line with what the store says, and says whether that changed any: for
    /// whoever keeps the ring in a file, after each change. Of a key that was retired, what opens things is
    /// erased.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::install`].
    pub async fn align(&self, ring: &mut Keyring) -> Result<bool, Error> {
        self.keys.look_again();
        Ok(self.keys().await?.align(ring))
    }

    /// The record to change and the ring that opens it. A ring without a key that another host has added would
    /// leave that host's factors behind: it changes nothing.
    pub(super) async fn draft(&self) -> Result<(std::sync::Arc<Keyring>, Stored, Draft), Error> {
        let Some(stored) = self.installation_row().await? else {
            return Err(KeyringError::NotInstalled.into());
        };
        let keys = self.adopt(Some(&stored)).await?;
        if let Some(id) = keys.not_held() {
            return Err(KeyringError::AddedElsewhere { id }.into());
        }
        let ring = self.keys.ring()?;
        let draft = Draft::of(&ring, &stored).map_err(at_rest)?;
        Ok((ring, stored, draft))
    }

    /// Writes the installation's record with one event; false where another host came first.
    pub(super) async fn write_draft(
        &self,
        expected: u64,
        draft: &mut Draft,
        event: &str,
        detail: Option<String>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let change = Self::draft_change(expected, draft, (event, detail, None), now)?;
        let applied = self.write(&change).await?;
        self.keys.look_again();
        Ok(applied == Applied::Committed)
    }

    /// The change of the installation's record to a draft, with one event: what, its detail, and by whom.
    pub(super) fn draft_change(
        expected: u64,
        draft: &mut Draft,
        (event, detail, actor): (&str, Option<String>, Option<&str>),
        now: UnixTime,
    ) -> Result<Change, Error> {
        let subject = Subject::installation();
        let row = AuditRow {
            seq: 0,
            at: now,
            event: event.to_owned(),
            reason: None,
            actor: actor.map(ToOwned::to_owned),
            detail,
            generation: 0,
            notice: false,
            notices_before: 0,
            key_id: 0,
            mac: [0; 32],
        };
        draft.seal_proof_keys(now).map_err(at_rest)?;
        let Draft { installation, keys } = draft;
        let row = record::link(keys, &subject, row, &mut installation.chain).map_err(at_rest)?;
        let body = installation.encode();
        Ok(Change {
            record: seal::close_body(keys, &subject, expected + 1, &body).map_err(at_rest)?,
            subject,
            expected,
            installation: expected,
            summary: Summary::NONE,
            events: vec![row],
            park: None,
            ends: Ends::None,
            recovery: None,
        })
    }

    /// How many records rest under each key, whole or with a secret in them, and what stands in the place of archived
    /// events. One that cannot be opened counts
    /// under the key that it names.
    async fn count_under(&self, keys: &Keys) -> Result<BTreeMap<KeyId, u64>, Error> {
        let mut counted = BTreeMap::new();
        let mut pages = Pages::of("heads");
        loop {
            let page = self.store.heads(None, pages.after(), u64::MAX, PAGE).await;
            let page = page.map_err(Error::store)?;
            for id in page
                .iter()
                .filter_map(|row| seal::key_id(row.checkpoint.as_ref()?))
            {
                *counted.entry(id).or_default() += 1;
            }
            for row in page
                .iter()
                .filter(|row| row.subject != Subject::installation())
            {
                for id in keys_of(keys, &row.subject, &row.stored) {
                    *counted.entry(id).or_default() += 1;
                }
            }
            if !pages.read(&page, PAGE, |row| row.subject.clone())? {
                return Ok(counted);
            }
        }
    }
}

/// The keys that a record and the secrets in it rest under, each once.
fn keys_of(keys: &Keys, subject: &Subject, stored: &Stored) -> Vec<KeyId> {
    let mut ids: Vec<_> = seal::key_id(&stored.record).into_iter().collect();
    if let Ok(record) = seal::open_record(keys, subject, stored) {
        // Reading which key each secret names, and changing none.
        let seen = record.reseal(|_, sealed| {
            ids.extend(seal::key_id(sealed.as_bytes()));
            Ok::<_, RestError>(sealed.clone())
        });
        drop(seen);
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub(super) fn at_rest(source: RestError) -> Error {
    match source {
        RestError::Key(error) => Error::Keyring(error),
        other => Error::unreadable(&Subject::installation(), other),
    }
}
