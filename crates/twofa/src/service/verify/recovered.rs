//! What a recovery says of the damage that it was made on, and how far that goes: what it names is acknowledged and
//! listed as such, for ever; what came since is bad.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest as _, Sha256};
use twofa_lifecycle::EventKind;
use twofa_types::UnixTime;

use super::chain::{Chain, Looked};
use super::{BadPlace, Fault, Progress};
use crate::directory::Directory;
use crate::error::Error;
use crate::seal::push_text;
use crate::service::TwoFactor;
use crate::store::{Store, Subject, SubjectEvent};

/// Who answered for a fault, by recovering the record that it was found with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// A member's id, or an operator's name.
    pub by: Option<String>,
    /// When.
    pub at: UnixTime,
    /// On which ticket, where support or an operator did it.
    pub ticket: Option<String>,
}

/// On which chain a recovery is told a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum TwinOn {
    Project,
    Store,
    /// On none: neither can be written.
    None,
}

impl TwinOn {
    const ALL: [Self; 3] = [Self::Project, Self::Store, Self::None];

    const fn code(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Store => "store",
            Self::None => "none",
        }
    }
}

/// The detail of a recovery, which commits to what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct Evidence {
    pub(in crate::service) fault: Fault,
    pub(in crate::service) version: u64,
    /// The SHA-256 of the record as it lay there.
    pub(in crate::service) record: Option<[u8; 32]>,
    /// How many events there were.
    pub(in crate::service) rows: u64,
    /// Up to which event the chain was as it was written, since the recovery before.
    pub(in crate::service) whole_to: u64,
    /// The SHA-256 of the events after it as they lay there; none where all were as they were written.
    pub(in crate::service) rest: Option<[u8; 32]>,
    /// The code of the last event.
    pub(in crate::service) last: [u8; 32],
    /// Failures in a row that the factor goes on with.
    pub(in crate::service) failures: u32,
    pub(in crate::service) twin: TwinOn,
}

fn hex(bytes: &[u8; 32]) -> String {
    format!("{:x}", base16ct::HexDisplay(bytes))
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let read = base16ct::lower::decode(text, &mut bytes).ok()?.len();
    (read == bytes.len()).then_some(bytes)
}

struct Hash(Option<[u8; 32]>);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("none"),
            Some(hash) => write!(f, "sha256:{}", hex(hash)),
        }
    }
}

impl Hash {
    fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(None));
        }
        let hash = bytes(text.strip_prefix("sha256:")?)?;
        Some(Self(Some(hash)))
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "fault={} version={} record={} rows={} whole-to={} rest={} last={} failures={} twin={}",
            self.fault.code(),
            self.version,
            Hash(self.record),
            self.rows,
            self.whole_to,
            Hash(self.rest),
            hex(&self.last),
            self.failures,
            self.twin.code(),
        )
    }
}

impl Evidence {
    pub(in crate::service) fn parse(detail: &str) -> Option<Self> {
        let mut words = detail.split(' ');
        let mut next = |key: &str| {
            let value = words.next()?.strip_prefix(key)?;
            value.strip_prefix('=')
        };
        Some(Self {
            fault: Fault::from_code(next("fault")?)?,
            version: next("version")?.parse().ok()?,
            record: Hash::parse(next("record")?)?.0,
            rows: next("rows")?.parse().ok()?,
            whole_to: next("whole-to")?.parse().ok()?,
            rest: Hash::parse(next("rest")?)?.0,
            last: bytes(next("last")?)?,
            failures: next("failures")?.parse().ok()?,
            twin: {
                let code = next("twin")?;
                TwinOn::ALL.into_iter().find(|on| on.code() == code)?
            },
        })
    }
}

/// The detail of a twin: which recovery it tells of.
pub(in crate::service) fn twin_of(subject: &Subject, seq: u64, mac: &[u8; 32]) -> String {
    let whose = match (subject.project_key(), subject.user_key()) {
        (project, "") => format!("project {project}"),
        (_, user) => user.to_owned(),
    };
    format!("recovery={} seq={seq} of {whose}", hex(mac))
}

fn parse_twin(detail: &str) -> Option<[u8; 32]> {
    let (mac, _) = detail.strip_prefix("recovery=")?.split_once(' ')?;
    bytes(mac)
}

