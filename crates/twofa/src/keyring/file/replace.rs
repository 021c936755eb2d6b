//! A key file gets its name, or takes another's place, whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::folder::{self, Folder};
use super::key_file;

/// Makes a new key file of that text.
pub(super) fn create(path: &Path, text: &[u8]) -> io::Result<()> {
    let (at, name) = folder::split(path)?;
    let folder = Folder::open(at)?;
    if let Some(file) = folder.nameless()? {
        fill(&file, text)?;
        if folder.name(&file, name)? {
            return folder.sync();
        }
    }
    // Where a file cannot be without a name, it has another one first. A file that is locked may be made at the same
    // time by another process, so the name is this one's own.
    let mut beside = name.to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let _ = folder.remove(&beside);
    let written = folder.create(&beside).and_then(|file| fill(&file, text));
    let linked = written.and_then(|()| folder.link(&beside, name));
    let _ = folder.remove(&beside);
    match linked {
        Ok(()) => folder.sync(),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists || is_full(&e) => Err(e),
        // Some file systems have no second names. A reader may then see the file before it is whole.
        Err(_) => {
            let file = folder.create(name)?;
            let filled = fill(&file, text).and_then(|()| folder.sync());
            if filled.is_err() {
                let _ = folder.remove(name);
            }
            filled
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn fill(mut file: &File, text: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    {
        // Whatever the process takes away from the rights of new files.
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.write_all(text)?;
    file.sync_all()
}

/// Whether a new file took the place of an old one.
pub(super) enum Swap {
    /// It did. It is locked.
    Done(File),
    /// It cannot here, and the old one is as it was; another way may do.
    Cannot(io::Error),
}

/// Puts a new file in the place of the one that has the name `target`, with the same owner, group and rights.
///
/// # Errors
///
/// What no other way would mend, as a full disk. The old file is as it was.
pub(super) fn swap(target: &Path, old: &File, text: &[u8]) -> io::Result<Swap> {
    let (at, name) = folder::split(target)?;
    if has_more_names(old)? {
        let error = "has several names (hard links)";
        return Ok(Swap::Cannot(io::Error::other(error)));
    }
    let hidden = folder::hidden(name);
    let written = Folder::open(at).and_then(|folder| {
        let file = written(&folder, &hidden, old, text)?;
        Ok((folder, file))
    });
    let renamed = written.and_then(|(folder, file)| match folder.rename(&hidden, name) {
        Ok(()) => Ok((folder, file)),
        Err(e) => {
            // The whole ring is in it.
            folder.remove(&hidden)?;
            Err(e)
        }
    });
    match renamed {
        Ok((folder, file)) => {
            folder.sync()?;
            Ok(Swap::Done(file))
        }
        Err(e) if another_way(&e) => Ok(Swap::Cannot(e)),
        Err(e) => Err(e),
    }
}

/// Whether the file itself may be written where its folder may not, or where it is mounted by itself.
fn another_way(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
            // A hidden name that is longer than a name may be.
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}

/// A file that is whole, durable, locked, like the old one, and has the hidden name.
fn written(folder: &Folder, hidden: &OsString, old: &File, text: &[u8]) -> io::Result<File> {
    if let Some(file) = folder.nameless()? {
        prepare(&file, old, text)?;
        let named = match folder.name(&file, hidden) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                folder.remove(hidden)?;
                folder.name(&file, hidden)
            }
            named => named,
        };
        if named? {
            return Ok(file);
        }
    }
    let file = match folder.create(hidden) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            folder.remove(hidden)?;
            folder.create(hidden)?
        }
        created => created?,
    };
    let prepared = prepare(&file, old, text);
    if prepared.is_err() {
        folder.remove(hidden)?;
    }
    prepared.map(|()| file)
}

fn prepare(file: &File, old: &File, text: &[u8]) -> io::Result<()> {
    // Before it has a name, so that nobody else locks it first.
    key_file::try_lock(file)?;
    #[cfg(unix)]
    super::rights::keep(old, file).map_err(|e| {
        // Written where it lies, a file stays whose it is.
        io::Error::new(io::ErrorKind::PermissionDenied, e)
    })?;
    #[cfg(not(unix))]
    let _ = old;
    let mut to = file;
    to.write_all(text)?;
    file.sync_all()
}

fn has_more_names(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1);
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(false)
    }
}
