//! The keyring in a file: who may have put it there, how it is read, made and changed.

mod folder;
mod in_place;
mod key_file;
mod open;
mod replace;
#[cfg(unix)]
mod rights;

pub use key_file::KeyFile;

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::{Keyring, KeyringError};

/// Longer than any ring of a thousand keys; a file past that is some other file.
const MAX_FILE_BYTES: usize = 128 * 1024;

/// Key files; what changes one is [`KeyFile`].
impl Keyring {
    /// Reads a keyring from a file. A link is followed.
    ///
    /// A copy that a killed rotation left beside it goes, where this process may remove it.
    ///
    /// At most 128 KiB are read, and of a file only: a FIFO does not hang. A pipe is read where the path says that
    /// it was handed to this process: under `/dev/fd/` or `/proc/self/fd/`, as the shell's `<(...)` is.
    ///
    /// On Unix, the file must be kept from others:
    ///
    /// | owner | mode | |
    /// |---|---|---|
    /// | this process's user, or root | 0600, 0400 | read |
    /// | root | 0640, 0440, and the file's group is one of the process's | read: so clusters mount secrets |
    /// | root | 0440 for the sake of an access control list that lets this user alone read (Linux) | read: so systemd hands out credentials |
    /// | another user, and this process is root | 0600, 0400 | read where only that user or root can write the folders that hold the file and the link to it |
    /// | another user | | [`KeyringError::ForeignOwner`] |
    /// | any | anything else for group or others | [`KeyringError::Exposed`] |
    ///
    /// # Errors
    ///
    /// [`KeyringError::File`] when it cannot be read, with [`io::ErrorKind::NotFound`] where no file is there or a
    /// link leads nowhere; [`KeyringError::NotAFile`], [`KeyringError::Empty`], [`KeyringError::TooLong`];
    /// [`KeyringError::Exposed`] and [`KeyringError::ForeignOwner`] as above; and as for [`Keyring::from_text`].
    ///
    /// ```
    /// use twofa::{Keyring, KeyringError};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("twofa.key");
    /// let missing = Keyring::load_file(&path);
    /// assert!(matches!(missing, Err(KeyringError::File { .. })));
    ///
    /// let keyring = Keyring::generate()?;
    /// keyring.create_file(&path)?;
    /// assert_eq!(Keyring::load_file(&path)?.active_id(), keyring.active_id());
    /// # Ok::<(), KeyringError>(())
    /// ```
    pub fn load_file(path: &Path) -> Result<Self, KeyringError> {
        let file = open::to_read(path)?;
        let ring = Self::from_text(&open::text(&file, path)?);
        if folder::has_copy(path) {
            // Left by a kill, or about to take the place: whoever has the lock knows. The lock removes it.
            drop(KeyFile::lock(path));
        }
        ring
    }

    /// Writes the keyring to a new file that only its owner can read (mode 0600). The file has its name whole or
    /// not at all, and is durable when this returns.
    ///
    /// # Errors
    ///
    /// [`KeyringError::File`], with [`io::ErrorKind::AlreadyExists`] where anything has that name already, be it a
    /// link that leads nowhere: it stays as it is. [`KeyringError::TooManyKeys`] for more than a file may hold.
    ///
    /// ```
    /// use twofa::{Keyring, KeyringError};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("twofa.key");
    /// Keyring::generate()?.create_file(&path)?;
    /// let again = Keyring::generate()?.create_file(&path);
    /// assert!(matches!(again, Err(KeyringError::File { .. })));
    /// # Ok::<(), KeyringError>(())
    /// ```
    pub fn create_file(&self, path: &Path) -> Result<(), KeyringError> {
        let text = self.file_text(path)?;
        replace::create(path, text.as_bytes()).map_err(|e| failed(path, e))
    }

    /// The text for a file, if a file may be that long.
    fn file_text(&self, path: &Path) -> Result<Zeroizing<String>, KeyringError> {
        let text = self.to_text();
        if text.len() > MAX_FILE_BYTES {
            return Err(KeyringError::TooManyKeys {
                path: path.to_owned(),
                keys: self.keys.len(),
            });
        }
        Ok(text)
    }
}

/// What the operating system says of a file, with its name.
fn failed(path: &Path, source: io::Error) -> KeyringError {
    KeyringError::File {
        path: path.to_owned(),
        source,
    }
}
