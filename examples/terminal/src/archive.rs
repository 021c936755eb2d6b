//! `audit archive`, and the files that it writes: events as `audit export` writes them, with what their codes are
//! checked with.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use twofa::types::UnixTime;
use twofa::{ArchiveSink, ArchivedEvent, AuditRow, KeyId, Subject, SubjectEvent};

use crate::audit::{event_object, something};
use crate::exported::{self, Line, hex, unhex};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, push};
use crate::store::Opened;
use crate::times::time;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Takes old events out of the store, into a file.
pub(crate) async fn archive(
    out: Output,
    opened: &Opened,
    before: UnixTime,
    path: &Path,
) -> Outcome {
    something(opened).await?;
    let mut file = ArchiveFile::open(path)?;
    let done = opened.service.archive(before, &mut file).await?;
    let (events, chains, left) = (done.events, done.chains, done.left);
    out.result(
        || json!({"archived": events, "chains": chains, "left": left}),
        || {
            let mut text = format!("{events} events of {chains} chains are in {}", path.display());
            if left > 0 {
                push!(text, "; {left} chains have a bad place and are left as they are from there on: see `audit verify`");
            }
            text
        },
    )?;
    Ok(if left > 0 { Exit::Refused } else { Exit::Done })
}

/// The file that events go to.
struct ArchiveFile(File);

impl ArchiveFile {
    /// Makes the file, or opens one that an earlier run began. A line that was not written to its end is cut off.
    fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::file(path, &error);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(Failure::usage(
                "file-in-use",
                format!(
                    "{} is being written by another run; wait for it, or name another file",
                    path.display()
                ),
            ));
        }
        let whole = whole_lines(path, &file)?;
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(Self(file))
    }
}

/// How many bytes of whole lines a file has that is an archive, or empty.
fn whole_lines(path: &Path, file: &File) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    let mut reader = BufReader::new(file);
    let mut first = Vec::new();
    reader.read_until(b'\n', &mut first).map_err(failed)?;
    if first.ends_with(b"\n") {
        let begins = parse(&first).filter(|event| event.before.is_some());
        begins.ok_or_else(|| not_an_archive(path))?;
    } else if !first.is_empty() && !first.starts_with(b"{\"at\":") {
        return Err(not_an_archive(path));
    }
    let length = file.metadata().map_err(failed)?.len();
    let mut end = length;
    // A line is shorter than this many times over.
    let mut block = vec![0; 1 << 16];
    let mut file = file;
    while end > 0 {
        let size = end.min(1 << 16);
        let block = block
            .get_mut(..usize::try_from(size).unwrap_or(0))
            .unwrap_or_default();
        file.seek(SeekFrom::Start(end - size)).map_err(failed)?;
        file.read_exact(block).map_err(failed)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            let at = u64::try_from(at).unwrap_or(0);
            return Ok(end - size + at + 1);
        }
        end -= size;
    }
    Ok(0)
}

fn not_an_archive(path: &Path) -> Failure {
    Failure::usage(
        "not-an-archive",
        format!(
            "{} is no file of `audit archive`, and is left as it is; name one, or a new file",
            path.display()
        ),
    )
}

impl ArchiveSink for ArchiveFile {
    type Error = io::Error;

    async fn keep(&mut self, page: &[ArchivedEvent]) -> Result<(), io::Error> {
        let mut text = String::new();
        for event in page {
            text.push_str(&line(event).to_string());
            text.push('\n');
        }
        self.0.write_all(text.as_bytes())?;
        self.0.sync_all()
    }
}

fn line(archived: &ArchivedEvent) -> Value {
    let mut object = event_object(&archived.event);
    if let Some(object) = object.as_object_mut() {
        object.insert("notice".to_owned(), json!(archived.event.notice));
        let before = archived.event.row.notices_before;
        object.insert("notices_before".to_owned(), json!(before));
        if let Some(before) = &archived.before {
            object.insert("before".to_owned(), hex(before).into());
        }
    }
    object
}

