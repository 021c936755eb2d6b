//! A line of processes at one open file, where the system has one lock for all and no better: whoever waits is
//! woken, and others may come first. On systems whose locks keep readers out there is none.

use std::fs::{File, TryLockError};
use std::io;

/// Where somebody came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    First,
    #[expect(dead_code, reason = "as where there are places")]
    At(i64),
    /// Behind others.
    Nowhere,
}

pub(super) fn enter(file: &File, patient: bool) -> io::Result<Stands> {
    if !cfg!(unix) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    if patient {
        return file.lock().map(|()| Stands::First);
    }
    match file.try_lock() {
        Ok(()) => Ok(Stands::First),
        Err(TryLockError::WouldBlock) => Ok(Stands::Nowhere),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as where there are places")]
pub(super) fn wait(_: &File, _: i64) -> io::Result<()> {
    Ok(())
}
