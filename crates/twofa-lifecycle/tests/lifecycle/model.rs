//! Random sequences of commands against a model that keeps sets and sums instead of a record. Among them are damage
//! and recovery: in no order of those with anything else does an old code, an old proof or an old login count again.

use std::collections::BTreeSet;

mod answers;
mod recovery;
mod script;

use recovery::Proof;
use script::{Happens, Typed, happens};

use crate::world::{App, START, World, login_hash};
use proptest::prelude::*;
use twofa_lifecycle::{
    AcceptedBy, ChainHead, Command, EventKind, LoginEffect, LoginKind, Outcome, ParkedLogin,
};
use twofa_policy::{Handover, Reason};
use twofa_totp::{Code, Params, Secret};
use twofa_types::UnixTime;
/// A key as the model knows it: which app, the steps it has spent, how its clock has been.
#[derive(Debug, Clone)]
struct Spent {
    app: usize,
    steps: BTreeSet<u64>,
    drift: i64,
}

#[derive(Debug, Clone)]
struct Waiting {
    app: usize,
    login: u8,
    expires: UnixTime,
}

#[derive(Debug, Clone, Default)]
struct Model {
    generation: u32,
    in_use: Option<Spent>,
    waiting: Option<Waiting>,
    was_reset: bool,
    handover: Option<String>,
    failures: u32,
    locked_until: Option<UnixTime>,
    noted: bool,
    latest: UnixTime,
    chain: ChainHead,
}

/// What the model expects of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Accepted(AcceptedBy),
    Refused(Reason),
}

struct Play {
    world: World,
    model: Model,
    apps: Vec<App>,
    logins: Vec<(u8, ParkedLogin)>,
    next_login: u8,
    /// Every (key, step) that was ever accepted.
    accepted: BTreeSet<(usize, u64)>,
    answered: u32,
    /// Whether what is stored cannot be read, so that nothing but a recovery can begin.
    damaged: bool,
    /// One for each acceptance.
    proofs: Vec<Proof>,
}

const WAITS: [u64; 9] = [0, 0, 0, 30, 60, 120, 300, 900, 3600];

impl Play {
    fn new() -> Self {
        Self {
            world: World::new(),
            model: Model {
                generation: 1,
                ..Model::default()
            },
            apps: Vec::new(),
            logins: Vec::new(),
            next_login: 0,
            accepted: BTreeSet::new(),
            answered: 0,
            damaged: false,
            proofs: Vec::new(),
        }
    }

    fn behind(&self) -> bool {
        self.world.now.saturating_add(120) < self.model.latest
    }

    fn hard(&self) -> bool {
        self.model.failures >= 100
    }

    fn locked(&self) -> bool {
        self.hard()
            || self
                .model
                .locked_until
                .is_some_and(|until| until > self.world.now)
    }

    fn wrote(&mut self) {
        self.model.latest = self.model.latest.max(self.world.now);
    }

