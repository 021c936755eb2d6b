use std::path::PathBuf;

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
        id: u32,
    },
    /// Two keys with one id.
    #[error("the keyring holds two keys with the id {id}; give each its own")]
    DuplicateId {
        /// The id.
        id: u32,
    },
    /// A key of one repeated byte.
    #[error(
        "key {id} is one byte repeated, as of a buffer that was never filled; make it from random bytes"
    )]
    WeakKey {
        /// The id.
        id: u32,
    },
    /// The key in use cannot be taken away.
    #[error("key {id} is the active one; add a new one before retiring it")]
    RetiresActive {
        /// The id.
        id: u32,
    },
    /// Something rests under a key that the ring does not hold.
    #[error("the keyring has no key {id}, which this rests under; put that key back into the ring")]
    Unknown {
        /// The id.
        id: u32,
    },
    /// No further id.
    #[error("the keyring has no id left for a new key; begin a new keyring")]
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
