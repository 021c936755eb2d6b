//! The keyring in a file.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Keyring, KeyringError};

/// Longer than any ring of a thousand keys; a file past that is some other file.
const MAX_FILE_BYTES: u64 = 128 * 1024;

impl Keyring {
    /// Reads a keyring from a file.
    ///
    /// # Errors
    ///
    /// [`KeyringError::File`] when it cannot be read; on Unix, [`KeyringError::Exposed`] when anyone but its
    /// owner can; and as for [`Keyring::from_text`].
    pub fn load_file(path: &Path) -> Result<Self, KeyringError> {
        let failed = |source| KeyringError::File {
            path: path.to_owned(),
            source,
        };
        let meta = fs::metadata(path).map_err(failed)?;
        if meta.is_dir() {
            return Err(failed(io::Error::new(
                io::ErrorKind::IsADirectory,
                "is a folder",
            )));
        }
        if meta.len() > MAX_FILE_BYTES {
            return Err(failed(io::Error::other("is too long to be a keyring")));
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o077 != 0 {
            return Err(KeyringError::Exposed {
                path: path.to_owned(),
            });
        }
        Self::from_text(&Zeroizing::new(fs::read_to_string(path).map_err(failed)?))
    }

    /// Writes the keyring to a new file that only its owner can read (mode 0600).
    ///
    /// # Errors
    ///
    /// [`KeyringError::File`]; a file that exists already is an error and stays as it is.
    pub fn create_file(&self, path: &Path) -> Result<(), KeyringError> {
        let failed = |source| KeyringError::File {
            path: path.to_owned(),
            source,
        };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        file.write_all(self.to_text().as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        sync_folder_of(path).map_err(failed)
    }

    /// Replaces the keyring in a file, whole or not at all: a new file beside it takes its place.
    ///
    /// # Errors
    ///
    /// [`KeyringError::File`]; the file then holds what it held before.
    pub fn replace_file(&self, path: &Path) -> Result<(), KeyringError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".new-{}", std::process::id()));
        let beside = Path::new(&beside);
        // One may be left of a process that was killed, and process numbers come again, in containers at once.
        let _ = fs::remove_file(beside);
        self.create_file(beside)?;
        fs::rename(beside, path)
            .and_then(|()| sync_folder_of(path))
            .map_err(|source| KeyringError::File {
                path: path.to_owned(),
                source,
            })
    }
}

/// Makes a file's name durable, where folders can be synchronised.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
