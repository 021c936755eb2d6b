//! The keyring as text: one line a key. The first line says the format, so that a later one is told apart.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Keyring, KeyringError};

const HEADER: &str = "twofa-keyring 1";
/// Longer than any ring of a thousand keys; a file past that is some other file.
const MAX_FILE_BYTES: u64 = 128 * 1024;

impl Keyring {
    /// Reads the text that [`Keyring::to_text`] writes.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Malformed`] names the line and what should stand there; and as for
    /// [`Keyring::from_keys`].
    pub fn from_text(text: &str) -> Result<Self, KeyringError> {
        let malformed = |line, expected| KeyringError::Malformed { line, expected };
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.trim()));
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(malformed(1, "a keyring begins with \"twofa-keyring 1\""));
        }
        let mut active = None;
        let mut keys = Vec::new();
        for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_ascii_whitespace();
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("active"), Some(_), None, None) if active.is_some() => {
                    return Err(malformed(at, "only one line \"active N\""));
                }
                (Some("active"), Some(id), None, None) => {
                    active = Some(
                        id.parse()
                            .map_err(|_| malformed(at, "active, and a key's number"))?,
                    );
                }
                (Some("key"), Some(id), Some(hex), None) => {
                    let id = id
                        .parse()
                        .map_err(|_| malformed(at, "key, and its number"))?;
                    let mut key = Zeroizing::new([0; 32]);
                    base16ct::mixed::decode(hex, key.as_mut_slice())
                        .ok()
                        .filter(|decoded| decoded.len() == 32)
                        .ok_or(malformed(at, "a key is 64 hexadecimal digits"))?;
                    keys.push((id, key));
                }
                _ => return Err(malformed(at, "either \"active N\" or \"key N HEX\"")),
            }
        }
        let active = active.ok_or(malformed(
            text.lines().count(),
            "a line \"active N\" is missing",
        ))?;
        Self::from_keys(active, keys)
    }

    /// The keyring as text. It holds the keys themselves: for a file that only its owner can read, or for a
    /// secret manager.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64 + 96 * self.keys.len()));
        let mut hex = Zeroizing::new([0; 64]);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{HEADER}\nactive {}", self.active);
        for (id, key) in &self.keys {
            let hex = base16ct::lower::encode_str(key.root.as_slice(), hex.as_mut_slice());
            let _ = writeln!(text, "key {id} {}", hex.unwrap_or_default());
        }
        text
    }

    /// Reads a keyring from an environment variable that holds the text of [`Keyring::to_text`].
    ///
    /// # Errors
    ///
    /// [`KeyringError::NotInEnvironment`]; and as for [`Keyring::from_text`].
    pub fn from_env(name: &str) -> Result<Self, KeyringError> {
        let text = std::env::var(name).map_err(|_| KeyringError::NotInEnvironment {
            name: name.to_owned(),
        })?;
        Self::from_text(&Zeroizing::new(text))
    }

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
