//! A factor with everything around it that a test needs: a vault, a clock, logins, an app that shows codes.

use std::{cell::Cell, rc::Rc};

use proptest::test_runner::Config as ProptestConfig;
use twofa_lifecycle::{
    AcceptedBy, Active, ChainHead, Command, Config, Context, Damage, Event, EventKind, LoginEffect,
    LoginHash, LoginKind, Outcome, ParkedLogin, PendingKey, Random, Record, Rejection,
    SealedSecret, State, Transition, Vault, step,
};
use twofa_policy::{
    FactorState, FactorView, Handover, Help, How, MissingKey, ProjectSettings, ProofFacts, Reason,
    ResetGrant, ResetRequest, Role, SupportResetRequest, authorize_reset, authorize_support_reset,
};
use twofa_totp::{Code, Params, Secret, Totp};
use twofa_types::{ProjectId, UnixTime, UserId};

/// 1 December 2022, the start of a step.
pub const START: UnixTime = UnixTime::from_secs(1_669_852_800);

/// So many times the usual number of cases, 256 unless `PROPTEST_CASES` says otherwise.
pub fn cases(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.saturating_mul(times),
        failure_persistence: None,
        ..usual
    }
}

/// Remembers the generation in the clear and counts how often it was opened.
#[derive(Debug, Default)]
pub struct TestVault {
    pub opened: Cell<u32>,
    pub broken: Cell<bool>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct VaultError;

impl Vault for TestVault {
    type Error = VaultError;

    fn seal(
        &self,
        generation: u32,
        secret: &Secret,
        nonce: &[u8; 24],
    ) -> Result<SealedSecret, VaultError> {
        if self.broken.get() {
            return Err(VaultError);
        }
        let mut bytes = generation.to_le_bytes().to_vec();
        bytes.extend_from_slice(nonce);
        bytes.extend(secret.expose_secret().iter().map(|b| b ^ 0xa5));
        SealedSecret::from_bytes(&bytes).map_err(|_| VaultError)
    }

    fn open(&self, generation: u32, sealed: &SealedSecret) -> Result<Secret, VaultError> {
        self.opened.set(self.opened.get() + 1);
        let (sealed_for, rest) = sealed.as_bytes().split_at(4);
        if self.broken.get() || sealed_for != generation.to_le_bytes() {
            return Err(VaultError);
        }
        let secret: Vec<u8> = rest[24..].iter().map(|b| b ^ 0xa5).collect();
        Secret::from_bytes(&secret).map_err(|_| VaultError)
    }
}

/// One person's factor, and the clock on the wall.
pub struct World {
    pub record: Record,
    pub now: UnixTime,
    pub config: Config,
    pub vault: TestVault,
    pub events: Vec<Event>,
    fresh: u8,
}

/// What a step came to, once it is stored.
#[derive(Debug)]
pub struct Done {
    pub outcome: Outcome,
    pub events: Vec<Event>,
    pub login: LoginEffect,
    pub wrote: bool,
}

impl Done {
    pub fn rejection(&self) -> Rejection {
        match &self.outcome {
            Outcome::Rejected(rejection) => *rejection,
            other => panic!("not rejected: {other:?}"),
        }
    }

    pub fn reason(&self) -> Reason {
        self.rejection().reason
    }

