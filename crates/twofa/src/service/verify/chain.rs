//! One chain, looked at event by event.

use hmac::Mac as _;
use twofa_lifecycle::{ChainHead, Listed, Summary, SummaryState};
use twofa_types::ProjectId;

use super::super::checkpoint::Checkpoint;
use super::Fault;
use super::recovered::{Stretch, Told};
use crate::error::{Error, RestError};
use crate::installation::Installation;
use crate::keyring::{KeyId, KeyringError};
use crate::keys::{HmacSha256, Keys};
use crate::seal;
use crate::store::{HeadRow, Stored, Subject, SubjectEvent, Tip};

/// The last event of a chain that a head covers; number 0 where it covers none.
pub(super) type Covered = (u64, [u8; 32]);

/// What a look at one chain found.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) events: u64,
    pub(super) faults: Vec<(Option<u64>, Fault)>,
    /// Notices whose number the project had given out when its check began.
    pub(super) notices: Numbers,
    pub(super) said: Said,
    /// Whether there is no factor.
    pub(super) is_none: bool,
    /// For each head in the making.
    pub(super) covered: [Covered; 2],
    /// Which heads stand for an event that was archived, and cannot be known from what is left.
    pub(super) hidden: [bool; 2],
    /// What the chain's archived beginning left.
    pub(super) checkpoint: Option<Checkpoint>,
    /// What recoveries say.
    pub(super) told: Told,
}

/// What a record says that the directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Said {
    /// It cannot be read.
    #[default]
    Unreadable,
    /// Nothing: no change came through here.
    Nothing,
    This(Listed),
}

impl Said {
    pub(super) fn by(listed: Option<Listed>) -> Self {
        listed.map_or(Self::Nothing, Self::This)
    }
}

/// The notices of the project whose chains are being looked at.
#[derive(Default)]
pub(super) struct Notices {
    pub(super) of: Option<ProjectId>,
    /// The number of the last one when the look began.
    pub(super) last: u64,
    /// Those that were seen.
    pub(super) seen: Numbers,
    /// That something else is bad in the project, which may be why some are not there.
    pub(super) explained: bool,
}

impl Notices {
    /// Whether each number was seen once: with as many, and with their sum, whoever exchanged two of them for others
    /// is found by the order that each event was given.
    pub(super) fn are_all_there(&self) -> bool {
        let last = u128::from(self.last);
        (u128::from(self.seen.count), self.seen.sum) == (last, last * (last + 1) / 2)
    }
}

/// Numbers that were seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) struct Numbers {
    pub(in crate::service) count: u64,
    pub(in crate::service) sum: u128,
    /// The greatest, also of those that came since.
    pub(in crate::service) greatest: u64,
}

impl Numbers {
    pub(in crate::service) fn see(&mut self, number: u64) {
        self.count += 1;
        self.sum += u128::from(number);
    }

    pub(in crate::service) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.greatest = self.greatest.max(other.greatest);
    }
}

/// How far a check goes, as of when it began.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Up to which cursors the heads go.
    pub(super) cursors: [u64; 2],
    /// Up to which number the project's notices go.
    pub(super) last_notice: u64,
}

/// What a record says of its chain, and of itself in lists.
pub(super) struct Opened {
    pub(super) head: ChainHead,
    pub(super) summary: Option<Summary>,
    pub(super) listed: Option<Listed>,
}

pub(super) fn open(keys: &Keys, subject: &Subject, stored: &Stored) -> Result<Opened, RestError> {
    if *subject == Subject::installation() {
        let body = seal::open_body(keys, subject, stored)?;
        return Ok(Opened {
            head: Installation::decode(body)?.chain,
            summary: Some(Summary::NONE),
            listed: None,
        });
    }
    let record = seal::open_record(keys, subject, stored)?;
    Ok(Opened {
        head: record.chain(),
        summary: Some(record.summary()),
        listed: record.listed(),
    })
}

