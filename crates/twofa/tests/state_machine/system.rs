//! The service itself, driven as the model is, and what is checked beside it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use twofa::lifecycle::Config;
use twofa::otpauth::KeyUri;
use twofa::policy::{Changer, Reason, Recheck, Role};
use twofa::testkit::{Authenticator, Clock, FaultyStore, block_on, operator};
use twofa::totp::{Digits, Params, Secret};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    Answer, Attempt, Authorized, Begin, Error, Keyring, LoginId, MemoryDirectory, MemoryStore,
    Proof, SignIn, Store, Subject, TwoFactor,
};
use zeroize::Zeroizing;

use crate::Part;
use crate::model::{Model, NAMES, Told, USERS};
use crate::ops::{Op, Typed};

type Service = TwoFactor<FaultyStore<Arc<MemoryStore>>, Arc<MemoryDirectory>>;

pub(crate) struct System {
    model: Option<Model>,
    store: Arc<MemoryStore>,
    directory: Arc<MemoryDirectory>,
    keyring: Zeroizing<String>,
    clock: Clock,
    service: Service,
    project: ProjectId,
    users: Vec<UserId>,
    /// What the caller holds, by the model's numbers.
    logins: HashMap<usize, LoginId>,
    keys: HashMap<usize, Authenticator>,
    proofs: HashMap<usize, Proof>,
    handovers: HashMap<usize, String>,
    /// What an operation has just given, until the model says under which number.
    fresh: Fresh,
    /// Steps that were accepted, with the key.
    spent: BTreeSet<(usize, u64)>,
    /// Until when each person was told that no code is looked at.
    told_locked: [u64; USERS],
    /// Two codes were equal by chance: nothing can be said any more.
    void: bool,
}

#[derive(Default)]
struct Fresh {
    login: Option<LoginId>,
    phone: Option<Authenticator>,
    proof: Option<Proof>,
    handover: Option<String>,
}

fn params() -> Params {
    Params::default().with_digits(Digits::Eight)
}

fn open(
    store: &Arc<MemoryStore>,
    directory: &Arc<MemoryDirectory>,
    keyring: &str,
    clock: &Clock,
) -> Service {
    let store = FaultyStore::new(Arc::clone(store));
    let keyring = Keyring::from_text(keyring).unwrap();
    TwoFactor::builder(store, Arc::clone(directory), keyring)
        .config(Config::default().with_params(params()))
        .clock(clock.reading())
        .build()
        .unwrap()
}

impl System {
    pub(crate) fn new(now: u64) -> Self {
        let model = Model::new(now);
        let (store, directory) = (Arc::default(), Arc::<MemoryDirectory>::default());
        let keyring = Keyring::generate().unwrap().to_text();
        let clock = Clock::at(UnixTime::from_secs(now));
        let project: ProjectId = "acme".parse().unwrap();
        let users: Vec<UserId> = NAMES.iter().map(|name| name.parse().unwrap()).collect();
        directory.set_project(&project, model.settings);
        for (user, role) in users.iter().zip(model.roles) {
            directory.set_member(&project, user, role.unwrap());
        }
        let service = open(&store, &directory, &keyring, &clock);
        block_on(service.install(twofa::Purpose::Production)).unwrap();
        Self {
            model: Some(model),
            service,
            store,
            directory,
            keyring,
            clock,
            project,
            users,
            logins: HashMap::new(),
            keys: HashMap::new(),
            proofs: HashMap::new(),
            handovers: HashMap::new(),
            fresh: Fresh::default(),
            spent: BTreeSet::new(),
            told_locked: [0; USERS],
            void: false,
        }
    }

    pub(crate) fn is_void(&self) -> bool {
        self.void
    }

    pub(crate) fn take_model(&mut self) -> Model {
        self.model.take().unwrap()
    }

    pub(crate) fn keep_model(&mut self, model: Model) {
        self.model = Some(model);
    }

    /// Does what the model has done, and compares what is told.
    pub(crate) fn compare(&mut self, model: &Model, part: Part, expected: Told) {
        if self.void {
            return;
        }
        let op = match part {
            Part::Whole(op) => op,
            Part::Crash(op, fault) => {
                self.service.store().fail_next_write(fault);
                op
            }
        };
        let told = self.run(&op);
        self.service.store().heal();
        if told != expected && self.by_chance(model, &op) {
            self.void = true;
            return;
        }
        assert_eq!(told, expected, "{part:?} at {}", self.clock.now());
        self.clock.set(UnixTime::from_secs(model.now));
        self.check(model, part, told);
        self.name(model);
    }

