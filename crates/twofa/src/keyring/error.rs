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
    /// Others than its owner can read or write the file.
    #[error(
        "key file {0} can be read or written by others; allow only its owner: chmod 600 {0} (a group may read \
         it, mode 0640 or 0440, where root owns it and this process is in that group)",
        path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// What has that name is no file.
    #[error("key file {} is {kind}, not a file; name the file that holds the keys", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is, with its article: "a folder".
        kind: &'static str,
    },
    /// The file holds nothing.
    #[error(
        "key file {} is empty; put back the file with the keys, from where you keep a copy of it",
        path.display()
    )]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// The file is longer than 128 KiB.
    #[error("key file {} is longer than 128 KiB, which no keyring is; name the right file", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// The ring would be longer than 128 KiB.
    #[error(
        "{keys} keys are more than key file {} may hold (128 KiB), so that nothing was written; retire keys first",
        path.display()
    )]
    TooManyKeys {
        /// Which file.
        path: PathBuf,
        /// How many keys were to be written.
        keys: usize,
    },
    /// Somebody else may have put the file there.
    #[error(
        "key file {0} belongs to another user (number {owner}), who may have planted it; if its keys are yours: \
         chown it to the user who runs this, or to root",
        path.display()
    )]
    ForeignOwner {
        /// Which file.
        path: PathBuf,
        /// The number of the user who owns it.
        owner: u32,
    },
    /// Another program holds the lock of a [`KeyFile`](crate::KeyFile).
    #[error("another program is changing key file {}; wait for it to end", path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The file cannot be changed where it lies.
    #[error(
        "key file {} lies on a read-only file system; nothing was changed: change it where that is filled from",
        path.display()
    )]
    ReadOnly {
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
            Self::Locked { .. } => "contended",
            _ => "keyring",
        }
    }
}