    pub fn accepted(&self) -> AcceptedBy {
        match &self.outcome {
            Outcome::Accepted { by, .. } => *by,
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub fn is_accepted(&self) -> bool {
        matches!(self.outcome, Outcome::Accepted { .. })
    }

    pub fn kinds(&self) -> Vec<EventKind> {
        self.events.iter().map(|event| event.kind).collect()
    }
}

/// The app on the phone.
#[derive(Clone)]
pub struct App(pub Rc<Totp>);

impl App {
    pub fn new(secret: &Secret, params: Params) -> Self {
        Self(Rc::new(Totp::new(secret, params)))
    }

    /// What it shows at `now`, moved by whole steps.
    pub fn code(&self, now: UnixTime, steps: i64) -> Code {
        let at = self
            .0
            .step_at(now)
            .value()
            .checked_add_signed(steps)
            .unwrap();
        self.0.generate_step(twofa_totp::Step::from_value(at))
    }

    /// A code that belongs to no step within `reach` of `now`.
    pub fn wrong(&self, now: UnixTime, reach: i64) -> Code {
        let near: Vec<String> = (-reach..=reach)
            .filter_map(|by| self.0.step_at(now).value().checked_add_signed(by))
            .map(|step| self.0.generate_step(twofa_totp::Step::from_value(step)))
            .map(|code| code.expose().to_string())
            .collect();
        let width = usize::from(self.0.params().digits().get());
        (0..100)
            .map(|n| format!("{n:0width$}"))
            .find(|text| !near.contains(text))
            .and_then(|text| Code::parse(&text).ok())
            .unwrap()
    }
}

pub fn login_hash(n: u8) -> LoginHash {
    LoginHash::from_bytes([n; 32])
}

pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

impl World {
    pub fn new() -> Self {
        Self {
            record: Record::new(),
            now: START,
            config: Config::default(),
            vault: TestVault::default(),
            events: Vec::new(),
            fresh: 0,
        }
    }

    pub fn tick(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(seconds);
    }

    pub fn random(&mut self) -> Random {
        self.fresh = self.fresh.wrapping_add(1);
        let mut secret = [self.fresh; 64];
        for (place, byte) in (0_u8..).zip(secret.iter_mut()) {
            *byte = byte.wrapping_mul(31).wrapping_add(place.wrapping_mul(7));
        }
        Random {
            secret,
            nonce: [self.fresh; 24],
            handover: [self.fresh.wrapping_mul(73); 10],
        }
    }

    /// A step that is not stored.
    pub fn rehearse(&mut self, command: Command<'_>) -> Result<Transition, VaultError> {
        let random = self.random();
        let context = Context {
            now: self.now,
            random: &random,
            vault: &self.vault,
            config: &self.config,
        };
        step(&self.record, command, &context)
    }

    /// A step that is stored, as it would be by a service: through its encoding.
    pub fn apply(&mut self, command: Command<'_>) -> Done {
        let parts = self.rehearse(command).unwrap().into_parts();
        assert_eq!(
            parts.record.is_some(),
            !parts.events.is_empty(),
            "whatever is written is told, and whatever is told is written"
        );
        if let Some(record) = &parts.record {
            self.record = Record::decode(&record.encode()).unwrap();
            assert_eq!(&self.record, record);
        }
        self.events.extend(parts.events.iter().cloned());
        Done {
            outcome: parts.outcome,
            events: parts.events,
            login: parts.login,
            wrote: parts.record.is_some(),
        }
    }

    pub fn park(&self, n: u8, kind: LoginKind) -> ParkedLogin {
        ParkedLogin::park(login_hash(n), kind, &self.record, self.now, &self.config)
    }

    /// Answers, and does to the login what the answer says.
    pub fn answer(&mut self, login: &mut ParkedLogin, code: &Code) -> Done {
        self.answer_with(login, code, None)
    }

    pub fn answer_with(
        &mut self,
        login: &mut ParkedLogin,
        code: &Code,
        handover: Option<&str>,
    ) -> Done {
        let parked = *login;
        let done = self.apply(Command::Answer {
            login: &parked,
            code,
            handover,
        });
        match done.login {
            LoginEffect::CountFailure => login.failures += 1,
            // An ended login is gone from the store; here it would be answered as any other expired one.
            LoginEffect::End | LoginEffect::EndAll => login.expires = UnixTime::EPOCH,
            LoginEffect::Keep => {}
        }
        done
    }

    /// Begins a set-up and parks its login.
    pub fn begin(&mut self, n: u8) -> (App, ParkedLogin) {
        let done = self.apply(Command::BeginEnrolment {
            login: login_hash(n),
        });
        (Self::app(&done), self.park(n, LoginKind::Enrol))
    }

    pub fn begin_replacement(&mut self, n: u8) -> (App, ParkedLogin) {
        let done = self.apply(Command::BeginReplacement {
            login: login_hash(n),
        });
        (Self::app(&done), self.park(n, LoginKind::Replace))
    }

    pub fn app(done: &Done) -> App {
        match &done.outcome {
            Outcome::Enrolment { secret, params, .. } => App::new(secret, *params),
            other => panic!("no key was made: {other:?}"),
        }
    }

    /// A factor in use, its first code spent, and the clock one minute on.
    pub fn enrolled() -> (Self, App) {
        let mut world = Self::new();
        let app = world.enrol(200);
        world.tick(60);
        (world, app)
    }

    pub fn enrol(&mut self, n: u8) -> App {
        let (app, mut login) = self.begin(n);
        let code = app.code(self.now, 0);
        assert_eq!(
            self.answer(&mut login, &code).accepted(),
            AcceptedBy::Confirmed
        );
        app
    }

    /// A fresh challenge answered with the code of `now` moved by `steps`.
    pub fn challenge(&mut self, app: &App, steps: i64) -> Done {
        let mut login = self.park(100, LoginKind::Challenge);
        let code = app.code(self.now, steps);
        self.answer(&mut login, &code)
    }

    /// Fresh logins with wrong codes, waiting out each lock, until `failures` more are counted.
    pub fn fail(&mut self, app: &App, failures: u32) {
        for _ in 0..failures {
            if let Some(until) = self.record.throttle().until() {
                self.now = self.now.max(until);
            }
            let mut login = self.park(101, LoginKind::Challenge);
            let code = app.wrong(self.now, 25);
            assert_eq!(self.answer(&mut login, &code).reason(), Reason::WrongCode);
        }
    }

    pub fn active(&self) -> &Active {
        match self.record.state() {
            State::Active(active) => active,
            other => panic!("not active: {other:?}"),
        }
    }

    pub fn pending(&self) -> &PendingKey {
        match self.record.state() {
            State::Pending { pending, .. } => pending,
            other => panic!("not pending: {other:?}"),
        }
    }

    /// A grant as policy gives it to an administrator of the project, for this record as it stands.
    pub fn grant(&self) -> ResetGrant {
        grant_for(self.record.generation(), self.now)
    }

    pub fn support_grant(&self) -> ResetGrant {
        support_grant_for(self.record.generation(), self.now)
    }

    /// The record is damaged, and an administrator recovers it: what is done on what stands for it is written over
    /// it.
    pub fn recover(&mut self, generation_floor: u32, failures_floor: u32) -> Done {
        self.record = Record::new();
        self.apply(Command::Recover {
            grant: recovery_by_ada(generation_floor, self.now),
            found: Damage {
                listed: None,
                generation_floor,
                chain: ChainHead::default(),
                failures_floor,
            },
        })
    }

    pub fn reset(&mut self, handover: Handover) -> Done {
        let grant = self.grant();
        self.apply(Command::Reset { grant, handover })
    }
}

fn someone(state: FactorState, now: UnixTime) -> FactorView {
    FactorView {
        state,
        last_event: Some(now),
        ..FactorView::NONE
    }
}

pub fn grant_for(generation: u32, now: UnixTime) -> ResetGrant {
    by_ada(someone(FactorState::Active, now), generation, now)
}

pub fn support_grant_for(generation: u32, now: UnixTime) -> ResetGrant {
    by_grace(someone(FactorState::Active, now), generation, now)
}

/// A grant as policy gives it to an administrator for a record that is damaged.
pub fn recovery_by_ada(generation: u32, now: UnixTime) -> ResetGrant {
    by_ada(FactorView::UNREADABLE, generation, now)
}

/// A grant as policy gives it to support for a record whose key is missing.
pub fn recovery_by_grace(generation: u32, now: UnixTime) -> ResetGrant {
    by_grace(FactorView::KEY_MISSING, generation, now)
}

fn by_ada(subject_factor: FactorView, generation: u32, now: UnixTime) -> ResetGrant {
    let (project, ada, bob) = (ProjectId::new("acme").unwrap(), user("ada"), user("bob"));
    let proof = ProofFacts {
        project: &project,
        user: &ada,
        when: now,
        how: How::Code,
        generation: 1,
    };
    authorize_reset(&ResetRequest {
        settings: Some(&ProjectSettings::new()),
        project: &project,
        proof: Some(proof),
        actor_factor: someone(FactorState::Active, now),
        actor_generation: 1,
        actor_role: Some(Role::Administrator),
        subject: &bob,
        subject_factor,
        subject_generation: generation,
        now,
    })
    .expect("an administrator with a fresh proof")
}

fn by_grace(subject_factor: FactorView, generation: u32, now: UnixTime) -> ResetGrant {
    let (project, bob) = (ProjectId::new("acme").unwrap(), user("bob"));
    let (grant, _) = authorize_support_reset(&SupportResetRequest {
        settings: Some(&ProjectSettings::new()),
        project: &project,
        operator: "grace",
        ticket: "T-1042",
        subject: &bob,
        subject_factor,
        subject_generation: generation,
        missing_key: MissingKey::GivenUp,
        help: Help::SupportOnly,
        now,
    })
    .expect("an operator with a ticket");
    grant
}