    fn waiting_expired(&self) -> bool {
        self.model
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.expires <= self.world.now)
    }

    fn new_login(&mut self) -> u8 {
        self.next_login = self.next_login.wrapping_add(1);
        self.next_login
    }

    fn park(&mut self, n: u8, kind: LoginKind) {
        let login = self.world.park(n, kind);
        self.logins.push((n, login));
    }

    fn happen(&mut self, what: &Happens) {
        if self.damaged && !matches!(what, Happens::Recover { .. }) {
            return self.happen_to_what_is_damaged(what);
        }
        match what {
            Happens::Tick(seconds) => self.world.tick(*seconds),
            Happens::TickBack(seconds) => {
                self.world.now = self.world.now.saturating_sub(*seconds).max(START);
            }
            Happens::Begin => self.begin(false),
            Happens::BeginReplacement => self.begin(true),
            Happens::Park(kind) => {
                let n = self.new_login();
                self.park(n, *kind);
            }
            Happens::Code {
                login,
                app,
                steps,
                handover,
                stored,
            } => {
                let Some(at) = self.apps.len().checked_sub(1 + app) else {
                    return;
                };
                let code = self.apps[at].code(self.world.now, *steps);
                self.answer(*login, &code, *handover, *stored);
            }
            Happens::Wrong { login, handover } => {
                let Some(app) = self.apps.last() else { return };
                let code = app.wrong(self.world.now, 30);
                self.answer(*login, &code, *handover, true);
            }
            Happens::Malformed { login } => {
                self.answer(*login, &Code::parse("1234567").unwrap(), Typed::Right, true);
            }
            Happens::Reset {
                support,
                handover,
                stale,
                stored,
            } => {
                self.reset(*support, *handover, *stale, *stored);
            }
            Happens::Import => self.import(),
            Happens::Damage => self.damaged = true,
            Happens::Recover {
                damaged,
                support,
                known,
                failures,
                ordinary,
                stored,
            } => {
                self.damaged |= *damaged;
                let grant = self.recovery(*support, *known, *ordinary);
                self.recover(grant, *ordinary, *failures, *stored);
            }
            Happens::Expire => {
                let expected = self.waiting_expired() && !self.behind();
                let done = self.world.apply(Command::Expire);
                assert_eq!(matches!(done.outcome, Outcome::Expired), expected);
                if expected {
                    self.model.waiting = None;
                    self.wrote();
                }
            }
        }
        self.compare();
    }

    fn begin(&mut self, replace: bool) {
        let n = self.new_login();
        let login = login_hash(n);
        let expected = if self.behind() {
            Some(Reason::ClockBehind)
        } else if replace && self.model.in_use.is_none() {
            Some(Reason::NothingToReplace)
        } else if !replace && self.model.in_use.is_some() {
            Some(Reason::AlreadySetUp)
        } else if self.locked() {
            Some(Reason::Locked)
        } else {
            None
        };
        let done = self.world.apply(if replace {
            Command::BeginReplacement { login }
        } else {
            Command::BeginEnrolment { login }
        });
        if let Some(reason) = expected {
            assert_eq!(done.reason(), reason);
            return;
        }
        self.apps.push(World::app(&done));
        self.model.waiting = Some(Waiting {
            app: self.apps.len() - 1,
            login: n,
            expires: self.world.now.saturating_add(600),
        });
        self.wrote();
        self.park(
            n,
            if replace {
                LoginKind::Replace
            } else {
                LoginKind::Enrol
            },
        );
    }

    fn reset(&mut self, support: bool, handover: bool, stale: bool, stored: bool) {
        let generation = self.model.generation - u32::from(stale);
        let grant = if support {
            crate::world::support_grant_for(generation, self.world.now)
        } else {
            crate::world::grant_for(generation, self.world.now)
        };
        let required = if handover {
            Handover::Required
        } else {
            Handover::NotRequired
        };
        let command = Command::Reset {
            grant,
            handover: required,
        };
        if !stored {
            let _ = self.world.rehearse(command).unwrap();
            return;
        }
        let nothing = self.model.in_use.is_none()
            && self.model.waiting.is_none()
            && !self.model.was_reset
            && self.model.failures == 0;
        let expected = if self.behind() && !support {
            Some(Reason::ClockBehind)
        } else if stale {
            Some(Reason::Superseded)
        } else if nothing {
            Some(Reason::NothingToReset)
        } else {
            None
        };
        let done = self.world.apply(command);
        if let Some(reason) = expected {
            assert_eq!(done.reason(), reason);
            if reason != Reason::ClockBehind {
                assert_eq!(done.kinds(), [EventKind::ResetRefused]);
                self.wrote();
            }
            return;
        }
        let Outcome::Reset { handover: code, .. } = &done.outcome else {
            panic!("{:?}", done.outcome)
        };
        assert_eq!(done.login, LoginEffect::EndAll);
        // Some stores are slow to end them; then the generation has to.
        if !support {
            self.logins.clear();
        }
        let latest = if support {
            self.world.now
        } else {
            self.model.latest.max(self.world.now)
        };
        self.model = Model {
            generation: self.model.generation + 1,
            was_reset: true,
            handover: code.as_ref().map(|code| code.expose_secret().to_owned()),
            latest,
            chain: self.model.chain,
            ..Model::default()
        };
        self.void_proofs(false);
    }

    fn import(&mut self) {
        let n = u8::try_from(self.apps.len() % 200).unwrap();
        let secret =
            Secret::from_bytes(&[n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]).unwrap();
        let params = Params::default();
        let free =
            self.model.in_use.is_none() && (self.model.waiting.is_none() || self.waiting_expired());
        let behind = self.behind();
        let done = self.world.apply(Command::Import {
            secret: &secret,
            params,
            by: None,
            again: false,
        });
        if behind || !free {
            let reason = if behind {
                Reason::ClockBehind
            } else {
                Reason::AlreadySetUp
            };
            assert_eq!(done.reason(), reason);
            return;
        }
        if self.model.was_reset {
            assert_eq!(done.reason(), Reason::AlreadyReset);
            return;
        }
        self.apps.push(App::new(&secret, params));
        self.model.in_use = Some(Spent {
            app: self.apps.len() - 1,
            steps: BTreeSet::new(),
            drift: 0,
        });
        self.model.waiting = None;
        self.wrote();
    }

    /// The record says what the model says.
    fn compare(&self) {
        let record = &self.world.record;
        self.compare_proofs();
        assert_eq!(record.generation(), self.model.generation);
        assert_eq!(record.chain(), self.model.chain);
        assert_eq!(
            record.throttle().failures(),
            self.model.failures,
            "failures exact"
        );
        let until = if self.hard() {
            None
        } else {
            self.model.locked_until
        };
        assert_eq!(record.throttle().until(), until);
        let view = record.view();
        assert_eq!(view.reset_by.is_some(), self.model.was_reset);
        assert_eq!(view.last_event.unwrap_or_default(), self.model.latest);
        assert_eq!(view.lock.holds(self.world.now), self.locked());
        match (record.state(), &self.model.in_use) {
            (twofa_lifecycle::State::Active(active), Some(key)) => {
                assert_eq!(
                    active.last_step.map(twofa_totp::Step::value),
                    key.steps.last().copied()
                );
                assert_eq!(i64::from(active.drift.steps()), key.drift);
                assert_eq!(active.replacement.is_some(), self.model.waiting.is_some());
            }
            (twofa_lifecycle::State::Pending { .. }, None) => assert!(self.model.waiting.is_some()),
            (twofa_lifecycle::State::Reset(_) | twofa_lifecycle::State::None, None) => {
                assert!(self.model.waiting.is_none());
            }
            (state, key) => panic!("{state:?} beside {key:?}"),
        }
    }
}

