//! [`KeyFile`]: the right to change a key file, which one process has at a time.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::replace::{self, Swap};
use super::{Keyring, KeyringError, failed, folder, in_place, open};

/// A key file that no other process changes while this value lives.
///
/// The lock is on the key file itself and keeps nobody from reading; it ends with this value or its process, and
/// leaves nothing behind. A link is followed: what is locked, and replaced, is the file that it leads to, so that
/// all names of a file share one lock.
///
/// A program that changes its keys reads them under the lock, and replaces them under the same lock:
///
/// ```
/// use twofa::{KeyFile, Keyring, KeyringError};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("twofa.key");
/// Keyring::generate()?.create_file(&path)?;
///
/// let mut file = KeyFile::lock(&path)?;
/// assert!(matches!(KeyFile::lock(&path), Err(KeyringError::Locked { .. })));
/// let mut keyring = file.read()?;
/// let new = keyring.add()?;
/// file.replace(&keyring)?;
/// drop(file);
///
/// assert!(Keyring::load_file(&path)?.state(new).is_some());
/// # Ok::<(), KeyringError>(())
/// ```
pub struct KeyFile {
    /// As it was named.
    path: PathBuf,
    /// Its name without links.
    target: PathBuf,
    /// Open and locked.
    file: File,
    /// Whether it is open for writing.
    writable: bool,
}

impl KeyFile {
    /// How often a file may be replaced between its opening and its locking.
    const TRIES: usize = 16;

    /// Locks a key file, and removes copies of it that a process left which was killed while it replaced the file.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Locked`] at once, when another program has the lock; and as for [`Keyring::load_file`],
    /// but for what the file holds.
    pub fn lock(path: &Path) -> Result<Self, KeyringError> {
        for _ in 0..Self::TRIES {
            let target = fs::canonicalize(path).map_err(|e| failed(path, e))?;
            let (file, writable) = open::to_change(path, &target)?;
            try_lock(&file).map_err(|e| match e.kind() {
                io::ErrorKind::WouldBlock => locked(path),
                _ => failed(path, e),
            })?;
            // Whoever had the lock may have put another file in its place, before it was given up.
            if is_at(&file, path).map_err(|e| failed(path, e))? {
                let locked = Self {
                    path: path.to_owned(),
                    target,
                    file,
                    writable,
                };
                locked.tidy();
                return Ok(locked);
            }
        }
        Err(locked(path))
    }

    /// Locks a key file as [`KeyFile::lock`] does, and waits at most that long for another program to end. The
    /// calling thread sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`KeyFile::lock`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use twofa::{KeyFile, Keyring, KeyringError};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("twofa.key");
    /// Keyring::generate()?.create_file(&path)?;
    /// let file = KeyFile::lock_within(&path, Duration::from_secs(5))?;
    /// let second = KeyFile::lock_within(&path, Duration::from_millis(50));
    /// assert!(matches!(second, Err(KeyringError::Locked { .. })));
    /// # Ok::<(), KeyringError>(())
    /// ```
    pub fn lock_within(path: &Path, wait: Duration) -> Result<Self, KeyringError> {
        const PAUSE: Duration = Duration::from_millis(20);
        let begun = Instant::now();
        loop {
            match Self::lock(path) {
                Err(KeyringError::Locked { .. }) if begun.elapsed() < wait => {
                    thread::sleep(PAUSE.min(wait.saturating_sub(begun.elapsed())));
                }
                done => return done,
            }
        }
    }

    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// As for [`Keyring::load_file`].
    pub fn read(&self) -> Result<Keyring, KeyringError> {
        Keyring::from_text(&open::text(&self.file, &self.path)?)
    }

    /// Puts this ring in the place of the one in the file, whole or not at all, durably. What was written is read
    /// again before this returns.
    ///
    /// A new file takes the old one's place, with its owner, group and mode: also where root replaces another user's.
    /// Until it has the place it has no name, but for the moment between two system calls in which it is `.NAME.new`
    /// (Linux; elsewhere while it is written). Where no file can take the place, because the key file is a mount of
    /// its own, has several names or lies in a folder that cannot be written, the file is written where it lies, in
    /// an order in which a kill at any moment leaves one of the two rings whole.
    ///
    /// # Errors
    ///
    /// The file then holds what it held before. [`KeyringError::TooManyKeys`] for a ring that would be longer than
    /// 128 KiB; [`KeyringError::ReadOnly`] on a read-only file system; [`KeyringError::File`] when it cannot be
    /// written, or was replaced in spite of the lock, as by `mv`.
    pub fn replace(&mut self, keyring: &Keyring) -> Result<(), KeyringError> {
        let text = keyring.file_text(&self.path)?;
        let failed = |e| failed(&self.path, e);
        if !is_at(&self.file, &self.path).map_err(failed)? {
            let e =
                "was replaced by another program meanwhile, so that nothing was written; try again";
            return Err(failed(io::Error::other(e)));
        }
        match replace::swap(&self.target, &self.file, text.as_bytes()).map_err(failed)? {
            Swap::Done(file) => {
                self.file = file;
                self.writable = true;
            }
            Swap::Cannot(why) => self.write_in_place(text.as_bytes(), &why)?,
        }
        let held = open::text(&self.file, &self.path)?;
        let there = is_at(&self.file, &self.path).map_err(|e| super::failed(&self.path, e))?;
        if *held != *text || !there {
            let e = "does not hold what was written to it";
            return Err(super::failed(&self.path, io::Error::other(e)));
        }
        Ok(())
    }

    fn write_in_place(&self, text: &[u8], why: &io::Error) -> Result<(), KeyringError> {
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::ReadOnlyFilesystem => KeyringError::ReadOnly {
                path: self.path.clone(),
            },
            io::ErrorKind::PermissionDenied => failed(
                &self.path,
                io::Error::new(
                    e.kind(),
                    format!(
                        "cannot be written ({e}), and no other file can take its place ({why}); nothing was changed"
                    ),
                ),
            ),
            _ => failed(&self.path, e),
        };
        let reopened;
        let file = if self.writable {
            &self.file
        } else {
            reopened = fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(&self.target)
                .map_err(failed)?;
            &reopened
        };
        let held = open::bytes(&self.file, &self.path)?;
        in_place::write(file, &held, text).map_err(failed)
    }

    /// Removes what a kill left. What cannot be removed is no reason to keep anybody from their keys.
    fn tidy(&self) {
        if let Ok((at, name)) = folder::split(&self.target) {
            folder::remove_copies(at, name);
        }
        if self.writable
            && let Ok(held) = open::bytes(&self.file, &self.path)
        {
            let _ = in_place::settle(&self.file, &held);
        }
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn locked(path: &Path) -> KeyringError {
    KeyringError::Locked {
        path: path.to_owned(),
    }
}

/// Locks an open file for this process alone, or fails with [`io::ErrorKind::WouldBlock`].
pub(super) fn try_lock(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::{FlockOperation, flock};
        flock(file, FlockOperation::NonBlockingLockExclusive)?;
    }
    // On Windows it is locked by how it was opened.
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Whether a name leads to this open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let (open, there) = (file.metadata()?, fs::metadata(path));
        match there {
            Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        Ok(true)
    }
}
