//! A small world around a service: [`Site`], so that a check reads as the story it tells.

use std::sync::Barrier;
use std::thread;

use twofa_lifecycle::Actor;
use twofa_policy::{ProjectSettings, Reason, Role};
use twofa_types::{ProjectId, UnixTime, UserId};
use zeroize::Zeroizing;

use super::authenticator::Authenticator;
use super::harness::{Clock, Harness};
use super::ring::SharedRing;
use crate::{
    Answer, Attempt, Authorized, Begin, Enrolment, Error, Events, KeyId, Keyring, LoginId,
    LoginPass, Proof, Rejected, ResetDone, SignIn, SubjectEvent, TwoFactor,
};

/// The service over what a harness opens.
pub type Service<H> = TwoFactor<<H as Harness>::Store, <H as Harness>::Directory>;

/// The date from which the projects of the checks are mandatory: 1 December 2022.
pub const MANDATE: UnixTime = UnixTime::from_secs(1_669_852_800);

/// Where the clock stands at first: 14 November 2023, half-way through a time step.
pub const START: UnixTime = UnixTime::from_secs(1_700_000_025);

/// A project with an administrator, Ada, and two members, Ann and Bob; a clock; a service.
#[derive(Debug)]
pub struct Site<'h, H: Harness> {
    harness: &'h H,
    ring: SharedRing,
    service: Service<H>,
    /// The clock of every service here.
    pub clock: Clock,
    /// The project.
    pub project: ProjectId,
    /// Its administrator.
    pub ada: UserId,
    /// A member.
    pub ann: UserId,
    /// Another member.
    pub bob: UserId,
}

/// An id from text that is one.
///
/// # Panics
///
/// When it is none.
pub fn project(id: &str) -> ProjectId {
    id.parse()
        .unwrap_or_else(|error| panic!("{id:?} as a project: {error}"))
}

/// An id from text that is one.
///
/// # Panics
///
/// When it is none.
pub fn user(id: &str) -> UserId {
    id.parse()
        .unwrap_or_else(|error| panic!("{id:?} as a person: {error}"))
}

/// An operator, Grace.
pub fn operator() -> Actor {
    Actor::operator(fine("grace".parse()))
}

impl<'h, H: Harness> Site<'h, H> {
    /// The project `acme`, mandatory since [`MANDATE`], at [`START`].
    pub fn new(harness: &'h H) -> Self {
        Self::named(harness, "acme", &SharedRing::generate())
    }

    /// The same under another name, to put several beside each other in one store, under one keyring.
    pub fn named(harness: &'h H, name: &str, ring: &SharedRing) -> Self {
        let ring = ring.clone();
        let clock = Clock::at(START);
        let service = open(harness, &ring, &clock);
        let site = Self {
            harness,
            ring,
            service,
            clock,
            project: project(name),
            ada: user("ada@example.com"),
            ann: user("ann@example.com"),
            bob: user("bob@example.com"),
        };
        site.set(ProjectSettings::mandatory_from(MANDATE));
        site.member(&site.ada, Some(Role::Administrator));
        site.member(&site.ann, Some(Role::Member));
        site.member(&site.bob, Some(Role::Member));
        site
    }

    /// The service.
    pub fn service(&self) -> &Service<H> {
        &self.service
    }

