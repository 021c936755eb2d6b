//! Writers of different processes stand in line: SQLite alone lets them poll, and somebody always loses.
//!
//! The line is an advisory lock on the *folder* of the file, which the operating system gives to those who wait.
//! Never on the file itself: closing a file gives back every lock that a process holds on it, SQLite's own
//! included (sqlite.org/howtocorrupt.html, 2.2). Where a folder cannot be locked, SQLite's lock holds as ever.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::open::log_of;
use crate::Error;

/// A log that has grown to this is one that somebody keeps from being written back.
const LONG_LOG: u64 = 64 * 1024 * 1024;

/// How often it is looked whether the file is still the one that was opened, and how long its log is.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Queue {
    path: PathBuf,
    file: Option<Identity>,
    folder: Option<Arc<File>>,
    busy: Duration,
    looked: Mutex<Option<Instant>>,
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::metadata(path).ok()?;
    Some(Identity(meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some(Identity(0, 0))
}

/// A place at the head of the line, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Option<Arc<File>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // It is given back when the folder is closed at the latest.
            let _ = folder.unlock();
        }
    }
}

impl Queue {
    pub(super) fn at(path: &Path, busy: Duration) -> Self {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).ok();
        Self {
            path: path.into(),
            file: identity(path),
            folder: folder.map(Arc::new),
            busy,
            looked: Mutex::new(Some(Instant::now())),
        }
    }

    /// Waits for a place at the head of the line, at most as long as a writer waits for another.
    pub(super) async fn place(&self) -> Result<Place, Error> {
        self.look()?;
        let Some(folder) = &self.folder else {
            return Ok(Place(None));
        };
        match folder.try_lock() {
            Ok(()) => return Ok(Place(Some(Arc::clone(folder)))),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return Ok(Place(None)),
        }
        let (tell, told) = tokio::sync::oneshot::channel();
        let waiting = Arc::clone(folder);
        // A thread of its own, which nothing waits for at the end: it may stand in line longer than its caller.
        let started = std::thread::Builder::new().spawn(move || {
            let locked = waiting.lock();
            let place = Place(locked.is_ok().then_some(waiting));
            // A caller who has gone gives the place back here.
            let _ = tell.send(place);
        });
        if started.is_err() {
            return Ok(Place(None));
        }
        match tokio::time::timeout(self.busy, told).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Ok(Place(None)),
            Err(_) => Err(Error::Busy(sqlx::Error::PoolTimedOut)),
        }
    }

    /// Now and then: whether the file is still there, and whether its log is written back.
    fn look(&self) -> Result<(), Error> {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.is_some_and(|then| then.elapsed() < LOOK) {
                return Ok(());
            }
            *looked = Some(Instant::now());
        }
        if identity(&self.path) != self.file {
            // Looked at again at the next write, so that it is not taken for mended.
            *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Err(Error::Gone {
                path: self.path.clone(),
            });
        }
        if let Some(bytes) = self.held_log() {
            tracing::warn!(
                bytes,
                path = %self.path.display(),
                "the log beside the store is not written back: a reader holds it open"
            );
        }
        Ok(())
    }

    /// How long the log is, where it is so long that somebody must be holding it open.
    pub(super) fn held_log(&self) -> Option<u64> {
        let meta = fs::metadata(log_of(&self.path)).ok()?;
        Some(meta.len()).filter(|bytes| *bytes > LONG_LOG)
    }
}
