//! Writers of different processes stand in line: SQLite alone lets them poll, and somebody always loses.
//!
//! They stand at the *log* beside the file (`line.rs`). Never at the file itself nor at its `-shm`: closing a file
//! gives back the locks that a process holds on it, SQLite's own included (sqlite.org/howtocorrupt.html, 2.2), and
//! SQLite locks those two, never the log. Nor at the folder, which strangers may lock as well: whoever may write
//! the log may write the store anyway. Where there is no log, SQLite's own lock holds as ever, and it holds for
//! whoever does not know of the line.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::line::{self, Stands};
use super::open::log_of;
use crate::Error;

/// A log that has grown to this is one that somebody may keep from being written back, in bytes.
pub(super) const LONG_LOG: u64 = 64 * 1024 * 1024;

/// How often it is looked whether the file is still the one that was opened, and how long its log is.
const LOOK: Duration = Duration::from_secs(1);

/// How often a log that is held open is told of.
const TELL: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Queue {
    path: PathBuf,
    log: PathBuf,
    file: Option<Identity>,
    busy: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    looked: Option<Instant>,
    told: Option<Instant>,
    held: Option<u64>,
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

#[cfg(unix)]
fn identity(meta: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity(meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {
    Identity(0, 0)
}

fn identity_at(path: &Path) -> Option<Identity> {
    Some(identity(&fs::metadata(path).ok()?))
}

/// A place at the head of the line, until it is dropped, which closes the file and gives the lock back.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "it is held, not read")] Option<File>);

impl Queue {
    pub(super) fn at(path: &Path, busy: Duration) -> Self {
        Self {
            path: path.into(),
            log: log_of(path),
            file: identity_at(path),
            busy,
            state: Mutex::new(State {
                looked: Some(Instant::now()),
                told: None,
                held: None,
            }),
        }
    }

    /// Waits for a place at the head of the line, at most as long as a writer waits for another.
    pub(super) async fn place(&self) -> Result<Place, Error> {
        let late = || Err(Error::Busy(sqlx::Error::PoolTimedOut));
        let end = Instant::now() + self.busy;
        loop {
            // Locked for writing, which asks for a file that is open for writing.
            let Ok(log) = File::options().read(true).write(true).open(&self.log) else {
                return Ok(Place(None));
            };
            let locked = match line::enter(&log, false) {
                Ok(Stands::First) => log,
                Ok(stands) => {
                    let left = end.saturating_duration_since(Instant::now());
                    match tokio::time::timeout(left, wait(log, stands)).await {
                        Ok(Ok(log)) => log,
                        Ok(Err(_)) => return Ok(Place(None)),
                        Err(_) => return late(),
                    }
                }
                // A file system without locks.
                Err(_) => return Ok(Place(None)),
            };
            // Whoever closed the file last took the log away, and the next one made another.
            let ours = locked.metadata().ok().map(|meta| identity(&meta));
            if ours == identity_at(&self.log) {
                return Ok(Place(Some(locked)));
            }
            if Instant::now() >= end {
                return late();
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now and then: whether the file is still there, and whether its log has grown so long that it must be
    /// asked why.
    pub(super) fn look(&self) -> Result<bool, Error> {
        let mut state = self.state();
        if state.looked.is_some_and(|then| then.elapsed() < LOOK) {
            return Ok(false);
        }
        // Looked at again at the next write, so that it is not taken for mended.
        state.looked = None;
        if identity_at(&self.path) != self.file {
            return Err(Error::Gone {
                path: self.path.clone(),
            });
        }
        state.looked = Some(Instant::now());
        let long = self.log_bytes() > LONG_LOG;
        if !long {
            state.held = None;
        }
        Ok(long)
    }

    fn log_bytes(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |meta| meta.len())
    }

    /// Keeps whether somebody holds the log open, and tells of it now and then.
    pub(super) fn log_is_held(&self, held: bool) {
        let bytes = self.log_bytes();
        let mut state = self.state();
        state.held = held.then_some(bytes);
        if !held || state.told.is_some_and(|then| then.elapsed() < TELL) {
            return;
        }
        state.told = Some(Instant::now());
        drop(state);
        tracing::warn!(
            bytes,
            path = %self.path.display(),
            "the log beside the store grows and cannot be written back: a program holds a reading transaction open; end it"
        );
    }

    /// How long the log is, where somebody holds it open.
    pub(super) fn held_log(&self) -> Option<u64> {
        self.state().held
    }
}

/// Waits on a thread of its own, which nothing waits for at the end: it may stand in line longer than its caller,
/// and gives the place back then.
async fn wait(log: File, stands: Stands) -> io::Result<File> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("twofa-writer".into())
        .spawn(move || {
            let stands = match stands {
                Stands::Nowhere => line::enter(&log, true),
                found => Ok(found),
            };
            let first = stands.and_then(|stands| match stands {
                Stands::At(place) => line::wait(&log, place),
                _ => Ok(()),
            });
            let _ = tell.send(first.map(|()| log));
        })?;
    told.await
        .unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
}
