//! Files of events, as `audit export` writes them: one JSON object a line.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use twofa::Subject;

use crate::failure::Failure;

/// An event as far as it is compared: whose, its number, its code.
pub(crate) type Line = (Subject, u64, [u8; 32]);

/// A file that was not there before. What was written is on the disk once it is finished.
pub(crate) struct NewFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::usage(
                "file-exists",
                format!(
                    "{} is there already, and is left as it is; name a new file",
                    path.display()
                ),
            ),
            _ => Failure::file(path, &error),
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.file, "{text}").map_err(|error| Failure::file(&self.path, &error))
    }

    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let written = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| Failure::file(&self.path, &error))
    }
}

/// The last event of each subject in an export: its code covers those before it.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let mut last: BTreeMap<Subject, (u64, [u8; 32])> = BTreeMap::new();
    for (number, line) in (1_u64..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| Failure::file(path, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let Some((subject, seq, mac)) = event(&line) else {
            let name = path.display();
            let message = format!(
                "line {number} of {name} is no event; give a file that `audit export` wrote"
            );
            return Err(Failure::usage("not-an-export", message));
        };
        let kept = last.entry(subject).or_insert((seq, mac));
        if seq >= kept.0 {
            *kept = (seq, mac);
        }
    }
    let all = last
        .into_iter()
        .map(|(subject, (seq, mac))| (subject, seq, mac));
    Ok(all.collect())
}

fn event(line: &str) -> Option<Line> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| match value.get(name)? {
        Value::Null => Some(""),
        Value::String(text) => Some(text.as_str()),
        _ => None,
    };
    let subject = Subject::from_keys(text("project")?, text("user")?);
    let seq = value.get("seq")?.as_u64()?;
    Some((subject, seq, unhex(value.get("mac")?.as_str()?)?))
}

/// A part of a subject's place: `null` where it has none.
pub(crate) fn key(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => text.into(),
    }
}

/// Whose chain, to people.
pub(crate) fn whose(subject: &Subject) -> String {
    match (subject.project_key(), subject.user_key()) {
        ("", "") => "the store itself".to_owned(),
        (project, "") => format!("the project {project} itself"),
        (project, user) => format!("{user} in {project}"),
    }
}

/// A file that cannot be read, for whoever reads events one by one.
pub(crate) fn unreadable(
    path: &Path,
    error: &io::Error,
) -> Box<dyn std::error::Error + Send + Sync> {
    format!("{}: {error}", path.display()).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    format!("{:x}", base16ct::HexDisplay(bytes))
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let read = base16ct::lower::decode(text, &mut bytes).ok()?.len();
    (read == bytes.len()).then_some(bytes)
}
