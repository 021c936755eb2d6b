use std::path::PathBuf;

use super::KeyId;

/// What is wrong with a keyring, its file, or what was to be opened with it. No message holds a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes; nothing was created, try again")]
    Random,
    /// The active id names no key.
    #[error("the keyring names key {id} as the active one but does not hold it")]
    ActiveMissing {
        /// The id.
        id: KeyId,
    },
    /// No key is the active one.
    #[error("the keyring names no key as the active one; one line must say: key ID active HEX")]
    NoActive,
    /// Two keys are the active one.
    #[error("the keyring names two keys as the active one, {first} and {second}; one alone may be")]
    TwoActive {
        /// The first.
        first: KeyId,
        /// The second.
        second: KeyId,
    },
    /// Two keys with one id.
    #[error("the keyring holds two keys with the id {id}; give each its own")]
    DuplicateId {
        /// The id.
        id: KeyId,
    },
    /// A key that no generator made.
    #[error(
        "key {id} is a pattern or a text, as of a buffer that was never filled or a passphrase; make it from random bytes"
    )]
    WeakKey {
        /// The id.
        id: KeyId,
    },
    /// The key in use cannot be taken away.
    #[error("key {id} is the active one; add another and activate that before this is retired")]
    RetiresActive {
        /// The id.
        id: KeyId,
    },
    /// Something rests under a key that the ring does not hold.
    #[error("the keyring has no key {id}, which this rests under; put that key back into the ring")]
    Unknown {
        /// The id.
        id: KeyId,
    },
    /// A key was retired, and something rests under it all the same: put there by another hand, or by a
    /// backup from before.
    #[error(
        "this rests under key {id}, which was retired; it comes from a backup of before that, or from another hand"
    )]
    Retired {
        /// The id.
        id: KeyId,
    },
    /// Something still rests under a key that was to be retired.
    #[error("{records} records rest under key {id}; run `twofa keys reseal` before it is retired")]
    InUse {
        /// The id.
        id: KeyId,
        /// How many.
        records: u64,
    },
    /// The store knows another key of that id, or does not know the key that the ring holds for active.
    #[error(
        "key {id} of this keyring is not the store's; use the keyring that belongs to this store"
    )]
    Mismatch {
        /// The id.
        id: KeyId,
    },
    /// Another host has added a key that this ring does not hold.
    #[error(
        "the store knows key {id}, which another host has added and this keyring does not hold; bring the keyring up to date"
    )]
    AddedElsewhere {
        /// The id.
        id: KeyId,
    },
    /// The store keeps no record of its keys: it was made by a version before it did.
    #[error(
        "the store keeps no record of its keys yet; run `twofa migrate` before they are changed"
    )]
    NotInstalled,
    /// No further key.
    #[error(
        "the keyring is full: it holds 1024 keys; retired ones that no event needs can be removed"
    )]
    Full,
    /// The text is no keyring.
    #[error("line {line} of the keyring cannot be read: {expected}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The environment variable is not set.
    #[error("the environment variable {name} with the keyring is not set, or is not text")]
    NotInEnvironment {
        /// Its name.
        name: String,
    },
    /// The file cannot be read or written.
    #[error("key file {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Everybody can read the file.
    #[error("key file {} can be read by others; allow only its owner: chmod 600", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

impl KeyringError {
    /// A stable code, for programs: `key-missing`, `keyring-mismatch`, `record-unreadable` for what rests under a
    /// key that was retired, else `keyring`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::AddedElsewhere { .. } => "key-missing",
            Self::Mismatch { .. } => "keyring-mismatch",
            Self::Retired { .. } => "record-unreadable",
            Self::NotInstalled => "store-older",
            _ => "keyring",
        }
    }
}