/// The events of a chain since the recovery before.
#[derive(Default)]
pub(in crate::service) struct Stretch {
    /// Where its faults begin among those of the chain.
    faults: Option<usize>,
    /// The last event before the first that is not as it was written.
    whole_to: u64,
    /// Those from there on.
    rest: Option<Sha256>,
}

impl Stretch {
    /// What follows an event up to which nothing is read again.
    pub(super) fn after(seq: u64) -> Self {
        Self {
            faults: None,
            whole_to: seq,
            rest: None,
        }
    }

    fn take(&mut self, event: &SubjectEvent, right: bool) {
        if right && self.rest.is_none() {
            self.whole_to = event.row.seq;
        } else {
            digest(self.rest.get_or_insert_default(), event);
        }
    }

    /// Up to where it is as it was written, and the digest of the rest.
    pub(in crate::service) fn found(&self) -> (u64, Option<[u8; 32]>) {
        let rest = self.rest.clone().map(|rest| rest.finalize().into());
        (self.whole_to, rest)
    }
}

/// All of an event as it lies there.
fn digest(into: &mut Sha256, event: &SubjectEvent) {
    let row = &event.row;
    let mut bytes = Vec::with_capacity(256);
    for number in [
        event.cursor,
        event.notice.map_or(0, |notice| notice.wrapping_add(1)),
        row.seq,
        row.at.as_secs(),
        row.generation.into(),
        row.notice.into(),
        row.notices_before,
        row.key_id.into(),
    ] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    push_text(&mut bytes, &row.event);
    for text in [&row.reason, &row.actor, &row.detail] {
        bytes.push(text.is_some().into());
        push_text(&mut bytes, text.as_deref().unwrap_or(""));
    }
    bytes.extend_from_slice(&row.mac);
    into.update(&bytes);
}

/// Where an event stands.
#[derive(Clone, Copy)]
struct Place {
    seq: u64,
    cursor: u64,
    mac: [u8; 32],
}

impl Place {
    fn of(event: &SubjectEvent) -> Self {
        Self {
            seq: event.row.seq,
            cursor: event.cursor,
            mac: event.row.mac,
        }
    }
}

/// What recoveries on one chain, and of others told there, say.
#[derive(Default)]
pub(super) struct Told {
    recoveries: Vec<(Place, Evidence)>,
    twins: Vec<Place>,
    pub(super) acknowledged: Vec<(u64, Fault, Acknowledged)>,
    /// Whether events may be gone that no fault of the chain shows any more.
    pub(super) torn: bool,
}

impl Chain<'_> {
    /// Goes on after an event, which is as it was written or not.
    pub(super) fn passed(&mut self, event: &SubjectEvent, faults_before: usize, right: bool) {
        let faults = *self.stretch.faults.get_or_insert(faults_before);
        if right && event.row.event == EventKind::Recovered.code() {
            let detail = event.row.detail.as_deref().unwrap_or_default();
            if let Some(evidence) = Evidence::parse(detail) {
                self.recovered(event, faults, evidence);
            } else if let Some(mac) = parse_twin(detail) {
                let place = Place {
                    mac,
                    ..Place::of(event)
                };
                self.looked.told.twins.push(place);
            }
        }
        self.stretch.take(event, right);
    }

    fn recovered(&mut self, event: &SubjectEvent, faults: usize, evidence: Evidence) {
        let row = &event.row;
        let detail = row.detail.as_deref().unwrap_or_default();
        let by = Acknowledged {
            by: row.actor.clone(),
            at: row.at,
            ticket: detail.split_once(" ticket ").map(|(_, t)| t.to_owned()),
        };
        let told = &mut self.looked.told;
        told.torn |= matches!(evidence.fault, Fault::RecordMissing | Fault::ChainCut);
        if self.stretch.found() == (evidence.whole_to, evidence.rest) {
            for (seq, fault) in self.looked.faults.drain(faults..) {
                told.torn = true;
                let seq = seq.unwrap_or(row.seq);
                told.acknowledged.push((seq, fault, by.clone()));
            }
            if self.missing.take().is_some() {
                let first = evidence.whole_to + 1;
                let fault = Fault::KeyMissing;
                told.acknowledged.push((first, fault, by.clone()));
            }
        }
        told.acknowledged.push((row.seq, evidence.fault, by));
        told.recoveries.push((Place::of(event), evidence));
        self.stretch = Stretch {
            faults: Some(self.looked.faults.len()),
            whole_to: self.seq,
            rest: None,
        };
    }
}