/// A chain whose record and checkpoint are read, before its first event.
pub(super) fn begin<'a>(
    keys: &'a Keys,
    row: &'a HeadRow,
    bounds: Bounds,
) -> Result<Chain<'a>, Error> {
    let subject = &row.subject;
    let mut chain = Chain::new(keys, subject, bounds);
    let not_held = |source: &RestError| match source {
        RestError::Key(KeyringError::Unknown { id }) => keys.knows(*id),
        _ => false,
    };
    match open(keys, subject, &row.stored) {
        Ok(opened) => {
            chain.head = Some(opened.head);
            chain.is_listed_right = opened.summary == row.summary;
            chain.looked.said = Said::by(opened.listed);
            let state = opened.summary.map(|summary| summary.state);
            chain.looked.is_none = state == Some(SummaryState::None);
        }
        Err(source) if not_held(&source) => return Err(Error::unreadable(subject, source)),
        Err(RestError::Record(_) | RestError::Newer) => {
            chain.fault(None, Fault::RecordMalformed);
        }
        Err(_) => chain.fault(None, Fault::RecordAltered),
    }
    let Some(checkpoint) = &row.checkpoint else {
        return Ok(chain);
    };
    match Checkpoint::open(keys, subject, checkpoint) {
        Ok(checkpoint) => {
            chain.go_on_after(&checkpoint);
            chain.looked.checkpoint = Some(checkpoint);
        }
        Err(source) if not_held(&source) => return Err(Error::unreadable(subject, source)),
        Err(_) => {
            chain.fault(None, Fault::CheckpointAltered);
            // As it says, so that what is bad beside it is told for itself.
            if let Some(claimed) = Checkpoint::claimed(checkpoint) {
                chain.go_on_after(&claimed);
            }
        }
    }
    Ok(chain)
}

/// A chain, looked at event by event.
pub(in crate::service) struct Chain<'a> {
    pub(super) keys: &'a Keys,
    pub(super) subject: &'a Subject,
    pub(super) bounds: Bounds,
    /// What the record says; `None` where it cannot be read.
    pub(super) head: Option<ChainHead>,
    /// Whether lists show what the record says; as far as that can be read.
    pub(super) is_listed_right: bool,
    pub(in crate::service) seq: u64,
    pub(in crate::service) mac: [u8; 32],
    pub(super) cursor: u64,
    pub(super) notice: u64,
    /// Since the recovery before.
    pub(in crate::service) stretch: Stretch,
    /// The first key that is missing, under which nothing can be said of an event.
    pub(super) missing: Option<Error>,
    pub(super) looked: Looked,
}

impl<'a> Chain<'a> {
    /// A chain by itself, without what its record and its project say.
    pub(in crate::service) fn alone(keys: &'a Keys, subject: &'a Subject) -> Self {
        let bounds = Bounds {
            cursors: [0, 0],
            last_notice: 0,
        };
        Self::new(keys, subject, bounds)
    }

    pub(super) fn new(keys: &'a Keys, subject: &'a Subject, bounds: Bounds) -> Self {
        Self {
            keys,
            subject,
            bounds,
            head: None,
            is_listed_right: true,
            seq: 0,
            mac: [0; 32],
            cursor: 0,
            notice: 0,
            stretch: Stretch::default(),
            missing: None,
            looked: Looked::default(),
        }
    }

    /// Goes on where the archived beginning ended.
    pub(super) fn go_on_after(&mut self, checkpoint: &Checkpoint) {
        let Checkpoint {
            seq,
            mac,
            cursor,
            notices,
            ..
        } = *checkpoint;
        (self.seq, self.mac, self.cursor) = (seq, mac, cursor);
        self.stretch = Stretch::after(seq);
        self.notice = notices.greatest;
        self.looked.notices = notices;
        for (number, up_to) in self.bounds.cursors.iter().enumerate() {
            let is_covered = cursor <= *up_to;
            if let Some(covered) = self.looked.covered.get_mut(number).filter(|_| is_covered) {
                *covered = (seq, mac);
            }
            if let Some(hidden) = self.looked.hidden.get_mut(number) {
                *hidden = !is_covered;
            }
        }
    }

