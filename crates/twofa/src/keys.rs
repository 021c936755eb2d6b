//! What a ring's keys are used as: derived for each purpose, bound to the store, and only for what their state
//! allows. A keyring and the store's own record of its keys come together here.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use twofa_types::UnixTime;
use zeroize::Zeroizing;

use crate::error::RestError;
use crate::installation::{Entry, Installation, StoreId};
use crate::keyring::{KeyId, KeyState, Keyring, KeyringError};
use crate::random;
use crate::seal;
use crate::store::{Stored, Subject};

mod anew;

/// HMAC-SHA-256, for deriving keys and for everything that must not be altered.
pub(crate) type HmacSha256 = Hmac<Sha256>;

type Key = Zeroizing<[u8; 32]>;

/// How long a proof is good for once its key is no longer active: the step-up age that a project has by default.
pub(crate) const PROOFS_LINGER_SECS: u64 =
    twofa_policy::ProjectSettings::DEFAULT_STEP_UP_AGE as u64;

/// The most keys of proofs that are remembered.
const MAX_PROOF_KEYS: usize = 64;

/// What is derived from a key's root.
pub(crate) struct Rest {
    /// Whether these are bound to the store, and what is sealed under them to their key's id.
    pub(crate) bound: bool,
    /// Seals secrets, and the keys of proofs.
    pub(crate) secrets: Key,
    /// Authenticates records.
    pub(crate) records: Key,
    /// Seals proofs in a store that has no record of its keys.
    proofs: Key,
}

/// A key and what it may be used for.
struct Use {
    state: KeyState,
    /// `None` where the state lets it open nothing.
    rest: Option<Rest>,
    events: Key,
}

/// A key that proofs are sealed under: random, and known to nobody who has the keyring alone.
struct ProofKey {
    id: KeyId,
    key: Key,
    /// When `id` ceased to be active.
    ceased: Option<UnixTime>,
}

/// The keys of a store, as of one version of its installation's record.
pub(crate) struct Keys {
    active: KeyId,
    uses: BTreeMap<KeyId, Use>,
    installation: Option<Installation>,
    version: u64,
    proofs: Vec<ProofKey>,
}

/// HMAC-SHA-256 under a 32-byte key.
pub(crate) fn mac_with(key: &[u8; 32]) -> HmacSha256 {
    // HMAC fills a short key up with zeros to a block (RFC 2104 section 2).
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    HmacSha256::new((&*block).into())
}

