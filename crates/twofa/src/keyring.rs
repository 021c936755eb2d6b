//! The keys that secrets rest under: [`Keyring`].

mod error;
mod file;
mod id;
mod source;
mod text;

pub use error::KeyringError;
pub use file::KeyFile;
pub use id::{KeyId, KeyState, NotAKeyId};
pub use source::KeySource;

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// One active key, which everything new rests under, and others, each with its [`KeyState`].
///
/// A key is 256 bits from the operating system's generator; what is really used are keys derived from it, one
/// for each purpose. Whoever has the database but not the keyring learns no secret and forges no proof. Keep
/// it apart from the database's backups.
///
/// A ring is only what a host holds. Which of its keys is in use is for the store to say, where all hosts meet:
/// see [`TwoFactor::activate_key`](crate::TwoFactor::activate_key).
///
/// ```
/// use twofa::{KeyState, Keyring};
///
/// let mut keyring = Keyring::generate()?;
/// let second = keyring.add()?;
/// let restored = Keyring::from_text(&keyring.to_text())?;
/// assert_eq!(restored.active_id(), keyring.active_id());
/// assert_eq!(restored.state(second), Some(KeyState::Added));
/// # Ok::<(), twofa::KeyringError>(())
/// ```
pub struct Keyring {
    active: KeyId,
    keys: BTreeMap<KeyId, RingKey>,
}

/// A key as a ring holds it.
pub(crate) struct RingKey {
    pub(crate) state: KeyState,
    /// The root that every other key is derived from; for [`KeyState::Events`] the key of events alone.
    pub(crate) bytes: Zeroizing<[u8; 32]>,
}

impl Keyring {
    /// The most keys of a ring.
    pub const MAX_KEYS: usize = 1024;

    /// A ring of one fresh key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Random`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, KeyringError> {
        let id = random_id()?;
        let key = RingKey {
            state: KeyState::Active,
            bytes: random_key()?,
        };
        Ok(Self {
            active: id,
            keys: BTreeMap::from([(id, key)]),
        })
    }

    /// A ring of the application's own 32-byte keys, from wherever it keeps them. All but the active one are
    /// for reading.
    ///
    /// # Errors
    ///
    /// [`KeyringError::ActiveMissing`] when no key has the id `active`; [`KeyringError::DuplicateId`] when two
    /// have the same; [`KeyringError::WeakKey`] for a key that cannot have come from a generator: a pattern
    /// that repeats, or nothing but printable text; [`KeyringError::Full`] for more than
    /// [`Keyring::MAX_KEYS`].
    pub fn from_keys(
        active: KeyId,
        keys: impl IntoIterator<Item = (KeyId, Zeroizing<[u8; 32]>)>,
    ) -> Result<Self, KeyringError> {
        Self::of(keys.into_iter().map(|(id, bytes)| {
            let state = if id == active {
                KeyState::Active
            } else {
                KeyState::Reading
            };
            (id, RingKey { state, bytes })
        }))
        .map_err(|error| match error {
            KeyringError::NoActive => KeyringError::ActiveMissing { id: active },
            other => other,
        })
    }

    fn of(keys: impl IntoIterator<Item = (KeyId, RingKey)>) -> Result<Self, KeyringError> {
        let mut active = None;
        let mut ring = BTreeMap::new();
        for (id, key) in keys {
            if is_weak(&key.bytes) {
                return Err(KeyringError::WeakKey { id });
            }
            if key.state == KeyState::Active
                && let Some(first) = active.replace(id).filter(|first| *first != id)
            {
                return Err(KeyringError::TwoActive { first, second: id });
            }
            if ring.insert(id, key).is_some() {
                return Err(KeyringError::DuplicateId { id });
            }
            if ring.len() > Self::MAX_KEYS {
                return Err(KeyringError::Full);
            }
        }
        Ok(Self {
            active: active.ok_or(KeyringError::NoActive)?,
            keys: ring,
        })
    }

    /// Adds a fresh key under an id drawn at random, as [`KeyState::Added`]. Says the id.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Random`] when the operating system gives no randomness; [`KeyringError::Full`] when
    /// there are [`Keyring::MAX_KEYS`].
    pub fn add(&mut self) -> Result<KeyId, KeyringError> {
        if self.keys.len() >= Self::MAX_KEYS {
            return Err(KeyringError::Full);
        }
        let id = loop {
            let id = random_id()?;
            if !self.keys.contains_key(&id) {
                break id;
            }
        };
        let key = RingKey {
            state: KeyState::Added,
            bytes: random_key()?,
        };
        self.keys.insert(id, key);
        Ok(id)
    }

    /// Takes a key out of the ring. What still rests under it can no longer be read, and events under it no
    /// longer be verified: for a key that was added and never used.
    ///
    /// # Errors
    ///
    /// [`KeyringError::RetiresActive`] for the active key; [`KeyringError::Unknown`] for an id that is not in
    /// the ring.
    pub fn remove(&mut self, id: KeyId) -> Result<(), KeyringError> {
        if id == self.active {
            return Err(KeyringError::RetiresActive { id });
        }
        self.keys
            .remove(&id)
            .map(drop)
            .ok_or(KeyringError::Unknown { id })
    }

    /// The id of the key that this ring holds for active.
    pub fn active_id(&self) -> KeyId {
        self.active
    }

    /// The ids of all keys in the ring, ascending.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.keys.keys().copied()
    }

    /// The state that this ring holds a key for; `None` for one that it does not hold.
    pub fn state(&self, id: KeyId) -> Option<KeyState> {
        self.keys.get(&id).map(|key| key.state)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (KeyId, &RingKey)> {
        self.keys.iter().map(|(id, key)| (*id, key))
    }

    /// Holds a key for another state, and says whether that is news. A key goes to [`KeyState::Events`] only
    /// with the key of events that takes its root's place.
    pub(crate) fn set_state(&mut self, id: KeyId, state: KeyState, events: &[u8; 32]) -> bool {
        let Some(key) = self.keys.get_mut(&id).filter(|key| key.state != state) else {
            return false;
        };
        // What a root was erased from stays what it is.
        if key.state == KeyState::Events {
            return false;
        }
        if state == KeyState::Events {
            key.bytes = Zeroizing::new(*events);
        }
        if state == KeyState::Active {
            self.active = id;
        }
        key.state = state;
        true
    }
}

fn random_id() -> Result<KeyId, KeyringError> {
    let mut number = [0; 4];
    crate::random::fill(&mut number).map_err(|_| KeyringError::Random)?;
    Ok(KeyId::from_number(u32::from_be_bytes(number)))
}

fn random_key() -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let mut bytes = Zeroizing::new([0; 32]);
    crate::random::fill(bytes.as_mut_slice()).map_err(|_| KeyringError::Random)?;
    Ok(bytes)
}

/// What no generator gives: bytes that repeat within the key, or 32 printable ones (once in 10^13 draws).
fn is_weak(key: &[u8; 32]) -> bool {
    let repeats = |period: usize| key.iter().zip(key.iter().skip(period)).all(|(a, b)| a == b);
    (1..=16).any(repeats) || key.iter().all(|b| (b' '..=b'~').contains(b))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.ids().collect();
        f.debug_struct("Keyring")
            .field("active", &self.active)
            .field("ids", &ids)
            .finish_non_exhaustive()
    }
}
