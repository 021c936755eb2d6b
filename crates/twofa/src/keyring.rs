//! The keys that secrets rest under: [`Keyring`].

mod error;
mod file;

pub use error::KeyringError;

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// HMAC-SHA-256, for deriving keys and for everything that must not be altered.
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// One active key, which everything new is sealed under, and older ones, kept for reading until everything
/// is resealed.
///
/// A key is 256 bits from the operating system's generator; what is really used are keys derived from it, one
/// for each purpose. Whoever has the database but not the keyring learns no secret and forges no proof. Keep
/// it apart from the database's backups.
///
/// ```
/// use twofa::Keyring;
///
/// let keyring = Keyring::generate()?;
/// let restored = Keyring::from_text(&keyring.to_text())?;
/// assert_eq!(restored.active_id(), 1);
/// assert_eq!(format!("{restored:?}"), "Keyring { active: 1, ids: [1], .. }");
/// # Ok::<(), twofa::KeyringError>(())
/// ```
pub struct Keyring {
    active: u32,
    keys: BTreeMap<u32, KeySet>,
}

/// A key of the ring and the keys derived from it.
pub(crate) struct KeySet {
    root: Zeroizing<[u8; 32]>,
    /// Seals secrets.
    pub(crate) secrets: Zeroizing<[u8; 32]>,
    /// Seals proofs.
    pub(crate) proofs: Zeroizing<[u8; 32]>,
    /// Authenticates records.
    pub(crate) records: Zeroizing<[u8; 32]>,
    /// Authenticates events.
    pub(crate) events: Zeroizing<[u8; 32]>,
}

impl KeySet {
    fn new(root: Zeroizing<[u8; 32]>) -> Self {
        let derive = |purpose: &str| {
            let mut mac = mac_with(&root);
            mac.update(b"twofa/1/");
            mac.update(purpose.as_bytes());
            Zeroizing::new(mac.finalize().into_bytes().into())
        };
        Self {
            secrets: derive("secrets"),
            proofs: derive("proofs"),
            records: derive("records"),
            events: derive("events"),
            root,
        }
    }
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

impl Keyring {
    /// A ring of one fresh key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Random`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, KeyringError> {
        let mut ring = Self {
            active: 0,
            keys: BTreeMap::new(),
        };
        ring.add_active()?;
        Ok(ring)
    }

    /// A ring of the application's own 32-byte keys, from wherever it keeps them.
    ///
    /// # Errors
    ///
    /// [`KeyringError::ActiveMissing`] when no key has the id `active`; [`KeyringError::DuplicateId`] when two
    /// have the same; [`KeyringError::WeakKey`] for a key whose bytes are all equal, as of a buffer that was
    /// never filled.
    pub fn from_keys(
        active: u32,
        keys: impl IntoIterator<Item = (u32, Zeroizing<[u8; 32]>)>,
    ) -> Result<Self, KeyringError> {
        let mut ring = Self {
            active,
            keys: BTreeMap::new(),
        };
        for (id, key) in keys {
            if key.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
                return Err(KeyringError::WeakKey { id });
            }
            if ring.keys.insert(id, KeySet::new(key)).is_some() {
                return Err(KeyringError::DuplicateId { id });
            }
        }
        if ring.keys.contains_key(&active) {
            Ok(ring)
        } else {
            Err(KeyringError::ActiveMissing { id: active })
        }
    }

    /// Adds a fresh key under the next free id and makes it the active one. Says the id.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Random`] when the operating system gives no randomness; [`KeyringError::Full`] when the
    /// ids are used up.
    pub fn add_active(&mut self) -> Result<u32, KeyringError> {
        let last = self.keys.last_key_value().map_or(0, |(id, _)| *id);
        let id = last.checked_add(1).ok_or(KeyringError::Full)?;
        let mut root = Zeroizing::new([0; 32]);
        crate::random::fill(root.as_mut_slice()).map_err(|_| KeyringError::Random)?;
        self.keys.insert(id, KeySet::new(root));
        self.active = id;
        Ok(id)
    }

    /// Takes a key out of the ring. What still rests under it can no longer be read.
    ///
    /// # Errors
    ///
    /// [`KeyringError::RetiresActive`] for the active key; [`KeyringError::Unknown`] for an id that is not in
    /// the ring.
    pub fn retire(&mut self, id: u32) -> Result<(), KeyringError> {
        if id == self.active {
            return Err(KeyringError::RetiresActive { id });
        }
        self.keys
            .remove(&id)
            .map(drop)
            .ok_or(KeyringError::Unknown { id })
    }

    /// The id of the key that everything new is sealed under.
    pub fn active_id(&self) -> u32 {
        self.active
    }

    /// The ids of all keys in the ring, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.keys.keys().copied()
    }

    /// The key of that id, or the error that names what is missing.
    pub(crate) fn key(&self, id: u32) -> Result<&KeySet, KeyringError> {
        self.keys.get(&id).ok_or(KeyringError::Unknown { id })
    }

    /// The active key and its id.
    pub(crate) fn active(&self) -> Result<(u32, &KeySet), KeyringError> {
        self.key(self.active).map(|key| (self.active, key))
    }
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