/// Recoveries and their twins, of all chains.
#[derive(Default)]
pub(super) struct Recoveries {
    all: Vec<(Subject, Place, Evidence)>,
    twins: Vec<(Subject, Place)>,
    /// Up to which cursor events were archived of each project; of the installation under the empty text.
    archived: BTreeMap<String, u64>,
    /// Projects in which one of the two may be gone with what a recovery acknowledged; empty for the installation.
    torn: BTreeSet<String>,
}

impl Recoveries {
    /// Those after `since`: of the ones before, what belongs together may not have been read.
    pub(super) fn add(&mut self, subject: &Subject, looked: &mut Looked, since: u64) {
        let told = std::mem::take(&mut looked.told);
        let recent = told
            .recoveries
            .into_iter()
            .filter(|(at, _)| at.cursor > since);
        let of = |(at, evidence)| (subject.clone(), at, evidence);
        self.all.extend(recent.map(of));
        let recent = told.twins.into_iter().filter(|at| at.cursor > since);
        self.twins.extend(recent.map(|at| (subject.clone(), at)));
        if let Some(checkpoint) = &looked.checkpoint {
            let project = subject.project_key().to_owned();
            let up_to = self.archived.entry(project).or_default();
            *up_to = checkpoint.cursor.max(*up_to);
        }
        if told.torn {
            self.torn.insert(subject.project_key().to_owned());
        }
    }
}

impl Recoveries {
    /// Whether what was written beside an event may have been archived: in a project, or for the installation's chain
    /// anywhere.
    fn is_archived(&self, project: &str, cursor: u64) -> bool {
        // Both were written in one transaction, one right after the other.
        let goes_beyond = |up_to: &u64| up_to.saturating_add(1) >= cursor;
        match project {
            "" => self.archived.values().any(goes_beyond),
            project => self.archived.get(project).is_some_and(goes_beyond),
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Each recovery is told twice, and what it took the place of is kept as it was found.
    pub(super) async fn check_recoveries(
        &self,
        whole_store: bool,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let recoveries = std::mem::take(&mut progress.recoveries);
        let told: BTreeSet<_> = recoveries.twins.iter().map(|(_, at)| at.mac).collect();
        for (subject, at, evidence) in &recoveries.all {
            let twin_of = match evidence.twin {
                TwinOn::Project => Some(subject.project_key()),
                TwinOn::Store => Some("").filter(|_| whole_store),
                TwinOn::None => None,
            };
            let may_be_gone = |chain: &str| {
                recoveries.torn.contains(subject.project_key())
                    || recoveries.is_archived(chain, at.cursor)
            };
            if twin_of.is_some_and(|chain| !told.contains(&at.mac) && !may_be_gone(chain)) {
                progress.bad(subject, Some(at.seq), Fault::RecoveryUntold);
            }
            let Some(record) = evidence.record else {
                continue;
            };
            let remains = self.store.remains(subject).await.map_err(Error::store)?;
            let is_kept = remains.damaged.iter().any(|kept| {
                let found: [u8; 32] = Sha256::digest(&kept.record).into();
                found == record
            });
            if !is_kept {
                progress.bad(subject, Some(at.seq), Fault::DamagedRecordLost);
            }
        }
        let known: BTreeSet<_> = recoveries.all.iter().map(|(_, at, _)| at.mac).collect();
        for (subject, at) in &recoveries.twins {
            let project = subject.project_key();
            // One on the installation's chain may tell of any project.
            let may_be_gone = match project {
                "" => !recoveries.torn.is_empty(),
                project => recoveries.torn.contains(project),
            };
            if !known.contains(&at.mac)
                && !may_be_gone
                && !recoveries.is_archived(project, at.cursor)
            {
                progress.bad(subject, Some(at.seq), Fault::RecoveryMissing);
            }
        }
        Ok(())
    }
}

impl Progress<'_> {
    /// Lists what a recovery answered for.
    pub(super) fn acknowledge(&mut self, subject: &Subject, looked: &mut Looked) {
        for (seq, fault, by) in std::mem::take(&mut looked.told.acknowledged) {
            self.found.acknowledged += 1;
            self.watch.bad(&BadPlace {
                subject: subject.clone(),
                seq: Some(seq),
                fault,
                acknowledged: Some(by),
            });
        }
    }
}
