//! A line of processes at one open file, first come first served, of locks that the operating system takes back
//! from whoever ends.
//!
//! One lock for all would not do: the system wakes whoever waits for it and lets others take it meanwhile, so
//! that on a busy machine somebody always loses. Here each locks a byte of its own behind the last one that is
//! locked, and waits for the one before. Nothing is read or written, and the bytes need not be there. The locks
//! belong to the open file (`F_OFD_SETLK` in fcntl(2)): closing it leaves the line, and other files of the process
//! have no part in it.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Where somebody came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    First,
    /// At this byte, behind others: [`wait`].
    At(i64),
    /// Somebody else is just finding a place.
    Nowhere,
}

/// Held for as long as a place takes to be found.
const DOOR: i64 = 0;

/// Where the line begins.
const HEAD: i64 = 1;

/// Finds a place behind all others. `patient` waits for whoever is finding one at this moment.
pub(super) fn enter(file: &File, patient: bool) -> io::Result<Stands> {
    let door = lock(libc::F_WRLCK, DOOR, 1);
    match set(file, &door, patient) {
        Err(Errno::EAGAIN | Errno::EACCES) => return Ok(Stands::Nowhere),
        other => other?,
    }
    let place = last(file, i64::MAX)?.map_or(HEAD, |last| last.saturating_add(1));
    set(file, &lock(libc::F_WRLCK, place, 1), false)?;
    set(file, &lock(libc::F_UNLCK, DOOR, 1), false)?;
    Ok(if place == HEAD {
        Stands::First
    } else {
        Stands::At(place)
    })
}

/// Waits until nobody is before `place`.
pub(super) fn wait(file: &File, place: i64) -> io::Result<()> {
    // Those between may leave before those at the head do.
    while let Some(before) = last(file, place)? {
        set(file, &lock(libc::F_RDLCK, before, 1), true)?;
    }
    Ok(())
}

/// The last place below `end` at which somebody else stands.
fn last(file: &File, end: i64) -> io::Result<Option<i64>> {
    let (mut from, mut found) = (HEAD, None);
    while from < end {
        let mut asked = lock(libc::F_RDLCK, from, end - from);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut asked))?;
        if i32::from(asked.l_type) == libc::F_UNLCK {
            break;
        }
        found = Some(asked.l_start);
        from = asked.l_start.saturating_add(1);
    }
    Ok(found)
}

fn set(file: &File, lock: &libc::flock, patient: bool) -> Result<(), Errno> {
    loop {
        let asked = if patient {
            FcntlArg::F_OFD_SETLKW(lock)
        } else {
            FcntlArg::F_OFD_SETLK(lock)
        };
        match fcntl(file, asked) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

fn lock(kind: i32, start: i64, len: i64) -> libc::flock {
    let short = |constant: i32| libc::c_short::try_from(constant).unwrap_or_default();
    libc::flock {
        l_type: short(kind),
        l_whence: short(libc::SEEK_SET),
        l_start: start,
        l_len: len,
        l_pid: 0,
    }
}