    /// Goes on where the archived beginning ended, as far as that can be read.
    pub(in crate::service) fn go_on_after_stored(&mut self, checkpoint: &[u8]) {
        let opened = Checkpoint::open(self.keys, self.subject, checkpoint).ok();
        if let Some(checkpoint) = opened.or_else(|| Checkpoint::claimed(checkpoint)) {
            self.go_on_after(&checkpoint);
        }
    }

    /// Goes on after an event that was read before, as a head says that covers it.
    pub(super) fn go_on_from(&mut self, tip: &Tip) {
        (self.seq, self.mac, self.cursor) = (tip.seq, tip.mac, tip.cursor);
        self.stretch = Stretch::after(tip.seq);
        self.looked.covered = [(tip.seq, tip.mac); 2];
        self.looked.hidden = [false; 2];
    }

    pub(super) fn fault(&mut self, seq: Option<u64>, fault: Fault) {
        self.looked.faults.push((seq, fault));
    }

    /// The next event. What follows a bad one is compared with that one as it lies there.
    pub(in crate::service) fn next(&mut self, event: &SubjectEvent) {
        let row = &event.row;
        let at = Some(row.seq);
        let faults_before = self.looked.faults.len();
        let mut right = true;
        if self.head.is_some_and(|head| row.seq > head.seq) {
            right = false;
            // Once for all that go on past the head.
            if self.head.is_some_and(|head| self.seq <= head.seq) {
                self.fault(at, Fault::RecordRolledBack);
            }
        } else if row.seq != self.seq.wrapping_add(1) {
            // What came before this one is gone, and with it what its own code is over.
            self.fault(at, Fault::EventMissing);
        } else {
            let key = KeyId::from_number(row.key_id);
            let fits = |mac: HmacSha256| mac.verify_slice(&row.mac).is_ok();
            match seal::event_mac(self.keys, self.subject, row, &self.mac).map(fits) {
                Ok(true) => {}
                Err(source) if self.keys.knows(key) => {
                    right = false;
                    let subject = self.subject;
                    self.missing
                        .get_or_insert_with(|| Error::unreadable(subject, source));
                }
                // Under a key of that id it is another's, or the store never had one.
                Ok(false) | Err(_) => self.fault(at, Fault::EventAltered),
            }
        }
        if event.cursor <= self.cursor {
            self.fault(at, Fault::EventMoved);
        }
        self.check_notice(event);
        right &= self.looked.faults.len() == faults_before;
        self.passed(event, faults_before, right);
        (self.seq, self.mac) = (row.seq, row.mac);
        self.cursor = self.cursor.max(event.cursor);
        self.looked.events += 1;
        for (covered, cursor) in self.looked.covered.iter_mut().zip(self.bounds.cursors) {
            if event.cursor <= cursor {
                *covered = (row.seq, row.mac);
            }
        }
        for (hidden, cursor) in self.looked.hidden.iter_mut().zip(self.bounds.cursors) {
            *hidden &= event.cursor > cursor;
        }
    }

    pub(super) fn check_notice(&mut self, event: &SubjectEvent) {
        let row = &event.row;
        let Some(notice) = event.notice else {
            if row.notice {
                self.fault(Some(row.seq), Fault::NoticeMoved);
            }
            return;
        };
        if !row.notice || notice <= self.notice || notice <= row.notices_before {
            self.fault(Some(row.seq), Fault::NoticeMoved);
        }
        self.notice = self.notice.max(notice);
        let notices = &mut self.looked.notices;
        notices.greatest = notices.greatest.max(notice);
        if notice <= self.bounds.last_notice {
            notices.see(notice);
        }
    }

    /// # Errors
    ///
    /// [`Error::Unreadable`] where a key is missing that nobody has given up.
    pub(super) fn finish(mut self) -> Result<Looked, Error> {
        if let Some(missing) = self.missing.take() {
            return Err(missing);
        }
        if let Some(head) = self.head {
            if self.seq < head.seq {
                self.fault(Some(self.seq + 1), Fault::ChainCut);
            } else if self.seq == head.seq && self.mac != head.mac {
                self.fault(Some(self.seq), Fault::EventAltered);
            } else if self.seq == head.seq && !self.is_listed_right {
                self.fault(None, Fault::ListAltered);
            }
        }
        Ok(self.looked)
    }
}