    fn run(&mut self, op: &Op) -> Told {
        match self.try_run(op) {
            Ok(told) => told,
            Err(error) => Told::Error(error.code()),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    fn try_run(&mut self, op: &Op) -> Result<Told, Error> {
        Ok(match *op {
            Op::Begin { user, sso } => {
                let user = &self.users[user];
                let sign_in = if sso {
                    SignIn::sso(&self.project, user)
                } else {
                    SignIn::password(&self.project, user)
                };
                match block_on(self.service.begin(sign_in))? {
                    Begin::Allowed(pass) => {
                        self.fresh.proof = Some(self.service.proof(&pass)?);
                        Told::Allowed(pass.how(), pass.reason())
                    }
                    Begin::Enrol(set_up) => {
                        self.fresh.login = Some(set_up.login().clone());
                        self.fresh.phone = Some(Authenticator::scan(&set_up));
                        let (reason, handover) = (set_up.reason(), set_up.handover_required());
                        Told::Enrol { reason, handover }
                    }
                    Begin::Challenge(challenge) => {
                        self.fresh.login = Some(challenge.login().clone());
                        Told::Challenge
                    }
                    Begin::Refused(decision) => {
                        assert!(!decision.remedies().is_empty(), "a way out");
                        Told::Refused(decision.reason())
                    }
                }
            }
            Op::Answer { login, typed } => {
                let Some(login) = self.logins.get(&login) else {
                    return Ok(Told::Nothing);
                };
                let (code, handover) = self.typed(typed);
                let mut attempt = Attempt::new(login, &code);
                if let Some(handover) = &handover {
                    attempt = attempt.with_handover(handover);
                }
                match block_on(self.service.answer(attempt))? {
                    Answer::Accepted(pass) => {
                        self.fresh.proof = Some(self.service.proof(&pass)?);
                        let accepted = pass.accepted().unwrap();
                        Told::Accepted(accepted.by, accepted.offset)
                    }
                    Answer::Rejected(why) => Told::Rejected {
                        reason: why.reason(),
                        retry_at: why.retry_at().map(UnixTime::as_secs),
                        ended: why.login_ended(),
                    },
                }
            }
            Op::Reset { pass, subject } => {
                let Some(proof) = self.proofs.get(&pass) else {
                    return Ok(Told::Nothing);
                };
                let done = block_on(self.service.reset(proof, &self.users[subject]))?;
                self.reset_done(done)
            }
            Op::ForgedReset { pass, subject } => {
                let Some(proof) = self.proofs.get(&pass) else {
                    return Ok(Told::Nothing);
                };
                let mut text = proof.as_str().to_owned().into_bytes();
                let last = text.last_mut().unwrap();
                *last = if *last == b'0' { b'1' } else { b'0' };
                let forged: Proof = String::from_utf8(text).unwrap().parse().unwrap();
                let done = block_on(self.service.reset(&forged, &self.users[subject]))?;
                self.reset_done(done)
            }
            Op::SupportReset { subject, sound } => {
                let ticket = if sound { "T-1" } else { " " };
                let user = &self.users[subject];
                let reset = self
                    .service
                    .support_reset(&self.project, user, "op", ticket);
                let done = block_on(reset)?;
                self.reset_done(done)
            }
            Op::Replace { pass } => {
                let Some(proof) = self.proofs.get(&pass) else {
                    return Ok(Told::Nothing);
                };
                match block_on(self.service.replace(proof))? {
                    Authorized::Granted(set_up) => {
                        self.fresh.login = Some(set_up.login().clone());
                        self.fresh.phone = Some(Authenticator::scan(&set_up));
                        Told::Replacing
                    }
                    Authorized::Refused(refusal) => Told::Refused(refusal.reason()),
                }
            }
            Op::Recheck { pass } => {
                let Some(proof) = self.proofs.get(&pass) else {
                    return Ok(Told::Nothing);
                };
                match block_on(self.service.recheck(proof))? {
                    Recheck::Continue => Told::Continue,
                    Recheck::SignInAgain(decision) => Told::SignInAgain(decision.reason()),
                }
            }
            Op::Import { user } => {
                // Any secret does, as long as no two are alike.
                let unique =
                    self.clock.now().as_secs() ^ u64::try_from(self.keys.len()).unwrap() << 40;
                let bytes = [unique.to_be_bytes(), [7; 8]].concat();
                let secret = Secret::from_bytes(&bytes).unwrap();
                let uri = KeyUri::totp("Elsewhere", "somebody", secret, params())?;
                self.fresh.phone = Some(Authenticator::read(uri.to_uri().expose_secret()));
                let by = operator();
                let import = self
                    .service
                    .import(&self.project, &self.users[user], &uri, &by);
                block_on(import)?;
                Told::Done
            }
            Op::SetRole { user, role } => {
                match role {
                    Some(role) => self
                        .directory
                        .set_member(&self.project, &self.users[user], role),
                    None => self
                        .directory
                        .remove_member(&self.project, &self.users[user]),
                }
                Told::Done
            }
            Op::Settings(settings) | Op::SettingsByMember(settings) => {
                let who = match op {
                    Op::Settings(_) => Changer::Operator,
                    _ => Changer::Member(Role::Administrator),
                };
                let old = self.model.as_ref().map_or(settings, |model| model.settings);
                let changed =
                    self.service
                        .settings_changed(&self.project, old, settings, who, None);
                match block_on(changed)? {
                    Authorized::Granted(()) => {
                        self.directory.set_project(&self.project, settings);
                        Told::Done
                    }
                    Authorized::Refused(refusal) => Told::Refused(refusal.reason()),
                }
            }
            Op::Tick(_) | Op::TickBack(_) | Op::UntilUnlocked { .. } => Told::Done,
            Op::Sweep => Told::Swept(block_on(self.service.sweep(u32::MAX))?),
            Op::Restart => {
                self.service = open(&self.store, &self.directory, &self.keyring, &self.clock);
                Told::Done
            }
        })
    }

    fn reset_done(&mut self, done: Authorized<twofa::ResetDone>) -> Told {
        match done {
            Authorized::Granted(done) => {
                let code = done.handover().map(|code| code.expose_secret().to_owned());
                let handover = code.is_some();
                self.fresh.handover = code;
                Told::Reset { handover }
            }
            Authorized::Refused(refusal) => {
                assert!(!refusal.remedies().is_empty(), "a way out");
                Told::Refused(refusal.reason())
            }
        }
    }

    fn typed(&self, typed: Typed) -> (String, Option<String>) {
        match typed {
            Typed::Garbage => ("12 34 five".to_owned(), None),
            Typed::TooShort => ("123456".to_owned(), None),
            Typed::Code {
                of,
                steps,
                handover,
            } => {
                let code = match self.keys.get(&of) {
                    Some(phone) => phone.code_of(self.clock.now(), steps),
                    None => "00000000".to_owned(),
                };
                let handover = handover.map(|number| {
                    let known = self.handovers.get(&number).cloned();
                    known.unwrap_or_else(|| "AAAA-AAAA-AAAA-AAAA".to_owned())
                });
                (code, handover)
            }
        }
    }

    /// Whether the code that was typed is by chance that of another step, or of another key.
    fn by_chance(&self, model: &Model, op: &Op) -> bool {
        let Op::Answer { login, typed } = *op else {
            return false;
        };
        let Typed::Code { of, steps, .. } = typed else {
            return false;
        };
        let (code, _) = self.typed(typed);
        let user = model.logins[login].user;
        let theirs = self
            .keys
            .iter()
            .filter(|(key, _)| model.keys[**key] == user);
        theirs
            .flat_map(|(key, phone)| (-25..=25).map(move |near| (*key, near, phone)))
            .filter(|(key, near, _)| *key != of || *near != steps)
            .any(|(_, near, phone)| phone.code_of(self.clock.now(), near) == code)
    }

    /// What must hold whatever the model says.
    fn check(&mut self, model: &Model, part: Part, told: Told) {
        if let Some(spent) = model.spent {
            assert!(
                self.spent.insert(spent),
                "a step is accepted once: {part:?}"
            );
        }
        let (Part::Whole(op) | Part::Crash(op, _)) = part;
        match (op, told) {
            (
                Op::Answer { login, .. },
                Told::Rejected {
                    reason, retry_at, ..
                },
            ) => {
                let user = model.logins[login].user;
                if let Some(until) = retry_at {
                    self.told_locked[user] = until;
                } else if reason == Reason::Locked {
                    self.told_locked[user] = u64::MAX;
                }
            }
            (Op::Answer { login, .. }, Told::Accepted(..)) => {
                let user = model.logins[login].user;
                assert!(
                    model.now >= self.told_locked[user],
                    "nothing is accepted while locked"
                );
                self.told_locked[user] = 0;
            }
            (Op::Reset { subject, .. } | Op::SupportReset { subject, .. }, Told::Reset { .. }) => {
                self.told_locked[subject] = 0;
                self.everything_is_void(model, subject);
            }
            (
                Op::Reset { subject, .. } | Op::SupportReset { subject, .. },
                Told::Error("store"),
            ) => {
                // It may have been done, unseen.
                self.told_locked[subject] = 0;
            }
            (Op::Answer { login, .. }, Told::Error("store")) => {
                self.told_locked[model.logins[login].user] = 0;
            }
            _ => {}
        }
    }

    /// After a reset no login and no proof of the subject is worth anything.
    fn everything_is_void(&self, model: &Model, subject: usize) {
        for (number, login) in &self.logins {
            if model.logins[*number].user == subject {
                let answer =
                    block_on(self.service.answer(Attempt::new(login, "12345678"))).unwrap();
                let Answer::Rejected(why) = answer else {
                    panic!("a reset voids logins");
                };
                assert_eq!(why.reason(), Reason::UnknownLogin, "a reset voids logins");
            }
        }
        for (number, proof) in &self.proofs {
            if model.passes[*number].user == subject {
                let again = block_on(self.service.recheck(proof));
                assert!(
                    !matches!(again, Ok(Recheck::Continue)),
                    "a reset voids proofs"
                );
            }
        }
    }

    /// Gives what was just handed out the numbers that the model has for it.
    fn name(&mut self, model: &Model) {
        let fresh = std::mem::take(&mut self.fresh);
        if let Some(login) = fresh.login {
            self.logins.insert(model.logins.len() - 1, login);
        }
        if let Some(phone) = fresh.phone
            && model.made_key
        {
            self.keys.insert(model.keys.len() - 1, phone);
        }
        if let Some(proof) = fresh.proof {
            self.proofs.insert(model.passes.len() - 1, proof);
        }
        if let Some(handover) = fresh.handover {
            self.handovers.insert(model.handovers - 1, handover);
        }
    }

    /// The record, from beginning to end.
    pub(crate) fn tells_the_whole_story(&self, model: &Model) {
        let verified = block_on(self.service.audit_verify(None)).unwrap();
        assert_eq!(verified.first_bad, None, "the audit is whole");
        for (number, user) in self.users.iter().enumerate() {
            let subject = Subject::member(&self.project, user);
            let chain = block_on(self.store.chain(&subject, 0, u32::MAX)).unwrap();
            let rows: Vec<_> = chain.into_iter().map(|event| event.row).collect();
            let told: Vec<_> = rows
                .iter()
                .map(|row| {
                    (
                        row.event.as_str(),
                        row.reason.as_deref().and_then(Reason::from_code),
                    )
                })
                .collect();
            assert_eq!(told, model.factors[number].events, "the story of {user}");

            // The failures in a row, from the record alone.
            let (mut failures, mut accepted) = (0_u32, 0);
            for row in &rows {
                match row.event.as_str() {
                    "failed" => {
                        failures += 1;
                        let detail = row.detail.as_deref().unwrap();
                        if let Some(counted) = detail.strip_prefix("failures=") {
                            assert_eq!(counted, failures.to_string(), "failures are exact");
                        }
                    }
                    "locked" => assert_eq!(failures, 100, "locked for good at a hundred"),
                    "accepted" | "enrolment-confirmed" | "replaced" => {
                        assert!(failures < 100, "nothing is accepted after a hundred");
                        failures = 0;
                        accepted += 1;
                    }
                    "reset-granted" | "support-reset" => failures = 0,
                    _ => {}
                }
            }
            assert_eq!(
                failures, model.factors[number].failures,
                "failures of {user}"
            );
            assert_eq!(accepted, model.accepted[number], "codes accepted of {user}");
        }
        let itself = Subject::project_itself(&self.project);
        let rows = block_on(self.store.chain(&itself, 0, u32::MAX)).unwrap();
        let told: Vec<_> = rows.iter().map(|event| event.row.event.as_str()).collect();
        assert_eq!(told, model.project_events, "the project's own story");
    }
}