    /// What the store is given by.
    pub(super) fn harness(&self) -> &'h H {
        self.harness
    }

    /// The keyring that every service here reads.
    pub fn ring(&self) -> &SharedRing {
        &self.ring
    }

    /// The keyring's text as it stands.
    pub fn keyring(&self) -> Zeroizing<String> {
        self.ring.text()
    }

    /// Adds a key and makes it the active one, as an operator beside the running service does. Says its id, and
    /// that of the one before.
    pub fn activate_new_key(&self) -> (KeyId, KeyId) {
        let mut ring = self.ring.ring();
        let before = ring.active_id();
        let fresh = fine(ring.add());
        self.ring.replace(&ring);
        let operator = self.another();
        assert_eq!(fine(self.wait(operator.register_keys())), [fresh]);
        fine(self.wait(operator.activate_key(fresh)));
        self.align(&operator);
        (fresh, before)
    }

    /// Brings the keyring in line with what the store says.
    pub fn align(&self, operator: &Service<H>) {
        let mut ring = self.ring.ring();
        fine(self.wait(operator.align(&mut ring)));
        self.ring.replace(&ring);
    }

    /// Another service over the same data, as another server has one.
    pub fn another(&self) -> Service<H> {
        open(self.harness, &self.ring, &self.clock)
    }

    /// Opens the store and the directory anew.
    pub fn open(&self) -> (H::Store, H::Directory) {
        self.harness.block_on(self.harness.open())
    }

    /// The service is stopped and started again.
    pub fn restart(&mut self) {
        self.service = self.another();
    }

    /// Waits for a future.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.harness.block_on(future)
    }

    /// Runs `each` at the same moment on `threads` threads, each with its number.
    pub fn at_once<T: Send>(&self, threads: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
        at_once(threads, each)
    }

    /// The project's settings.
    pub fn set(&self, settings: ProjectSettings) {
        self.set_of(&self.project, settings);
    }

    /// The settings of some project.
    pub fn set_of(&self, project: &ProjectId, settings: ProjectSettings) {
        self.wait(self.harness.put_project(project, settings));
    }

    /// A person's place in the project.
    pub fn member(&self, user: &UserId, role: Option<Role>) {
        self.member_of(&self.project, user, role);
    }

    /// A person's place in some project.
    pub fn member_of(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
        self.wait(self.harness.put_member(project, user, role));
    }

    /// The time.
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Signs in with the password.
    pub fn begin(&self, user: &UserId) -> Begin {
        let sign_in = SignIn::password(&self.project, user);
        fine(self.wait(self.service.begin(sign_in)))
    }

    /// Signs in through single sign-on.
    pub fn begin_sso(&self, user: &UserId) -> Begin {
        fine(self.wait(self.service.begin(SignIn::sso(&self.project, user))))
    }

    /// Types a code.
    pub fn answer(&self, login: &LoginId, typed: &str) -> Answer {
        fine(self.try_answer(login, typed))
    }

    /// Types a code, where an error may come of it.
    ///
    /// # Errors
    ///
    /// The service's.
    pub fn try_answer(&self, login: &LoginId, typed: &str) -> Result<Answer, Error> {
        self.wait(self.service.answer(Attempt::new(login, typed)))
    }

    /// Signs in with the password, and must be asked to set up.
    pub fn set_up(&self, user: &UserId) -> Enrolment {
        set_up(self.begin(user))
    }

    /// Signs in with the password, and must be asked for a code.
    pub fn challenge(&self, user: &UserId) -> LoginId {
        challenge(self.begin(user))
    }

    /// Sets a factor up, with the code of this moment.
    pub fn enrol(&self, user: &UserId) -> Authenticator {
        let set_up = self.set_up(user);
        let phone = Authenticator::scan(&set_up);
        let _pass = accepted(self.answer(set_up.login(), &phone.code(self.now())));
        phone
    }

    /// Sets a factor up behind a hand-over code.
    pub(super) fn confirm_with(&self, user: &UserId, handover: &str) -> Authenticator {
        let set_up = self.set_up(user);
        let phone = Authenticator::scan(&set_up);
        let code = phone.code(self.now());
        let attempt = Attempt::new(set_up.login(), &code).with_handover(handover);
        let _pass = accepted(fine(self.wait(self.service.answer(attempt))));
        phone
    }

    /// Waits for a fresh code, signs in with it, and keeps the proof.
    pub fn sign_in(&self, user: &UserId, phone: &Authenticator) -> Proof {
        self.clock.forward(30);
        let login = self.challenge(user);
        let pass = accepted(self.answer(&login, &phone.code(self.now())));
        self.proof(&pass)
    }

    /// Keeps a proof of a pass.
    pub fn proof(&self, pass: &LoginPass) -> Proof {
        fine(self.service.proof(pass))
    }

    /// An administrator resets somebody.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn reset(&self, proof: &Proof, subject: &UserId) -> Result<ResetDone, Reason> {
        granted(fine(self.wait(self.service.reset(proof, subject))))
    }

    /// Somebody begins to replace their own key.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn replace(&self, proof: &Proof) -> Result<Enrolment, Reason> {
        granted(fine(self.wait(self.service.replace(proof))))
    }

    /// Support resets somebody.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn support_reset(&self, subject: &UserId) -> Result<ResetDone, Reason> {
        let reset = self
            .service
            .support_reset(&self.project, subject, "op", "T-1");
        granted(fine(self.wait(reset)))
    }

    /// Types wrong codes in as many logins as it takes, past each lock, until so many more have been counted.
    pub fn fail(&self, user: &UserId, phone: &Authenticator, failures: u32) {
        let mut counted = 0;
        let mut wrongs = phone.wrongs(self.now());
        while counted < failures {
            let login = match self.begin(user) {
                Begin::Challenge(challenge) => challenge.login().clone(),
                Begin::Refused(decision) => {
                    let Some(until) = decision.until() else {
                        panic!("broken promise: {counted} failures are no reason for {decision:?}");
                    };
                    self.clock.set(until);
                    wrongs = phone.wrongs(until);
                    continue;
                }
                other => panic!("broken promise: a factor in use is challenged, not {other:?}"),
            };
            let typed = wrongs.next().unwrap_or_default();
            let why = rejected(self.answer(&login, &typed));
            assert_eq!(
                why.reason(),
                Reason::WrongCode,
                "broken promise: a wrong code is told so"
            );
            counted += 1;
        }
    }

    /// The events of a person, all of them.
    pub fn events(&self, user: &UserId) -> Vec<SubjectEvent> {
        let mut events: Vec<SubjectEvent> = Vec::new();
        loop {
            let after = events.last().map_or(0, |event| event.cursor);
            let page = self
                .service
                .events(Events::Person(&self.project, user), after, 100);
            let page = fine(self.wait(page));
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// How many events of that name a person has.
    pub fn count(&self, user: &UserId, event: &str) -> usize {
        let is_named = |found: &&SubjectEvent| found.row.event == event;
        self.events(user).iter().filter(is_named).count()
    }

    /// The project's audit is whole.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn audit_is_whole(&self) {
        let found = fine(self.wait(self.service.audit_verify(Some(&self.project))));
        assert_eq!(found.first_bad, None, "broken promise: the audit is whole");
    }
}

