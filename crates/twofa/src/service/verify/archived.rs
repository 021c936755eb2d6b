//! Archived events, read from their files and compared with what the store has in their place.

use std::collections::BTreeMap;

use super::super::archive::ArchivedEvents;
use super::super::checkpoint::{Checkpoint, Part};
use super::chain::Looked;
use super::{Fault, Progress};
use crate::directory::Directory;
use crate::error::Error;
use crate::keys::Keys;
use crate::service::TwoFactor;
use crate::store::{Store, Subject, SubjectEvent};

/// What the files hold, as far as it is to be compared: where each part begins and ends.
#[derive(Default)]
pub(super) struct Archived(BTreeMap<Subject, Chain>);

#[derive(Default)]
struct Chain {
    parts: Vec<Part>,
    /// The last event that the head covers which is compared.
    covered: Option<(u64, [u8; 32])>,
    /// Something in it is bad, and was told.
    explained: bool,
}

impl Archived {
    fn chain(&mut self, subject: &Subject) -> &mut Chain {
        self.0.entry(subject.clone()).or_default()
    }
}

/// The part that is being read.
struct Reading {
    subject: Subject,
    part: Part,
    whole: bool,
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Reads all files, and says what is bad in them by itself.
    pub(super) async fn read_archived(
        &self,
        events: &mut ArchivedEvents<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let keys = self.keys().await?;
        let mut archived = Archived::default();
        let mut reading: Option<Reading> = None;
        for line in events {
            let line = line.map_err(Error::Archive)?;
            let event = &line.event;
            if let Some(before) = line.before {
                close(reading.take(), &mut archived);
                let from = Checkpoint {
                    seq: event.row.seq.saturating_sub(1),
                    mac: before,
                    ..Checkpoint::default()
                };
                reading = Some(Reading {
                    subject: event.subject.clone(),
                    part: Part::after(&from),
                    whole: true,
                });
            }
            let right = match &mut reading {
                Some(reading) if reading.subject == event.subject => {
                    let right = read(&keys, reading, event)?;
                    let told = !reading.whole && !right;
                    reading.whole &= right;
                    right || told
                }
                _ => false,
            };
            let chain = archived.chain(&event.subject);
            if !right && !chain.explained {
                progress.bad(&event.subject, Some(event.row.seq), Fault::ArchiveAltered);
            }
            chain.explained |= !right;
            let head = progress.before.as_ref().map_or(0, |heads| heads.cursor);
            let last = chain.covered.map_or(0, |(seq, _)| seq);
            if event.cursor <= head && event.row.seq > last {
                chain.covered = Some((event.row.seq, event.row.mac));
            }
            progress.found.archived += 1;
        }
        close(reading, &mut archived);
        progress.archived = Some(archived);
        Ok(())
    }
}

fn read(keys: &Keys, reading: &mut Reading, event: &SubjectEvent) -> Result<bool, Error> {
    let right = reading.part.goes_on_with(keys, event);
    right.map_err(|source| Error::unreadable(&event.subject, source))
}

fn close(reading: Option<Reading>, archived: &mut Archived) {
    if let Some(reading) = reading.filter(|reading| reading.whole) {
        archived.chain(&reading.subject).parts.push(reading.part);
    }
}

impl Chain {
    /// Whether parts lead from the first event to where the store says that it goes on; how far they lead otherwise.
    /// A part that was written and not taken out, since somebody ended the program between the two, leads nowhere.
    fn leads_to(mut self, end: &Checkpoint) -> Result<(), (Option<u64>, Fault)> {
        self.parts.sort_by_key(|part| part.after);
        let mut reached = vec![Checkpoint::default()];
        for part in &self.parts {
            let starts = reached
                .iter()
                .filter(|from| (from.seq, from.mac) == (part.after, part.before));
            let ends: Vec<_> = starts.map(|from| from.then(part)).collect();
            for end in ends {
                if !reached.contains(&end) {
                    reached.push(end);
                }
            }
        }
        if reached.contains(end) {
            return Ok(());
        }
        if reached
            .iter()
            .any(|found| (found.seq, found.mac) == (end.seq, end.mac))
        {
            // Each event is as it was, and what the store gave to it is not.
            return Err((None, Fault::ArchiveAltered));
        }
        let last = reached
            .iter()
            .map(|found| found.seq)
            .filter(|seq| *seq < end.seq);
        Err((Some(last.max().unwrap_or_default() + 1), Fault::ArchiveCut))
    }
}

impl Progress<'_> {
    /// Compares what a chain has in the place of its archived beginning with the files, where there are any.
    pub(super) fn compare_archived(&mut self, subject: &Subject, looked: &mut Looked) {
        let hidden = looked.hidden.get(1).is_some_and(|hidden| *hidden) && self.before.is_some();
        let chain = self
            .archived
            .as_mut()
            .map(|archived| archived.0.remove(subject));
        let Some(chain) = chain else {
            if hidden {
                self.missed(Error::archive_needed(subject));
            }
            return;
        };
        let chain = chain.unwrap_or_default();
        if let (true, Some(covered), Some(place)) =
            (hidden, chain.covered, looked.covered.get_mut(1))
        {
            *place = covered;
        }
        let Some(checkpoint) = looked.checkpoint.filter(|_| !chain.explained) else {
            return;
        };
        if let Err(fault) = chain.leads_to(&checkpoint) {
            looked.faults.push(fault);
        }
    }
}
