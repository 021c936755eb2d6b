//! The keys as a service holds them: read from their source, looked at again as often as the store says so, and
//! made the store's own at the first use of an empty one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::TwoFactor;
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::keyring::{KeyId, KeySource, Keyring, KeyringError};
use crate::keys::Keys;
use crate::retry::Tries;
use crate::store::{Store, Stored, Subject};

/// For how long the installation's record is taken to be as it was read: within this time a key that another
/// process retired opens nothing here either. (What is *written* is compared each time.)
const LOOKED: Duration = Duration::from_secs(1);

/// How often at most the source is read for a key that the store knows and the ring does not hold.
const SOURCE_READ: Duration = Duration::from_secs(2);

/// The keys, and when they were looked at.
pub(super) struct Held {
    source: KeySource,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keys>>,
    /// When the installation's record was last found to be the one that `keys` are of.
    looked: Option<Instant>,
    /// When the source was last read.
    read: Option<Instant>,
    /// That the store holds records of people and none of its keys: it was made by a version before.
    older: bool,
}

fn since(then: Option<Instant>, bound: Duration) -> bool {
    then.is_some_and(|then| then.elapsed() < bound)
}

impl Held {
    pub(super) fn new(source: KeySource) -> Self {
        Self {
            source,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is half done when a panic elsewhere gives the lock back.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ring as its source holds it now.
    pub(super) fn ring(&self) -> Result<Arc<Keyring>, KeyringError> {
        let ring = self.source.read()?;
        self.state().read = Some(Instant::now());
        Ok(ring)
    }

    /// The record has moved on, so that it is read anew before it is next used.
    pub(super) fn look_again(&self) {
        self.state().looked = None;
    }

    /// The keys, as long as they need not be looked at.
    fn fresh(&self) -> Option<Arc<Keys>> {
        let state = self.state();
        state.keys.clone().filter(|_| since(state.looked, LOOKED))
    }

    /// The keys as last known.
    pub(super) fn last(&self) -> Option<Arc<Keys>> {
        self.state().keys.clone()
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// The keys of the store as it stands, at most a second old.
    pub(super) async fn keys(&self) -> Result<Arc<Keys>, Error> {
        if let Some(keys) = self.keys.fresh() {
            return Ok(keys);
        }
        let stored = self.installation_row().await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        if let Some(keys) = self.keys.last().filter(|keys| keys.version() == version) {
            self.keys.state().looked = Some(Instant::now());
            return Ok(keys);
        }
        // Boxed, as what happens seldom: every call would carry it along otherwise.
        Box::pin(self.adopt(stored.as_ref())).await
    }

    pub(super) async fn installation_row(&self) -> Result<Option<Stored>, Error> {
        let found = self.store.load(&Subject::installation()).await;
        Ok(found.map_err(Error::store)?.stored)
    }

    /// Reads the source and brings it together with the installation's record. The ring is read after the record, so
    /// that it may be newer, where another host changed both in between: then the record is read again.
    pub(super) async fn adopt(&self, stored: Option<&Stored>) -> Result<Arc<Keys>, Error> {
        let mut stored = stored.cloned();
        let mut tries = Tries::new(Self::MAX_TRIES);
        let keys = loop {
            let ring = self.keys.ring()?;
            let refused = match self.bring_together(&ring, stored.as_ref()).await {
                Ok(keys) => break Arc::new(keys),
                Err(refused) => refused,
            };
            let now = self.installation_row().await?;
            let version = |stored: &Option<Stored>| stored.as_ref().map(|stored| stored.version);
            if version(&now) == version(&stored) {
                return Err(refused);
            }
            stored = now;
            tries.again().await?;
        };
        let mut state = self.keys.state();
        state.keys = Some(Arc::clone(&keys));
        state.looked = Some(Instant::now());
        Ok(keys)
    }

    async fn bring_together(&self, ring: &Keyring, stored: Option<&Stored>) -> Result<Keys, Error> {
        let subject = Subject::installation();
        if let Some(stored) = stored {
            return Keys::of(ring, stored).map_err(|source| Error::unreadable(&subject, source));
        }
        let events = self.store.chain(&subject, 0, 1).await;
        if events.map_err(Error::store)?.is_empty() {
            return Ok(Keys::without_record(ring));
        }
        // Deleted by another hand, unless it was made since, between the two looks.
        Err(Error::unreadable(&subject, RestError::Missing))
    }

    /// Keys that hold `id`, which `keys` do not; `None` where there are none to be had now. Whoever invents ids
    /// costs one look at the store, and never a reading of the source.
    pub(super) async fn newer_keys(
        &self,
        keys: &Keys,
        id: KeyId,
    ) -> Result<Option<Arc<Keys>>, Error> {
        let stored = self.installation_row().await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        // Another task may have fetched them meanwhile.
        let last = self.keys.last();
        if let Some(last) = last.filter(|l| l.version() == version && l.opening(id).is_ok()) {
            return Ok(Some(last));
        }
        let moved_on = version != keys.version();
        let worth_reading = keys.knows(id) || keys.installation().is_none();
        let just_read = since(self.keys.state().read, SOURCE_READ);
        if !moved_on && (just_read || !worth_reading) {
            return Ok(None);
        }
        let newer = self.adopt(stored.as_ref()).await?;
        Ok(newer.opening(id).is_ok().then_some(newer))
    }

    /// The keys of the store as it stands, where that is no longer what `keys` are of.
    pub(super) async fn later_keys(&self, keys: &Keys) -> Result<Option<Arc<Keys>>, Error> {
        self.keys.look_again();
        let now = self.keys().await?;
        Ok((now.version() != keys.version()).then_some(now))
    }

    /// Makes the keys the store's own where nothing rests in it yet: what a first use begins with.
    pub(super) async fn ensure_installed(&self) -> Result<(), Error> {
        let keys = self.keys().await?;
        if keys.installation().is_some() || self.keys.state().older {
            return Ok(());
        }
        if self.is_empty().await? {
            Box::pin(self.install_in(crate::Purpose::Production, true)).await?;
            return Ok(());
        }
        // What is there may be the record itself, which another host has just made.
        let stored = self.installation_row().await?;
        if stored.is_some() {
            self.adopt(stored.as_ref()).await?;
        } else {
            self.keys.state().older = true;
        }
        Ok(())
    }

    /// Whether nothing was ever kept in the store.
    pub(super) async fn is_empty(&self) -> Result<bool, Error> {
        let records = self.store.subjects(None, None, 1).await;
        if !records.map_err(Error::store)?.is_empty() {
            return Ok(false);
        }
        let events = self.store.orphans(None, None, 1).await;
        Ok(events.map_err(Error::store)?.is_empty())
    }
}