/// The event in a line; `None` where it is none.
fn parse(line: &[u8]) -> Option<ArchivedEvent> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| match value.get(name)? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.as_str())),
        _ => None,
    };
    let owned = |name: &str| Some(text(name)?.map(ToOwned::to_owned));
    let number = |name: &str| value.get(name)?.as_u64();
    let notice = match value.get("notice")? {
        Value::Null => None,
        number => Some(number.as_u64()?),
    };
    let (project, user) = (text("project")?, text("user")?);
    let row = AuditRow {
        seq: number("seq")?,
        at: time(text("at")??).ok()?,
        event: owned("event")??,
        reason: owned("reason")?,
        actor: owned("actor")?,
        detail: owned("detail")?,
        generation: u32::try_from(number("generation")?).ok()?,
        notice: notice.is_some(),
        notices_before: number("notices_before")?,
        key_id: text("key")??.parse::<KeyId>().ok()?.number(),
        mac: unhex(text("mac")??)?,
    };
    let before = match value.get("before") {
        None => None,
        Some(before) => Some(unhex(before.as_str()?)?),
    };
    Some(ArchivedEvent {
        event: SubjectEvent {
            cursor: number("cursor")?,
            notice,
            subject: Subject::from_keys(project.unwrap_or(""), user.unwrap_or("")),
            row,
        },
        before,
    })
}

/// Files of archived events, and what is looked for in them beside.
pub(crate) struct Archives {
    out: Output,
    files: Vec<(PathBuf, BufReader<File>)>,
    /// Events of an export that were not seen yet.
    exported: BTreeMap<Subject, (u64, [u8; 32])>,
}

impl Archives {
    pub(crate) fn open(
        out: Output,
        paths: &[PathBuf],
        exported: Vec<Line>,
    ) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in paths {
            let failed = |error: io::Error| Failure::file(path, &error);
            let mut file = BufReader::new(File::open(path).map_err(failed)?);
            let mut first = Vec::new();
            file.read_until(b'\n', &mut first).map_err(failed)?;
            if first.trim_ascii().first().is_some_and(|byte| *byte != b'{') {
                return Err(not_an_archive(path));
            }
            file.rewind().map_err(failed)?;
            files.push((path.clone(), file));
        }
        files.reverse();
        let exported = exported.into_iter();
        Ok(Self {
            out,
            files,
            exported: exported
                .map(|(subject, seq, mac)| (subject, (seq, mac)))
                .collect(),
        })
    }

    /// All events, one file after the other. A line that is none is left out, and missed where it belongs.
    pub(crate) fn lines(
        &mut self,
    ) -> impl Iterator<Item = Result<ArchivedEvent, Cause>> + Send + '_ {
        let mut number = 0_u64;
        let mut text = Vec::new();
        std::iter::from_fn(move || {
            loop {
                let (path, file) = self.files.last_mut()?;
                text.clear();
                match file.read_until(b'\n', &mut text) {
                    Err(error) => return Some(Err(exported::unreadable(path, &error))),
                    Ok(0) => {
                        self.files.pop();
                        number = 0;
                        continue;
                    }
                    Ok(_) => number += 1,
                }
                let Some(archived) = parse(&text) else {
                    // A run that was killed left the last line as it is.
                    if text.ends_with(b"\n") && !text.trim_ascii().is_empty() {
                        let sentence = format!("line {number} of {} is no event", path.display());
                        self.out.warn("not-an-event", &sentence);
                    }
                    continue;
                };
                self.see(&archived.event);
                return Some(Ok(archived));
            }
        })
    }

    fn see(&mut self, event: &SubjectEvent) {
        let this = (event.row.seq, event.row.mac);
        if self.exported.get(&event.subject) == Some(&this) {
            self.exported.remove(&event.subject);
        }
    }

    /// Exported events that were in no file.
    pub(crate) fn not_seen(self) -> Vec<Line> {
        let left = self.exported.into_iter();
        left.map(|(subject, (seq, mac))| (subject, seq, mac))
            .collect()
    }
}
