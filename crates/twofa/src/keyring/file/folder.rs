//! The folder that a key file is in: what is done there, and made durable there.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A folder that is held open, so that its name may lead elsewhere meanwhile.
pub(super) struct Folder {
    path: PathBuf,
    #[cfg(unix)]
    open: File,
}

/// The folder and the name in it that a path says.
pub(super) fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "is no name of a file"))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")), name))
}

/// The one name that a copy has between its writing and its taking the place: `.NAME.new`.
pub(super) fn hidden(name: &OsStr) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".new");
    hidden
}

/// Whether something has the hidden name beside the file that a path leads to.
pub(super) fn has_copy(path: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|target| {
        split(&target).is_ok_and(|(at, name)| at.join(hidden(name)).symlink_metadata().is_ok())
    })
}

/// Removes copies of the keys that processes left which were killed: under the one hidden name, and as
/// `NAME.new-PID`, which older versions used and [`create`](super::replace::create) uses where it must.
///
/// What cannot be removed stays: nobody is kept from their keys for it.
pub(super) fn remove_copies(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let (hidden, numbered) = (hidden(name), {
        let mut numbered = name.to_owned();
        numbered.push(".new-");
        numbered
    });
    for entry in entries.flatten() {
        let found = entry.file_name();
        let number = found
            .as_encoded_bytes()
            .strip_prefix(numbered.as_encoded_bytes());
        let of_process = number.is_some_and(|number| {
            (1..=10).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
        });
        // Only the name goes; of a link, not what it leads to.
        if (found == hidden || of_process) && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self {
            path: path.to_owned(),
            open: open.into(),
        })
    }

    /// A new file without a name, which is gone when its process is; none where there is no such thing.
    pub(super) fn nameless(&self) -> io::Result<Option<File>> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{Mode, OFlags};
            use rustix::io::Errno;
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            match rustix::fs::openat(&self.open, ".", flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => Ok(Some(file.into())),
                // What file systems and kernels that do not know it say (open(2)).
                Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => Ok(None),
                Err(e) => Err(e.into()),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Ok(None)
    }

    /// Gives a nameless file a name; never one that is taken. False where that cannot be done here.
    pub(super) fn name(&self, file: &File, name: &OsStr) -> io::Result<bool> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{AtFlags, CWD};
            use rustix::io::Errno;
            use std::os::fd::AsRawFd as _;
            // By way of /proc, since the other way (AT_EMPTY_PATH) is root's alone.
            let from = format!("/proc/self/fd/{}", file.as_raw_fd());
            match rustix::fs::linkat(CWD, from, &self.open, name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => Ok(true),
                // Without /proc, or on a file system without links.
                Err(Errno::NOENT | Errno::OPNOTSUPP | Errno::PERM | Errno::XDEV | Errno::INVAL) => {
                    Ok(false)
                }
                Err(e) => Err(e.into()),
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (file, name);
            Ok(false)
        }
    }

    /// A new file of that name, for its owner alone; never one that is there.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.open, name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(file.into())
    }

    /// Gives a file a second name; never one that is taken.
    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        use rustix::fs::AtFlags;
        Ok(rustix::fs::linkat(
            &self.open,
            from,
            &self.open,
            to,
            AtFlags::empty(),
        )?)
    }

    /// One file takes the name of the other.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.open, from, &self.open, to)?)
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.open,
            name,
            rustix::fs::AtFlags::empty(),
        )?)
    }

    /// Makes names durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.open
            .sync_all()
            .map_err(|e| io::Error::new(e.kind(), format!("folder {}: {e}", self.path.display())))
    }
}

/// By names, since folders are not held open here.
#[cfg(not(unix))]
impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
        })
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "as it is on Unix"
    )]
    pub(super) fn nameless(&self) -> io::Result<Option<File>> {
        Ok(None)
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "as it is on Unix"
    )]
    pub(super) fn name(&self, _: &File, _: &OsStr) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(windows)]
        {
            // As a file that is locked: it will be one under another name.
            std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 1 | 4);
        }
        options.open(self.path.join(name))
    }

    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::hard_link(self.path.join(from), self.path.join(to))
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "as it is on Unix"
    )]
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