proptest! {
    #![proptest_config(crate::world::cases(4))]

    #[test]
    fn no_order_of_events_cheats(script in prop::collection::vec(happens(), 1..120)) {
        let mut play = Play::new();
        for what in &script {
            play.happen(what);
        }
    }
}

/// A model that is never asked much would prove little.
#[test]
fn the_sequences_reach_what_they_are_meant_to() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(happens(), 120..=120);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut accepted = 0;
    let mut answered = 0;
    let mut after_recovery = 0;
    for _ in 0..200 {
        let mut play = Play::new();
        for what in &strategy.new_tree(&mut runner).unwrap().current() {
            play.happen(what);
        }
        accepted += play.accepted.len();
        answered += play.answered;
        let kinds: Vec<EventKind> = play.world.events.iter().map(|event| event.kind).collect();
        let recovered = kinds.iter().position(|kind| *kind == EventKind::Recovered);
        after_recovery += kinds[recovered.unwrap_or(kinds.len())..]
            .iter()
            .filter(|kind| **kind == EventKind::EnrolmentConfirmed)
            .count();
        told.extend(play.world.events.iter().map(|event| event.kind.code()));
    }
    for kind in [
        "enrolment-begun",
        "enrolment-confirmed",
        "enrolment-expired",
        "accepted",
        "failed",
        "replayed",
        "throttled",
        "reset-granted",
        "reset-refused",
        "support-reset",
        "replacement-begun",
        "replaced",
        "imported",
        "recovered",
    ] {
        assert!(told.contains(kind), "{kind} in {told:?}");
    }
    assert!(accepted > 400, "{accepted} accepted of {answered}");
    assert!(
        after_recovery > 20,
        "{after_recovery} accepted after a recovery"
    );
}
