//! What lies in the store of a subject: a record that can be read, or one that cannot, and why.

use std::cmp::Ordering;
use std::sync::Arc;

use twofa_lifecycle::{Record, SealedSecret, State};
use twofa_policy::FactorView;

use super::TwoFactor;
use super::record::Loaded;
use super::verify::Fault;
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::keyring::KeyringError;
use crate::keys::Keys;
use crate::seal;
use crate::store::{Found, Store, Subject};

/// A subject's record as it was found.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are readable, and each is moved once"
)]
pub(super) enum Seen {
    Readable(Loaded),
    Unreadable(Unreadable),
}

/// A record that cannot be read. Rules are decided on it all the same.
pub(super) struct Unreadable {
    /// Why.
    pub(super) source: RestError,
    /// The same, as the audit names it; [`Fault::KeyMissing`] where it may be whole.
    pub(super) fault: Fault,
    /// What lies there.
    pub(super) found: Found,
    pub(super) keys: Arc<Keys>,
}

impl Seen {
    /// As much of it as rules may look at.
    pub(super) fn view(&self) -> FactorView {
        match self {
            Self::Readable(loaded) => loaded.record.view(),
            Self::Unreadable(Unreadable {
                fault: Fault::KeyMissing,
                ..
            }) => FactorView::KEY_MISSING,
            Self::Unreadable(_) => FactorView::UNREADABLE,
        }
    }

    /// The generation; the first where the record does not say. Nothing rests on that: a record that cannot be read
    /// lets nobody do anything, and a recovery finds a generation of its own.
    pub(super) fn generation(&self) -> u32 {
        match self {
            Self::Readable(loaded) => loaded.record.generation(),
            Self::Unreadable(_) => Record::new().generation(),
        }
    }

    /// The record.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`].
    pub(super) fn readable(self, subject: &Subject) -> Result<Loaded, Error> {
        match self {
            Self::Readable(loaded) => Ok(loaded),
            Self::Unreadable(broken) => Err(Error::unreadable(subject, broken.source)),
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// What lies there of a subject. Signs of a hand in the database go on the project's chain.
    ///
    /// # Errors
    ///
    /// Trouble with the store, and a keyring that is not this store's, under which nothing can be said of any record.
    pub(super) async fn see(&self, subject: &Subject) -> Result<Seen, Error> {
        // The keys before the record: it is written under these keys or older ones, or these are read again.
        let keys = self.keys().await?;
        let found = self.store.load(subject).await.map_err(Error::store)?;
        self.see_in(keys, subject, found).await
    }

    /// The same, in what the store gave.
    pub(super) async fn see_in(
        &self,
        keys: Arc<Keys>,
        subject: &Subject,
        found: Found,
    ) -> Result<Seen, Error> {
        let seen = self.look_into(keys, subject, found).await?;
        if let Seen::Unreadable(Unreadable { fault, .. }) = &seen
            && *fault != Fault::KeyMissing
        {
            // Boxed, as what happens seldom: everybody's sign-in would carry it along otherwise.
            Box::pin(self.note_tampered(subject)).await;
        }
        Ok(seen)
    }

    /// The same, and nothing is put on the record. A key that has come since is fetched.
    pub(super) async fn look_into(
        &self,
        mut keys: Arc<Keys>,
        subject: &Subject,
        found: Found,
    ) -> Result<Seen, Error> {
        loop {
            let source = match read_at_rest(&keys, subject, &found) {
                Ok(loaded) => return Ok(Seen::Readable(loaded)),
                Err(source) => source,
            };
            // Before anything is called damaged: are these the keys of the store as it stands?
            let newer = match source {
                RestError::Key(KeyringError::Unknown { id }) => {
                    Box::pin(self.newer_keys(&keys, id)).await?
                }
                _ => Box::pin(self.later_keys(&keys)).await?,
            };
            if let Some(newer) = newer {
                keys = newer;
                continue;
            }
            return match fault_of(&keys, &source) {
                Some(fault) => Ok(Seen::Unreadable(Unreadable {
                    source,
                    fault,
                    found,
                    keys,
                })),
                None => Err(Error::unreadable(subject, source)),
            };
        }
    }
}

/// What is wrong with a record that cannot be read; `None` where that is not the record's.
fn fault_of(keys: &Keys, source: &RestError) -> Option<Fault> {
    Some(match source {
        // Without a record of its keys a store does not know which it ever had.
        RestError::Key(KeyringError::Unknown { id })
            if keys.knows(*id) || keys.installation().is_none() =>
        {
            Fault::KeyMissing
        }
        // No record is left under a key that is retired, and none was ever made under one that the store never had.
        RestError::Key(KeyringError::Retired { .. } | KeyringError::Unknown { .. })
        | RestError::Altered => Fault::RecordAltered,
        RestError::Record(_) | RestError::Newer => Fault::RecordMalformed,
        RestError::Missing => Fault::RecordMissing,
        RestError::RolledBack => Fault::RecordRolledBack,
        RestError::EventsMissing => Fault::ChainCut,
        RestError::Key(_) | RestError::TooLong | RestError::Random => return None,
    })
}

/// Opens what the store gave, with these keys.
pub(super) fn read_at_rest(
    keys: &Arc<Keys>,
    subject: &Subject,
    found: &Found,
) -> Result<Loaded, RestError> {
    let (version, record) = match &found.stored {
        None => (0, Record::new()),
        Some(stored) => (stored.version, seal::open_record(keys, subject, stored)?),
    };
    match record.chain().seq.cmp(&found.last_event) {
        Ordering::Equal => {}
        Ordering::Less if found.stored.is_none() => return Err(RestError::Missing),
        Ordering::Less => return Err(RestError::RolledBack),
        Ordering::Greater => return Err(RestError::EventsMissing),
    }
    // A record is written anew at each answer, and its secrets stay under the key that was active when they were made.
    for id in secrets(&record).filter_map(|sealed| seal::key_id(sealed.as_bytes())) {
        keys.opening(id)?;
    }
    Ok(Loaded {
        version,
        record,
        notices: found.last_notice,
        keys: Arc::clone(keys),
    })
}

/// The secrets in a record.
fn secrets(record: &Record) -> impl Iterator<Item = &SealedSecret> {
    let (first, second) = match record.state() {
        State::None | State::Reset(_) => (None, None),
        State::Pending { pending, .. } => (Some(&pending.key), None),
        State::Active(active) => (
            Some(&active.key),
            active.replacement.as_ref().map(|pending| &pending.key),
        ),
    };
    first.into_iter().chain(second).map(|key| &key.sealed)
}
