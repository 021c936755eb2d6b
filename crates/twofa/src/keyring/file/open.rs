//! A key file is opened, looked at, and only then read. What is looked at is the open file, never the path, which
//! may lead elsewhere a moment later.

use std::fs::File;
#[cfg(not(unix))]
use std::io;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{KeyringError, MAX_FILE_BYTES, failed, in_place};

/// Opens a key file, for reading only.
pub(super) fn to_read(path: &Path) -> Result<File, KeyringError> {
    #[cfg(unix)]
    return unix::to_read(path);
    #[cfg(not(unix))]
    return plain(path, File::open(path));
}

/// Opens a key file that is to be locked, for writing too where that is allowed. Says whether it was.
///
/// The file is opened by `target`, the name without links, and told by `path`, the name that was given.
pub(super) fn to_change(path: &Path, target: &Path) -> Result<(File, bool), KeyringError> {
    #[cfg(unix)]
    return unix::to_change(path, target);
    #[cfg(not(unix))]
    return plain(path, shared_for_reading(target)).map(|file| (file, true));
}

/// On Windows, opened so that nobody else can open it for writing until it is closed; elsewhere just opened.
#[cfg(not(unix))]
fn shared_for_reading(target: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true);
    #[cfg(windows)]
    {
        // FILE_SHARE_READ and FILE_SHARE_DELETE: it can be read, and another file can take its name.
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 1 | 4);
    }
    options.open(target).map_err(|e| match e.raw_os_error() {
        // ERROR_SHARING_VIOLATION
        Some(32) if cfg!(windows) => io::ErrorKind::WouldBlock.into(),
        _ => e,
    })
}

#[cfg(not(unix))]
fn plain(path: &Path, opened: io::Result<File>) -> Result<File, KeyringError> {
    if path.is_dir() {
        return Err(not_a_file(path, "a folder"));
    }
    let file = opened.map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => KeyringError::Locked {
            path: path.to_owned(),
        },
        _ => failed(path, e),
    })?;
    let meta = file.metadata().map_err(|e| failed(path, e))?;
    if !meta.is_file() {
        return Err(not_a_file(path, "something else"));
    }
    Ok(file)
}

/// All that an open key file holds, from its beginning to its end.
pub(super) fn bytes(mut file: &File, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let meta = file.metadata().map_err(|e| failed(path, e))?;
    let mut expected = in_place::WIDEST;
    if meta.is_file() {
        expected = usize::try_from(meta.len()).unwrap_or(usize::MAX);
        if expected > in_place::WIDEST {
            return Err(too_long(path));
        }
        file.rewind().map_err(|e| failed(path, e))?;
    }
    // With room for all of it from the start: a buffer that grows leaves its old self behind, keys and all.
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 64));
    let most = u64::try_from(in_place::WIDEST + 1).unwrap_or(u64::MAX);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|e| failed(path, e))?;
    Ok(bytes)
}

/// The text of an open key file.
pub(super) fn text(file: &File, path: &Path) -> Result<Zeroizing<String>, KeyringError> {
    let bytes = bytes(file, path)?;
    let valid = in_place::whole(&bytes);
    if valid.len() > MAX_FILE_BYTES {
        return Err(too_long(path));
    }
    if valid.trim_ascii().is_empty() {
        return Err(KeyringError::Empty {
            path: path.to_owned(),
        });
    }
    match std::str::from_utf8(valid) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(e) => Err(KeyringError::Malformed {
            line: valid
                .iter()
                .take(e.valid_up_to())
                .filter(|byte| **byte == b'\n')
                .count()
                + 1,
            expected: "a keyring is text",
        }),
    }
}

fn too_long(path: &Path) -> KeyringError {
    KeyringError::TooLong {
        path: path.to_owned(),
    }
}

