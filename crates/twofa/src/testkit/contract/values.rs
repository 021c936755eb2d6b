//! Values to fill a store with, and texts that trip stores up.

use std::ops::RangeInclusive;

use twofa_lifecycle::{LoginHash, LoginKind, ParkedLogin, Summary, SummaryState};
use twofa_types::UnixTime;

use super::{commit, open, wait};
use crate::testkit::harness::Harness;
use crate::testkit::site::{project, user};
use crate::{AuditRow, Change, Ends, Store, Subject};

pub(super) fn member(project_id: &str, user_id: &str) -> Subject {
    Subject::member(&project(project_id), &user(user_id))
}

pub(super) fn hash(number: u8) -> LoginHash {
    LoginHash::from_bytes([number; 32])
}

pub(super) fn parked(number: u8) -> ParkedLogin {
    ParkedLogin {
        id: hash(number),
        kind: LoginKind::Challenge,
        generation: 1,
        parked: UnixTime::from_secs(1_000),
        expires: UnixTime::from_secs(1_600),
        failures: 0,
    }
}

pub(super) fn event(seq: u64) -> AuditRow {
    AuditRow {
        seq,
        at: UnixTime::from_secs(1_000 + seq),
        event: "accepted".to_owned(),
        reason: Some("factor-active".to_owned()),
        actor: None,
        detail: Some(format!("offset={seq}")),
        generation: 3,
        notice: seq.is_multiple_of(2),
        notices_before: 0,
        key_id: 7,
        mac: [u8::try_from(seq % 251).unwrap_or(0); 32],
    }
}

/// A change in the making.
pub(super) struct Draft(Change);

impl Draft {
    pub(super) fn new(subject: &Subject, expected: u64) -> Self {
        Self(Change {
            subject: subject.clone(),
            expected,
            installation: 0,
            record: b"record".to_vec(),
            summary: Summary {
                state: SummaryState::Active,
                since: Some(UnixTime::from_secs(900)),
                last_used: None,
            },
            events: Vec::new(),
            park: None,
            ends: Ends::None,
            recovery: None,
        })
    }

    pub(super) fn under(mut self, installation: u64) -> Self {
        self.0.installation = installation;
        self
    }

    pub(super) fn record(mut self, bytes: &[u8]) -> Self {
        self.0.record = bytes.to_vec();
        self
    }

    pub(super) fn state(mut self, state: SummaryState) -> Self {
        self.0.summary.state = state;
        self
    }

    pub(super) fn events(mut self, seqs: RangeInclusive<u64>) -> Self {
        self.0.events = seqs.map(event).collect();
        self
    }

    pub(super) fn park(mut self, number: u8) -> Self {
        self.0.park = Some(parked(number));
        self
    }

    pub(super) fn ends(mut self, ends: Ends) -> Self {
        self.0.ends = ends;
        self
    }

    pub(super) fn change(self) -> Change {
        self.0
    }
}

/// Texts that must come back as they went in, and not be taken for each other.
pub(super) const TEXTS: [&str; 14] = [
    "A",
    "a",
    "a'; DROP TABLE factors; --",
    "a\"b\\c%d_e",
    "a b",
    "ann@example.com",
    "ANN@example.com",
    "e\u{301}",
    "\u{e9}",
    "Straße",
    "管理者@例え.jp",
    "\u{e000}",
    "\u{ffff}",
    "🔑🔑",
];

/// Ids and texts of any script come back byte for byte, and none is taken for another, whatever their case
/// and composition.
pub fn text_is_kept_byte_for_byte<H: Harness>(harness: &H) {
    let store = open(harness);
    let long = "ß".repeat(127);
    let texts: Vec<&str> = TEXTS.into_iter().chain([long.as_str()]).collect();
    for project_id in &texts {
        for user_id in &texts {
            let subject = member(project_id, user_id);
            let mut change = Draft::new(&subject, 0)
                .record(user_id.as_bytes())
                .events(1..=1);
            for event in &mut change.0.events {
                event.actor = Some((*user_id).to_owned());
                event.detail = Some((*project_id).to_owned());
            }
            commit(harness, &store, &change.change());
        }
    }
    for project_id in &texts {
        for user_id in &texts {
            let subject = member(project_id, user_id);
            let stored = wait(harness, store.load(&subject)).stored;
            assert_eq!(
                stored.map(|stored| (stored.version, stored.record)),
                Some((1, user_id.as_bytes().to_vec())),
                "broken promise: {user_id:?} of {project_id:?} is one person and no other"
            );
            let chain = wait(harness, store.chain(&subject, 0, 9));
            let texts = chain
                .first()
                .map(|event| (event.row.actor.as_deref(), event.row.detail.as_deref()));
            assert_eq!(
                (chain.len(), texts),
                (1, Some((Some(*user_id), Some(*project_id)))),
                "broken promise: an event's texts are kept"
            );
        }
        let listed = wait(harness, store.factors(&project(project_id), None, 99));
        let listed: Vec<_> = listed.iter().map(|row| row.user.as_str()).collect();
        let mut sorted = texts.clone();
        sorted.sort_unstable();
        assert_eq!(
            listed, sorted,
            "broken promise: a list is ordered by the bytes of its ids"
        );
    }
}
