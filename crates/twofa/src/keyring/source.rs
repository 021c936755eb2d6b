use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Keyring, KeyringError};

type Read = dyn Fn() -> Result<Arc<Keyring>, KeyringError> + Send + Sync;

/// Where a keyring comes from, and can be read again: so that a service that meets a key of a rotation beside
/// it goes on, and nobody sees the rotation.
///
/// It is read when a service is built, when the store says that its keys have changed, and when something
/// rests under a key that is not in the ring; then at most every two seconds. Reading may block for as long as
/// reading a small file does; an application whose keys come over a network keeps the text and answers with it.
///
/// ```
/// use twofa::{KeySource, Keyring};
///
/// # let mut latest = Keyring::generate()?;
/// # let text = latest.to_text();
/// # let secret_manager = move || text.clone();
/// let source = KeySource::closure(move || Keyring::from_text(&secret_manager()));
/// assert_eq!(source.read()?.active_id(), latest.active_id());
/// # Ok::<(), twofa::KeyringError>(())
/// ```
#[derive(Clone)]
pub struct KeySource(Arc<Read>);

impl KeySource {
    /// A key file: see [`Keyring::load_file`].
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::closure(move || Keyring::load_file(&path))
    }

    /// An environment variable that holds the text of [`Keyring::to_text`]: see [`Keyring::from_env`]. It stays
    /// what it was when the process began.
    pub fn environment(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::closure(move || Keyring::from_env(&name))
    }

    /// Whatever the application reads its keys with.
    pub fn closure(
        read: impl Fn() -> Result<Keyring, KeyringError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move || read().map(Arc::new)))
    }

    /// Reads the ring as it stands now.
    ///
    /// # Errors
    ///
    /// Whatever the file, the variable or the closure answers.
    pub fn read(&self) -> Result<Arc<Keyring>, KeyringError> {
        (self.0)()
    }
}

/// A ring that never changes.
impl From<Keyring> for KeySource {
    fn from(keyring: Keyring) -> Self {
        let keyring = Arc::new(keyring);
        Self(Arc::new(move || Ok(Arc::clone(&keyring))))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource(..)")
    }
}
