//! The installation's record: which store this is, and which keys it rests under. Every host reads it, and a
//! change of it is a compare-and-set like any other, so that two hosts never make two active keys.

use std::fmt;

use twofa_lifecycle::ChainHead;
use twofa_types::UnixTime;

use crate::error::RestError;
use crate::keyring::{KeyId, KeyState};

/// Which store it is: 128 random bits, drawn when it was made. Keys are bound to it, so that what another store
/// made under the same keyring opens nothing here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId([u8; 16]);

impl StoreId {
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 32];
        f.write_str(base16ct::lower::encode_str(&self.0, &mut hex).unwrap_or_default())
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// People sign in to it.
    #[default]
    Production,
    /// It rehearses: commands may write to it at any time that they name.
    Rehearsal,
}

/// How many bytes of a key's check value are kept.
const CHECK: usize = 16;
/// The format of the record.
const FORMAT: u8 = 1;

/// A key as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: KeyId,
    pub(crate) state: KeyState,
    /// Since when it is in that state.
    pub(crate) since: UnixTime,
    /// Whether what is derived from it is bound to this store; not so for keys from before stores had an id.
    pub(crate) bound: bool,
    /// What tells another key of the same id.
    pub(crate) check: [u8; CHECK],
}

/// The record, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) store: StoreId,
    pub(crate) purpose: Purpose,
    pub(crate) made: UnixTime,
    pub(crate) keys: Vec<Entry>,
    /// The keys of proofs, sealed.
    pub(crate) proofs: Vec<u8>,
    pub(crate) chain: ChainHead,
}

impl Installation {
    pub(crate) fn entry(&self, id: KeyId) -> Option<&Entry> {
        self.keys.iter().find(|entry| entry.id == id)
    }

    pub(crate) fn entry_mut(&mut self, id: KeyId) -> Option<&mut Entry> {
        self.keys.iter_mut().find(|entry| entry.id == id)
    }

    pub(crate) fn active(&self) -> Option<KeyId> {
        let active = self.keys.iter().find(|e| e.state == KeyState::Active);
        active.map(|entry| entry.id)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        out.extend_from_slice(self.store.as_bytes());
        out.push(u8::from(self.purpose == Purpose::Rehearsal));
        out.extend_from_slice(&self.made.as_secs().to_be_bytes());
        out.extend_from_slice(&self.chain.seq.to_be_bytes());
        out.extend_from_slice(&self.chain.mac);
        out.extend_from_slice(&u16_of(self.keys.len()).to_be_bytes());
        for entry in &self.keys {
            out.extend_from_slice(&entry.id.number().to_be_bytes());
            out.push(match entry.state {
                KeyState::Added => 1,
                KeyState::Active => 2,
                KeyState::Reading => 3,
                KeyState::Events => 4,
            });
            out.extend_from_slice(&entry.since.as_secs().to_be_bytes());
            out.push(u8::from(entry.bound));
            out.extend_from_slice(&entry.check);
        }
        out.extend_from_slice(&u16_of(self.proofs.len()).to_be_bytes());
        out.extend_from_slice(&self.proofs);
        out
    }

    /// # Errors
    ///
    /// [`RestError::Newer`] for a format that this version does not know; [`RestError::Altered`] for what is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RestError> {
        let mut rest = Reader(bytes);
        match rest.byte()? {
            FORMAT => {}
            0 => return Err(RestError::Altered),
            _ => return Err(RestError::Newer),
        }
        let store = StoreId(rest.array()?);
        let purpose = if rest.flag()? {
            Purpose::Rehearsal
        } else {
            Purpose::Production
        };
        let made = rest.time()?;
        let chain = ChainHead {
            seq: u64::from_be_bytes(rest.array()?),
            mac: rest.array()?,
        };
        let count = u16::from_be_bytes(rest.array()?);
        let mut keys = Vec::with_capacity(usize::from(count).min(crate::Keyring::MAX_KEYS));
        for _ in 0..count {
            keys.push(Entry {
                id: KeyId::from_number(u32::from_be_bytes(rest.array()?)),
                state: match rest.byte()? {
                    1 => KeyState::Added,
                    2 => KeyState::Active,
                    3 => KeyState::Reading,
                    4 => KeyState::Events,
                    _ => return Err(RestError::Altered),
                },
                since: rest.time()?,
                bound: rest.flag()?,
                check: rest.array()?,
            });
        }
        let sealed = u16::from_be_bytes(rest.array()?);
        let proofs = rest.take(usize::from(sealed))?.to_vec();
        if !rest.0.is_empty() {
            return Err(RestError::Altered);
        }
        Ok(Self {
            store,
            purpose,
            made,
            keys,
            proofs,
            chain,
        })
    }
}

/// Keys are counted up to [`Keyring::MAX_KEYS`](crate::Keyring::MAX_KEYS), and their proofs' keys are fewer.
fn u16_of(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], RestError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(RestError::Altered)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RestError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(RestError::Altered)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, RestError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Result<bool, RestError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RestError::Altered),
        }
    }

    fn time(&mut self) -> Result<UnixTime, RestError> {
        self.array()
            .map(|secs| UnixTime::from_secs(u64::from_be_bytes(secs)))
    }
}