/// The key for one purpose. Without a store: as before stores had an id.
fn derive(root: &[u8; 32], store: Option<&StoreId>, purpose: &str) -> Key {
    let mut mac = mac_with(root);
    match store {
        None => mac.update(b"twofa/1/"),
        Some(store) => {
            mac.update(b"twofa/2/");
            mac.update(store.as_bytes());
            mac.update(b"/");
        }
    }
    mac.update(purpose.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// What tells whether a ring's key is the one that a store knows by its id.
fn check_of(events: &[u8; 32], store: &StoreId) -> [u8; 16] {
    let mut mac = mac_with(events);
    mac.update(b"twofa/2/check/");
    mac.update(store.as_bytes());
    let tag: [u8; 32] = mac.finalize().into_bytes().into();
    let mut check = [0; 16];
    for (to, from) in check.iter_mut().zip(tag) {
        *to = from;
    }
    check
}

impl Use {
    fn new(state: KeyState, held: KeyState, bytes: &[u8; 32], store: Option<&StoreId>) -> Self {
        if held == KeyState::Events {
            return Self {
                state: KeyState::Events,
                rest: None,
                events: Zeroizing::new(*bytes),
            };
        }
        let rest = (state != KeyState::Events).then(|| Rest {
            bound: store.is_some(),
            secrets: derive(bytes, store, "secrets"),
            records: derive(bytes, store, "records"),
            proofs: derive(bytes, store, "proofs"),
        });
        let events = derive(bytes, store, "events");
        Self {
            state,
            rest,
            events,
        }
    }
}

impl Keys {
    /// A ring alone, in a store that keeps no record of its keys.
    pub(crate) fn without_record(ring: &Keyring) -> Self {
        let uses = ring.keys().map(|(id, key)| {
            let usage = Use::new(key.state, key.state, &key.bytes, None);
            (id, usage)
        });
        Self {
            active: ring.active_id(),
            uses: uses.collect(),
            installation: None,
            version: 0,
            proofs: Vec::new(),
        }
    }

    /// A ring in a store that has recorded its keys.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Mismatch`] for a ring of another store, [`KeyringError::Unknown`] for one without the
    /// active key, [`RestError::Altered`] for a record that no key of the ring wrote.
    pub(crate) fn of(ring: &Keyring, stored: &Stored) -> Result<Self, RestError> {
        let (id, body) = seal::unverified_body(stored)?;
        let installation = Installation::decode(body)?;
        let mut uses = BTreeMap::new();
        for (id, key) in ring.keys() {
            let entry = installation.entry(id);
            // A key that the store does not know is for nothing here, until it is registered.
            let Some(entry) = entry else { continue };
            let bound = entry.bound.then_some(&installation.store);
            let usage = Use::new(entry.state, key.state, &key.bytes, bound);
            if check_of(&usage.events, &installation.store) != entry.check {
                return Err(KeyringError::Mismatch { id }.into());
            }
            uses.insert(id, usage);
        }
        let none_known = uses.is_empty();
        let active = installation.active().ok_or(RestError::Altered)?;
        // Which key wrote the record stands in the clear, and so does which is active: neither is believed
        // before the code over the record is found right.
        let mut keys = Self {
            active,
            uses,
            installation: None,
            version: stored.version,
            proofs: Vec::new(),
        };
        match keys.opening(id) {
            Err(KeyringError::Unknown { .. }) if none_known => {
                let id = ring.active_id();
                return Err(KeyringError::Mismatch { id }.into());
            }
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        seal::open_body(&keys, &Subject::installation(), stored)?;
        keys.opening(active)?;
        if installation.entry(ring.active_id()).is_none() {
            let id = ring.active_id();
            return Err(KeyringError::Mismatch { id }.into());
        }
        keys.proofs = keys.open_proof_keys(&installation)?;
        keys.installation = Some(installation);
        Ok(keys)
    }

    /// The version of the installation's record that these are of; 0 where there is none.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    pub(crate) fn active_id(&self) -> KeyId {
        self.active
    }

    /// The active key, for whatever is new.
    pub(crate) fn active(&self) -> Result<(KeyId, &Rest), KeyringError> {
        Ok((self.active, self.opening(self.active)?))
    }

    /// The key of that id, to open what rests under it.
    pub(crate) fn opening(&self, id: KeyId) -> Result<&Rest, KeyringError> {
        let used = self.uses.get(&id).ok_or(KeyringError::Unknown { id })?;
        used.rest.as_ref().ok_or(KeyringError::Retired { id })
    }

    /// The key of that id, to verify an event.
    pub(crate) fn events(&self, id: KeyId) -> Result<&[u8; 32], KeyringError> {
        let used = self.uses.get(&id).ok_or(KeyringError::Unknown { id })?;
        Ok(&used.events)
    }

    /// The key that new proofs are sealed under.
    pub(crate) fn proof_key(&self) -> Result<(KeyId, &[u8; 32]), KeyringError> {
        if self.installation.is_none() {
            return Ok((self.active, &self.opening(self.active)?.proofs));
        }
        let found = self.proofs.iter().find(|proof| proof.id == self.active);
        let found = found.ok_or(KeyringError::Unknown { id: self.active })?;
        Ok((found.id, &found.key))
    }

    /// The key to open a proof of `id` with, and when that ceased to be the one for new proofs.
    pub(crate) fn opening_proofs(&self, id: KeyId) -> Option<(&[u8; 32], Option<UnixTime>)> {
        if self.installation.is_none() {
            return Some((&self.opening(id).ok()?.proofs, None));
        }
        let found = self.proofs.iter().find(|proof| proof.id == id)?;
        Some((&found.key, found.ceased))
    }

    /// Whether the store knows a key of that id.
    pub(crate) fn knows(&self, id: KeyId) -> bool {
        match &self.installation {
            Some(installation) => installation.entry(id).is_some(),
            None => self.uses.contains_key(&id),
        }
    }

    /// The keys that the store opens things with and the ring does not hold.
    pub(crate) fn not_held(&self) -> Option<KeyId> {
        let installation = self.installation.as_ref()?;
        let missing = installation
            .keys
            .iter()
            .find(|entry| entry.state != KeyState::Events && self.opening(entry.id).is_err());
        missing.map(|entry| entry.id)
    }

    /// Brings a ring's states in line with the store's, and says whether that changed any.
    pub(crate) fn align(&self, ring: &mut Keyring) -> bool {
        let mut changed = false;
        for (id, usage) in &self.uses {
            changed |= ring.set_state(*id, usage.state, &usage.events);
        }
        changed
    }

    fn open_proof_keys(&self, installation: &Installation) -> Result<Vec<ProofKey>, RestError> {
        let place = installation.store.as_bytes();
        let plain = seal::open(self, seal::Purpose::ProofKeys, place, &installation.proofs)?;
        let mut rest = plain.as_slice();
        let mut proofs = Vec::new();
        while let Some((id, after)) = rest.split_first_chunk::<4>() {
            let (ceased, after) = after.split_first_chunk::<8>().ok_or(RestError::Altered)?;
            let (key, after) = after.split_first_chunk::<32>().ok_or(RestError::Altered)?;
            rest = after;
            let ceased = u64::from_be_bytes(*ceased);
            proofs.push(ProofKey {
                id: KeyId::from_number(u32::from_be_bytes(*id)),
                key: Zeroizing::new(*key),
                ceased: (ceased != u64::MAX).then(|| UnixTime::from_secs(ceased)),
            });
        }
        Ok(proofs)
    }
}

/// A change of the installation's record on its way: what it says, and the keys that it is to rest under.
pub(crate) struct Draft {
    pub(crate) installation: Installation,
    pub(crate) keys: Keys,
}

impl Draft {
    /// The first record of a store. `bound` is for one in which nothing rests yet.
    pub(crate) fn first(
        ring: &Keyring,
        purpose: crate::Purpose,
        bound: bool,
        now: UnixTime,
    ) -> Result<Self, RestError> {
        let mut id = [0; 16];
        random::fill(&mut id).map_err(|_| RestError::Random)?;
        let store = StoreId::from_bytes(id);
        let mut uses = BTreeMap::new();
        let mut entries = Vec::new();
        for (id, key) in ring.keys() {
            let usage = Use::new(key.state, key.state, &key.bytes, bound.then_some(&store));
            entries.push(Entry {
                id,
                state: usage.state,
                since: now,
                bound,
                check: check_of(&usage.events, &store),
            });
            uses.insert(id, usage);
        }
        let keys = Keys {
            active: ring.active_id(),
            uses,
            installation: None,
            version: 0,
            proofs: vec![ProofKey::fresh(ring.active_id())?],
        };
        let installation = Installation {
            store,
            purpose,
            made: now,
            keys: entries,
            proofs: Vec::new(),
            chain: twofa_lifecycle::ChainHead::default(),
        };
        Ok(Self { installation, keys })
    }

    /// A change of what stands: `ring` is the one that `stored` was opened with.
    pub(crate) fn of(ring: &Keyring, stored: &Stored) -> Result<Self, RestError> {
        let mut keys = Keys::of(ring, stored)?;
        let installation = keys.installation.take().ok_or(RestError::Altered)?;
        Ok(Self { installation, keys })
    }

    /// Registers the ring's added keys that the store does not know yet, and says which they were.
    pub(crate) fn register(&mut self, ring: &Keyring, now: UnixTime) -> Vec<KeyId> {
        let mut added = Vec::new();
        for (id, key) in ring.keys() {
            if key.state != KeyState::Added || self.installation.entry(id).is_some() {
                continue;
            }
            let usage = Use::new(
                KeyState::Added,
                key.state,
                &key.bytes,
                Some(&self.installation.store),
            );
            self.installation.keys.push(Entry {
                id,
                state: KeyState::Added,
                since: now,
                bound: true,
                check: check_of(&usage.events, &self.installation.store),
            });
            self.keys.uses.insert(id, usage);
            added.push(id);
        }
        added
    }

    /// Makes a key the active one; the one before is for reading from then on.
    pub(crate) fn activate(&mut self, id: KeyId, now: UnixTime) -> Result<(), RestError> {
        self.keys.opening(id)?;
        for entry in &mut self.installation.keys {
            if entry.id == id {
                (entry.state, entry.since) = (KeyState::Active, now);
            } else if entry.state == KeyState::Active {
                (entry.state, entry.since) = (KeyState::Reading, now);
            }
        }
        for proof in &mut self.keys.proofs {
            proof.ceased = proof.ceased.or(Some(now));
        }
        // One that was active before does not get its old key of proofs back.
        self.keys.proofs.retain(|proof| proof.id != id);
        self.keys.proofs.push(ProofKey::fresh(id)?);
        self.keys.active = id;
        Ok(())
    }

    /// Voids every proof that was sealed until now, whatever any clock says: new ones are sealed under another key.
    pub(crate) fn void_proofs(&mut self) -> Result<(), RestError> {
        self.keys.proofs = vec![ProofKey::fresh(self.keys.active)?];
        Ok(())
    }

    /// Leaves a key to its events.
    pub(crate) fn retire(&mut self, id: KeyId, voids_proofs: bool, now: UnixTime) {
        if let Some(entry) = self.installation.entry_mut(id) {
            (entry.state, entry.since) = (KeyState::Events, now);
        }
        if voids_proofs {
            self.keys.proofs.retain(|proof| proof.id != id);
        }
    }

    /// Seals the keys of proofs into the record, without those that open nothing any more.
    pub(crate) fn seal_proof_keys(&mut self, now: UnixTime) -> Result<(), RestError> {
        let lingers = |proof: &ProofKey| {
            proof
                .ceased
                .is_none_or(|ceased| now <= ceased.saturating_add(PROOFS_LINGER_SECS))
        };
        self.keys.proofs.retain(lingers);
        let beyond = self.keys.proofs.len().saturating_sub(MAX_PROOF_KEYS);
        self.keys.proofs.drain(..beyond);
        let mut plain = Zeroizing::new(Vec::with_capacity(MAX_PROOF_KEYS * 44));
        for proof in &self.keys.proofs {
            plain.extend_from_slice(&proof.id.number().to_be_bytes());
            let ceased = proof.ceased.map_or(u64::MAX, UnixTime::as_secs);
            plain.extend_from_slice(&ceased.to_be_bytes());
            plain.extend_from_slice(proof.key.as_slice());
        }
        let mut nonce = [0; 24];
        random::fill(&mut nonce).map_err(|_| RestError::Random)?;
        let place = self.installation.store.as_bytes();
        self.installation.proofs =
            seal::seal(&self.keys, seal::Purpose::ProofKeys, place, &nonce, &plain)?;
        Ok(())
    }
}

impl ProofKey {
    fn fresh(id: KeyId) -> Result<Self, RestError> {
        let mut key = Zeroizing::new([0; 32]);
        random::fill(key.as_mut_slice()).map_err(|_| RestError::Random)?;
        Ok(Self {
            id,
            key,
            ceased: None,
        })
    }
}