fn not_a_file(path: &Path, kind: &'static str) -> KeyringError {
    KeyringError::NotAFile {
        path: path.to_owned(),
        kind,
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, File, FileType, Metadata};
    use std::io;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    use std::path::{Path, PathBuf};

    use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};

    use super::super::rights::{self, Verdict, Who};
    use super::{KeyringError, failed, not_a_file};

    /// A FIFO that nobody writes to and a line that nobody calls on do not make it wait.
    const FLAGS: OFlags = OFlags::NONBLOCK
        .union(OFlags::CLOEXEC)
        .union(OFlags::NOCTTY);

    fn open(path: &Path, flags: OFlags) -> io::Result<File> {
        let opened = rustix::fs::open(path, FLAGS.union(flags), Mode::empty())?;
        Ok(opened.into())
    }

    pub(super) fn to_read(path: &Path) -> Result<File, KeyringError> {
        let file = open(path, OFlags::RDONLY).map_err(|e| cannot_open(path, e))?;
        let meta = file.metadata().map_err(|e| failed(path, e))?;
        if meta.file_type().is_fifo() && handed_down(path) {
            // Whoever wrote `<(...)` made the pipe; its rights say nothing. From here on reading waits for them.
            let flags = fcntl_getfl(&file).map_err(|e| failed(path, e.into()))?;
            fcntl_setfl(&file, flags.difference(OFlags::NONBLOCK))
                .map_err(|e| failed(path, e.into()))?;
            return Ok(file);
        }
        allowed(path, &file, &meta)?;
        Ok(file)
    }

    pub(super) fn to_change(path: &Path, target: &Path) -> Result<(File, bool), KeyringError> {
        // For writing too, because a lock on a network's file needs that.
        let (file, writable) = match open(target, OFlags::RDWR.union(OFlags::NOFOLLOW)) {
            Ok(file) => (file, true),
            Err(_) => (
                open(target, OFlags::RDONLY.union(OFlags::NOFOLLOW))
                    .map_err(|e| cannot_open(path, e))?,
                false,
            ),
        };
        let meta = file.metadata().map_err(|e| failed(path, e))?;
        allowed(path, &file, &meta)?;
        Ok((file, writable))
    }

    /// Whether the name is that of a file which this process holds open already.
    fn handed_down(path: &Path) -> bool {
        let folder = path.parent();
        folder == Some(Path::new("/dev/fd"))
            || folder == Some(Path::new("/proc/self/fd"))
            || path == Path::new("/dev/stdin")
    }

    /// A socket, and a device without its driver, cannot even be opened: what is there is told all the same.
    fn cannot_open(path: &Path, error: io::Error) -> KeyringError {
        match fs::metadata(path).ok().and_then(|m| kind(m.file_type())) {
            Some(kind) => not_a_file(path, kind),
            None => failed(path, error),
        }
    }

    /// What it is, if it is no file.
    fn kind(found: FileType) -> Option<&'static str> {
        match found {
            t if t.is_file() => None,
            t if t.is_dir() => Some("a folder"),
            t if t.is_fifo() => Some("a pipe (FIFO)"),
            t if t.is_socket() => Some("a socket"),
            t if t.is_char_device() || t.is_block_device() => Some("a device"),
            _ => Some("something else"),
        }
    }

    fn allowed(path: &Path, file: &File, meta: &Metadata) -> Result<(), KeyringError> {
        if let Some(kind) = kind(meta.file_type()) {
            return Err(not_a_file(path, kind));
        }
        let who = Who::this_process().map_err(|e| failed(path, e))?;
        let foreign = || KeyringError::ForeignOwner {
            path: path.to_owned(),
            owner: meta.uid(),
        };
        match rights::judge(meta, rights::access_list(file).as_deref(), &who) {
            Verdict::Fine => Ok(()),
            Verdict::Exposed => Err(KeyringError::Exposed {
                path: path.to_owned(),
            }),
            Verdict::Foreign => Err(foreign()),
            Verdict::UnlessPlanted => match others_may_put(path, meta) {
                Ok(false) => Ok(()),
                Ok(true) => Err(foreign()),
                Err(e) => Err(failed(path, e)),
            },
        }
    }

    /// Whether anyone but root and the file's owner could have put the file, or a link to it, under this name.
    fn others_may_put(path: &Path, file: &Metadata) -> io::Result<bool> {
        // As many links as the kernel follows (path_resolution(7)).
        let mut at = PathBuf::from(path);
        for _ in 0..40 {
            let folder = at.parent().filter(|p| !p.as_os_str().is_empty());
            let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
            let meta = fs::metadata(&folder)?;
            // Where others may write they may put a file; in a sticky folder they still may.
            if meta.mode() & 0o022 != 0 || (meta.uid() != 0 && meta.uid() != file.uid()) {
                return Ok(true);
            }
            let Ok(next) = fs::read_link(&at) else {
                let there = fs::metadata(&at)?;
                return Ok((there.dev(), there.ino()) != (file.dev(), file.ino()));
            };
            at = folder.join(next);
        }
        Ok(true)
    }
}
