//! Whether the audit is whole: every chain, link by link, up to the head that its record holds.

use hmac::Mac as _;
use twofa_lifecycle::ChainHead;
use twofa_types::ProjectId;

use super::TwoFactor;
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::installation::Installation;
use crate::keyring::KeyringError;
use crate::keys::Keys;
use crate::retry::Tries;
use crate::seal;
use crate::store::{AuditRow, Store, Stored, Subject, is_full};

/// How many rows are read at a time.
const PAGE: u32 = 500;

/// What a check of the audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Records whose chains were checked to the end.
    pub factors: u64,
    /// Events that were checked.
    pub events: u64,
    /// The first place that is not as it was written; `None` when everything is.
    pub first_bad: Option<FirstBad>,
}

/// A place in the audit that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstBad {
    /// Whose chain.
    pub subject: Subject,
    /// The number of the event, where one is at fault.
    pub seq: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a place in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// An event is not what was written: edited, inserted, reordered, or moved here from elsewhere.
    EventAltered,
    /// An event is missing before this one.
    EventMissing,
    /// Events are missing at the end.
    ChainCut,
    /// Events go on past the record's head: the record was put back to an earlier state.
    RecordRolledBack,
    /// The record is not what was written for this subject.
    RecordAltered,
    /// There are events but no record.
    RecordMissing,
    /// A key is not in the ring, so that nothing can be said.
    KeyMissing,
}

impl Fault {
    /// A stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::EventAltered => "event-altered",
            Self::EventMissing => "event-missing",
            Self::ChainCut => "chain-cut",
            Self::RecordRolledBack => "record-rolled-back",
            Self::RecordAltered => "record-altered",
            Self::RecordMissing => "record-missing",
            Self::KeyMissing => "key-missing",
        }
    }
}

/// How many events a chain has, or where it is bad.
type Checked = Result<u64, (Option<u64>, Fault)>;

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Checks every chain of a project, or of all, and names the first bad place. Logins may go on meanwhile.
    ///
    /// What it cannot find: a chain and its record removed or put back *together*. Against that, keep the
    /// notices that were mailed, or copy the audit elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when the store cannot be read; [`Error::Contended`] when one factor never stands still.
    pub async fn audit_verify(&self, project: Option<&ProjectId>) -> Result<Verification, Error> {
        let mut found = Verification {
            factors: 0,
            events: 0,
            first_bad: None,
        };
        let mut after: Option<Subject> = None;
        loop {
            let page = self.store.subjects(project, after.as_ref(), PAGE).await;
            let page = page.map_err(Error::store)?;
            after = page
                .last()
                .filter(|_| is_full(&page, PAGE))
                .map(|(subject, _)| subject.clone());
            for (subject, stored) in page {
                // Its chain is checked like any other, and counted as nobody's.
                let counts = u64::from(subject != Subject::installation());
                match self.check_subject(&subject, stored).await? {
                    Ok(events) => found.events += events * counts,
                    Err((seq, fault)) => {
                        found.first_bad = Some(FirstBad {
                            subject,
                            seq,
                            fault,
                        });
                        return Ok(found);
                    }
                }
                found.factors += counts;
            }
            if after.is_none() {
                break;
            }
        }
        let orphans = self.store.orphans(project, 1).await.map_err(Error::store)?;
        found.first_bad = orphans.into_iter().next().map(|subject| FirstBad {
            subject,
            seq: None,
            fault: Fault::RecordMissing,
        });
        Ok(found)
    }

    /// A chain may have grown since its record was read, or the keys moved on, so that one that looks wrong counts
    /// only once both stand still.
    async fn check_subject(&self, subject: &Subject, mut stored: Stored) -> Result<Checked, Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let keys = self.keys().await?;
            let checked = self.check_chain(&keys, subject, &stored).await?;
            if checked.is_ok() {
                return Ok(checked);
            }
            if self.later_keys(&keys).await?.is_some() {
                tries.again().await?;
                continue;
            }
            let latest = self.store.load(subject).await.map_err(Error::store)?;
            match latest.filter(|latest| latest.version != stored.version) {
                Some(latest) => stored = latest,
                None => return Ok(checked),
            }
            tries.again().await?;
        }
    }

    async fn check_chain(
        &self,
        keys: &Keys,
        subject: &Subject,
        stored: &Stored,
    ) -> Result<Checked, Error> {
        let head = match head_of(keys, subject, stored) {
            Ok(head) => head,
            Err(RestError::Key(KeyringError::Unknown { .. })) => {
                return Ok(Err((None, Fault::KeyMissing)));
            }
            Err(_) => return Ok(Err((None, Fault::RecordAltered))),
        };
        let (mut seq, mut mac, mut events) = (0, [0; 32], 0);
        loop {
            let rows = self
                .store
                .chain(subject, seq, PAGE)
                .await
                .map_err(Error::store)?;
            for row in &rows {
                if let Err(fault) = check_link(keys, subject, row, seq, &mac, head.seq) {
                    return Ok(Err((Some(row.seq), fault)));
                }
                (seq, mac) = (row.seq, row.mac);
                events += 1;
            }
            if !is_full(&rows, PAGE) {
                break;
            }
        }
        Ok(if seq < head.seq {
            Err((Some(seq + 1), Fault::ChainCut))
        } else if mac == head.mac {
            Ok(events)
        } else {
            Err((Some(seq), Fault::EventAltered))
        })
    }
}

/// Where a record says that its chain stands.
fn head_of(keys: &Keys, subject: &Subject, stored: &Stored) -> Result<ChainHead, RestError> {
    if *subject == Subject::installation() {
        let body = seal::open_body(keys, subject, stored)?;
        return Ok(Installation::decode(body)?.chain);
    }
    Ok(seal::open_record(keys, subject, stored)?.chain())
}

fn check_link(
    keys: &Keys,
    subject: &Subject,
    row: &AuditRow,
    before: u64,
    mac: &[u8; 32],
    head: u64,
) -> Result<(), Fault> {
    if row.seq > head {
        return Err(Fault::RecordRolledBack);
    }
    if row.seq != before + 1 {
        return Err(Fault::EventMissing);
    }
    let expected = seal::event_mac(keys, subject, row, mac).map_err(|_| Fault::KeyMissing)?;
    expected
        .verify_slice(&row.mac)
        .map_err(|_| Fault::EventAltered)
}