/// The service over what `harness` opens.
fn open<H: Harness>(harness: &H, ring: &SharedRing, clock: &Clock) -> Service<H> {
    let (store, directory) = harness.block_on(harness.open());
    let builder = TwoFactor::builder(store, directory, ring.source());
    fine(builder.issuer("Acme").clock(clock.reading()).build())
}

/// A service over `store`, with the keyring and the clock of a site.
pub fn service<S, D>(store: S, directory: D, keyring: &str, clock: &Clock) -> TwoFactor<S, D> {
    let keyring = fine(Keyring::from_text(keyring));
    let builder = TwoFactor::builder(store, directory, keyring);
    fine(builder.issuer("Acme").clock(clock.reading()).build())
}

/// Runs `each` at the same moment on `threads` threads, each with its number.
pub fn at_once<T: Send>(threads: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    let run = |number: usize| {
        barrier.wait();
        each(number)
    };
    thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|number| {
                let run = &run;
                scope.spawn(move || run(number))
            })
            .collect();
        let joined = started.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// What came of something that must not fail.
///
/// # Panics
///
/// With the error.
pub fn fine<T, E: std::error::Error>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("broken promise: no error here, but: {error}"))
}

/// The pass of an answer that must be accepted.
///
/// # Panics
///
/// When it is not.
pub fn accepted(answer: Answer) -> LoginPass {
    match answer {
        Answer::Accepted(pass) => pass,
        Answer::Rejected(why) => panic!("broken promise: a right code is accepted, not {why:?}"),
    }
}

/// Why an answer that must be rejected was.
///
/// # Panics
///
/// When it was accepted.
pub fn rejected(answer: Answer) -> Rejected {
    match answer {
        Answer::Rejected(why) => why,
        Answer::Accepted(pass) => panic!("broken promise: this is not accepted, but: {pass:?}"),
    }
}

/// The reason of a rejection.
pub fn reason(answer: Answer) -> Reason {
    rejected(answer).reason()
}

/// The set-up that a sign-in must lead to.
///
/// # Panics
///
/// When it leads elsewhere.
pub fn set_up(begin: Begin) -> Enrolment {
    match begin {
        Begin::Enrol(set_up) => set_up,
        other => panic!("broken promise: whoever has no factor sets up, not {other:?}"),
    }
}

/// The login of the challenge that a sign-in must lead to.
///
/// # Panics
///
/// When it leads elsewhere.
pub fn challenge(begin: Begin) -> LoginId {
    match begin {
        Begin::Challenge(challenge) => challenge.login().clone(),
        other => panic!("broken promise: whoever has a factor is asked for a code, not {other:?}"),
    }
}

/// The pass of a sign-in that must be let through.
///
/// # Panics
///
/// When it is not.
pub fn allowed(begin: Begin) -> LoginPass {
    match begin {
        Begin::Allowed(pass) => pass,
        other => panic!("broken promise: this sign-in is let through, not {other:?}"),
    }
}

/// Why a sign-in that must be refused was.
///
/// # Panics
///
/// When it was not.
pub fn refused(begin: Begin) -> Reason {
    match begin {
        Begin::Refused(decision) => {
            let ways = decision.remedies();
            assert!(
                !ways.is_empty(),
                "broken promise: every refusal names a way out"
            );
            decision.reason()
        }
        other => panic!("broken promise: this sign-in is refused, not {other:?}"),
    }
}

/// What was granted, or the reason of the refusal.
///
/// # Errors
///
/// The reason.
pub fn granted<T>(authorized: Authorized<T>) -> Result<T, Reason> {
    match authorized {
        Authorized::Granted(value) => Ok(value),
        Authorized::Refused(refusal) => Err(refusal.reason()),
    }
}

/// The number of threads that race: 64, as in the worst case known.
pub const RACERS: usize = 64;
