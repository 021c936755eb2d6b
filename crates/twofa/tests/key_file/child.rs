//! This program once more: as another user, in a mount namespace, or to be killed.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use twofa::{KeyFile, Keyring};

const DO: &str = "TWOFA_TEST_DO";

/// Does what its parent put into the environment, and says how it ended.
#[test]
fn child() {
    let Ok(task) = std::env::var(DO) else {
        return;
    };
    let words: Vec<_> = task.split('|').collect();
    let path = Path::new(words[1]);
    let ring = |at: usize| Keyring::from_text(&fs::read_to_string(words[at]).unwrap()).unwrap();
    let done = match words[0] {
        "load" => Keyring::load_file(path).map(drop),
        "lock" => KeyFile::lock(path).and_then(|file| file.read()).map(drop),
        "create" => ring(2).create_file(path),
        "replace" => KeyFile::lock(path).and_then(|mut file| file.replace(&ring(2))),
        "forever" => {
            let (one, other) = (ring(2), ring(3));
            let mut file = KeyFile::lock(path).unwrap();
            writeln!(std::io::stdout(), "\nready").unwrap();
            loop {
                file.replace(&one).unwrap();
                file.replace(&other).unwrap();
            }
        }
        other => panic!("{other}"),
    };
    match done {
        Ok(()) => eprintln!("\nended: done"),
        Err(e) => eprintln!("\nended: {e:?} {e}"),
    }
}

/// A copy of this program, where another user may run it too.
pub(crate) struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        crate::mode(folder.path(), 0o755);
        let program = Self { folder };
        fs::copy(std::env::current_exe().unwrap(), program.path()).unwrap();
        crate::mode(&program.path(), 0o755);
        program
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    /// To be run by another program, whose arguments it is put behind.
    pub(crate) fn under(&self, by: &[&str], task: &[&str]) -> Command {
        let mut words = by.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
        words.push(self.path().into());
        words.extend(["--exact", "child::child", "--nocapture"].map(Into::into));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env(DO, task.join("|"));
        command.current_dir("/");
        command
    }

    pub(crate) fn command(&self, task: &[&str]) -> Command {
        self.under(&[], task)
    }

    /// As another user, in one group.
    pub(crate) fn by(&self, user: u32, group: u32, task: &[&str]) -> String {
        ended(&self.command(task).uid(user).gid(group).output().unwrap())
    }
}

/// How the child ended: `done`, or its error.
pub(crate) fn ended(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let ended = said.lines().find_map(|line| line.strip_prefix("ended: "));
    ended
        .unwrap_or_else(|| panic!("{}: {said}", output.status))
        .to_owned()
}
