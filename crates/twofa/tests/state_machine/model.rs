//! A simple model of what the service promises: written from the promises, apart from the code that keeps them.
//! It knows no secrets: keys, logins, proofs and hand-over codes are numbers.

use std::collections::BTreeSet;

use twofa::lifecycle::AcceptedBy;
use twofa::policy::{How, Mandate, PasswordUnderSso, ProjectSettings, Reason, Role, Sso};

use twofa::testkit::Fault;

use crate::ops::{Op, Typed};

/// What the caller must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// There was nobody to ask or nothing to ask about.
    Nothing,
    /// The code of an error.
    Error(&'static str),
    Allowed(How, Reason),
    Enrol {
        reason: Reason,
        handover: bool,
    },
    Challenge,
    Refused(Reason),
    Accepted(AcceptedBy, i32),
    Rejected {
        reason: Reason,
        retry_at: Option<u64>,
        ended: bool,
    },
    /// A reset, with or without a hand-over code.
    Reset {
        handover: bool,
    },
    Replacing,
    Continue,
    SignInAgain(Reason),
    Swept(u64),
    Done,
}

pub(crate) const USERS: usize = 4;
/// Ada is an administrator at first, and so is Root; Ann and Bob are members.
pub(crate) const NAMES: [&str; USERS] = ["ada", "ann", "bob", "root"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) key: usize,
    pub(crate) login: usize,
    expires: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    by: Reason,
    handover: Option<usize>,
}

/// One person's factor.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    generation: u32,
    /// The key in use, and the last step spent of it.
    pub(crate) key: Option<usize>,
    last_step: Option<u64>,
    pending: Option<Pending>,
    replacement: Option<Pending>,
    mark: Option<Mark>,
    pub(crate) failures: u32,
    until: u64,
    noted: bool,
    last_event: Option<u64>,
    /// The events of the person's chain, with their reasons.
    pub(crate) events: Vec<(&'static str, Option<Reason>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Enrol,
    Challenge,
    Replace,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Login {
    pub(crate) user: usize,
    pub(crate) kind: Kind,
    pub(crate) key: Option<usize>,
    generation: u32,
    expires: u64,
    failures: u8,
    parked: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) user: usize,
    pub(crate) how: How,
    when: u64,
    generation: u32,
}

/// What nobody was ever told of, by number.
#[derive(Debug, Clone, Default)]
struct Lost {
    logins: BTreeSet<usize>,
    passes: BTreeSet<usize>,
    keys: BTreeSet<usize>,
    handovers: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) settings: ProjectSettings,
    pub(crate) roles: [Option<Role>; USERS],
    pub(crate) factors: Vec<Factor>,
    pub(crate) logins: Vec<Login>,
    pub(crate) passes: Vec<Pass>,
    /// Whose each key is or was.
    pub(crate) keys: Vec<usize>,
    /// Logins, passes, keys and hand-over codes that nobody was ever told of: their reply was lost.
    lost: Lost,
    /// Whether the last operation made a key.
    pub(crate) made_key: bool,
    /// How many hand-over codes there have been.
    pub(crate) handovers: usize,
    /// The project's own events.
    pub(crate) project_events: Vec<&'static str>,
    /// Codes accepted, of each person.
    pub(crate) accepted: [usize; USERS],
    /// Whether the last operation wrote.
    pub(crate) wrote: bool,
    /// The key and the step that the last operation spent.
    pub(crate) spent: Option<(usize, u64)>,
}

/// How long a clock may be behind.
const TOLERANCE: u64 = 120;

fn rejected(reason: Reason) -> Told {
    Told::Rejected {
        reason,
        retry_at: None,
        ended: false,
    }
}

fn ended(reason: Reason) -> Told {
    Told::Rejected {
        reason,
        retry_at: None,
        ended: true,
    }
}

impl Model {
    pub(crate) fn new(now: u64) -> Self {
        let fresh = Factor {
            generation: 1,
            key: None,
            last_step: None,
            pending: None,
            replacement: None,
            mark: None,
            failures: 0,
            until: 0,
            noted: false,
            last_event: None,
            events: Vec::new(),
        };
        Self {
            now,
            settings: ProjectSettings::mandatory_from(twofa::testkit::MANDATE),
            roles: [
                Some(Role::Administrator),
                Some(Role::Member),
                Some(Role::Member),
                Some(Role::Administrator),
            ],
            factors: vec![fresh; USERS],
            logins: Vec::new(),
            passes: Vec::new(),
            keys: Vec::new(),
            lost: Lost::default(),
            made_key: false,
            handovers: 0,
            project_events: Vec::new(),
            accepted: [0; USERS],
            wrote: false,
            spent: None,
        }
    }

    /// What an operation comes to, and what it changes.
    pub(crate) fn run(&mut self, op: &Op) -> Told {
        (self.wrote, self.spent, self.made_key) = (false, None, false);
        match *op {
            Op::Answer { login, .. } if !self.knows_login(login) => Told::Nothing,
            Op::Reset { pass, .. }
            | Op::ForgedReset { pass, .. }
            | Op::Replace { pass }
            | Op::Recheck { pass }
                if !self.knows_pass(pass) =>
            {
                Told::Nothing
            }
            Op::Begin { user, sso } => self.begin(user, sso),
            Op::Answer { login, typed } => self.answer(login, typed),
            Op::Reset { pass, subject } => self.reset(pass, subject),
            Op::SupportReset { subject, sound } => self.support_reset(subject, sound),
            Op::Replace { pass } => self.replace(pass),
            Op::Recheck { pass } => self.recheck(pass),
            Op::ForgedReset { .. } => Told::Refused(Reason::ProofInvalid),
            Op::Import { user } => self.import(user),
            Op::SetRole { user, role } => {
                self.roles[user] = role;
                Told::Done
            }
            Op::Settings(settings) => {
                self.settings = settings;
                self.project_events.push("settings-changed");
                self.wrote = true;
                Told::Done
            }
            Op::SettingsByMember(_) => {
                self.project_events.push("access-refused");
                self.wrote = true;
                Told::Refused(Reason::OperatorOnly)
            }
            Op::Tick(seconds) => {
                self.now += seconds;
                Told::Done
            }
            Op::TickBack(seconds) => {
                self.now -= seconds;
                Told::Done
            }
            Op::UntilUnlocked { user } => {
                self.now = self.now.max(self.factors[user].until);
                Told::Done
            }
            Op::Sweep => {
                let now = self.now;
                let lapsed = |login: &&mut Login| login.parked && login.expires < now;
                let mut swept = 0;
                for login in self.logins.iter_mut().filter(lapsed) {
                    login.parked = false;
                    swept += 1;
                }
                self.wrote = true;
                Told::Swept(swept)
            }
            Op::Restart => Told::Done,
        }
    }

    /// The same with a crash: before the write, so that nothing happened; or after it, so that nobody is told.
    pub(crate) fn crash(&mut self, op: &Op, fault: Fault) -> Told {
        self.spent = None;
        let before = self.clone();
        let told = self.run(op);
        if !self.wrote {
            return told;
        }
        match fault {
            Fault::Before => *self = before,
            Fault::After => {
                self.lost
                    .logins
                    .extend(before.logins.len()..self.logins.len());
                self.lost
                    .passes
                    .extend(before.passes.len()..self.passes.len());
                self.lost.keys.extend(before.keys.len()..self.keys.len());
                self.lost.handovers.extend(before.handovers..self.handovers);
                // Settings are changed only once the record of it is known to be written.
                self.settings = before.settings;
            }
        }
        self.made_key = false;
        Told::Error("store")
    }

    fn knows_login(&self, number: usize) -> bool {
        number < self.logins.len() && !self.lost.logins.contains(&number)
    }

    fn knows_pass(&self, number: usize) -> bool {
        number < self.passes.len() && !self.lost.passes.contains(&number)
    }

    fn behind(&self, user: usize) -> bool {
        let last = self.factors[user].last_event;
        last.is_some_and(|last| last > self.now + TOLERANCE)
    }

    pub(crate) fn locked(&self, user: usize) -> bool {
        let factor = &self.factors[user];
        factor.failures >= 100 || factor.until > self.now
    }

    /// What a sign-in meets.
    fn decide(&self, user: usize, sso: bool, locked: bool) -> Told {
        let factor = &self.factors[user];
        let enrol = |reason| Told::Enrol {
            reason,
            handover: factor.mark.is_some_and(|mark| mark.handover.is_some()),
        };
        let how = if sso { How::Sso } else { How::Password };
        match (self.settings.sso(), sso) {
            _ if self.behind(user) => Told::Refused(Reason::ClockBehind),
            (Sso::Off, true) => Told::Refused(Reason::SsoNotEnabled),
            (Sso::On(_), true) | (Sso::On(PasswordUnderSso::Exempt), false) => {
                Told::Allowed(how, Reason::SsoSupersedes)
            }
            (Sso::On(PasswordUnderSso::Refuse), false) => Told::Refused(Reason::SsoRequired),
            _ if locked => Told::Refused(Reason::Locked),
            _ if factor.key.is_some() => Told::Challenge,
            _ if factor.mark.is_some() => enrol(factor.mark.map_or(Reason::Locked, |m| m.by)),
            (Sso::On(PasswordUnderSso::Challenge), false) => enrol(Reason::SsoPasswordChallenged),
            (Sso::Off, false) => match self.settings.mandate() {
                Mandate::From(from) if from.as_secs() <= self.now => enrol(Reason::Mandatory),
                Mandate::From(_) => Told::Allowed(how, Reason::NotYetMandatory),
                Mandate::Optional => Told::Allowed(how, Reason::Optional),
            },
        }
    }

    /// Something is written on a person's chain.
    fn tell(&mut self, user: usize, event: &'static str, reason: Option<Reason>) {
        let factor = &mut self.factors[user];
        factor.events.push((event, reason));
        factor.last_event = factor.last_event.max(Some(self.now));
        self.wrote = true;
    }

    fn park(&mut self, user: usize, kind: Kind, key: Option<usize>) -> usize {
        self.logins.push(Login {
            user,
            kind,
            key,
            generation: self.factors[user].generation,
            expires: self.now + 600,
            failures: 0,
            parked: true,
        });
        self.wrote = true;
        self.logins.len() - 1
    }

    fn new_key(&mut self, user: usize) -> usize {
        self.keys.push(user);
        self.made_key = true;
        self.keys.len() - 1
    }

    fn pass(&mut self, user: usize, how: How) {
        let pass = Pass {
            user,
            how,
            when: self.now,
            generation: self.factors[user].generation,
        };
        self.passes.push(pass);
    }

    fn begin(&mut self, user: usize, sso: bool) -> Told {
        if self.roles[user].is_none() {
            return Told::Error("unknown-member");
        }
        let decision = self.decide(user, sso, self.locked(user));
        match decision {
            Told::Allowed(how, _) => self.pass(user, how),
            Told::Challenge => {
                self.park(user, Kind::Challenge, None);
            }
            Told::Enrol { .. } => {
                if self.factors[user]
                    .pending
                    .is_some_and(|p| p.expires <= self.now)
                {
                    self.tell(user, "enrolment-expired", None);
                }
                let key = self.new_key(user);
                let login = self.park(user, Kind::Enrol, Some(key));
                let expires = self.now + 600;
                self.factors[user].pending = Some(Pending {
                    key,
                    login,
                    expires,
                });
                self.tell(user, "enrolment-begun", None);
            }
            _ => {}
        }
        decision
    }

    fn answer(&mut self, number: usize, typed: Typed) -> Told {
        let login = self.logins[number];
        let user = login.user;
        if !login.parked {
            return ended(Reason::UnknownLogin);
        }
        if self.roles[user].is_none() {
            return Told::Error("unknown-member");
        }
        match self.decide(user, false, self.locked(user)) {
            Told::Refused(Reason::Locked) => {}
            Told::Refused(reason) => return rejected(reason),
            _ => {}
        }
        let factor = &self.factors[user];
        let current = login.generation == factor.generation;
        let begun = |pending: &Pending| current && pending.login == number;
        let waiting = match login.kind {
            Kind::Enrol => factor.pending.filter(begun),
            Kind::Replace => factor.replacement.filter(begun),
            Kind::Challenge => None,
        };
        let lapsed = waiting.is_some_and(|pending| pending.expires <= self.now);
        if typed == Typed::Garbage {
            let lapsed = login.expires <= self.now;
            return if lapsed {
                ended(Reason::Expired)
            } else {
                rejected(Reason::Malformed)
            };
        }
        if lapsed {
            self.tell(user, "enrolment-expired", None);
            let factor = &mut self.factors[user];
            match login.kind {
                Kind::Enrol => factor.pending = None,
                _ => factor.replacement = None,
            }
            self.logins[number].parked = false;
            return ended(Reason::Expired);
        }
        if login.expires <= self.now {
            return ended(Reason::Expired);
        }
        let key = match login.kind {
            Kind::Challenge => factor.key.filter(|_| current),
            _ => waiting.map(|pending| pending.key),
        };
        let Some(key) = key else {
            return ended(Reason::Superseded);
        };
        if typed == Typed::TooShort {
            return rejected(Reason::Malformed);
        }
        if self.locked(user) {
            return self.while_locked(user);
        }
        let asked = match (login.kind, factor.mark.and_then(|mark| mark.handover)) {
            (Kind::Enrol, asked) => asked,
            _ => None,
        };
        let Typed::Code {
            of,
            steps,
            handover,
        } = typed
        else {
            return Told::Nothing;
        };
        self.look_at(number, key, asked, (of, steps, handover))
    }

    /// A code that is looked at, of a key and so many steps from now.
    fn look_at(
        &mut self,
        number: usize,
        key: usize,
        asked: Option<usize>,
        (of, steps, handover): (usize, i64, Option<usize>),
    ) -> Told {
        let (user, kind) = (self.logins[number].user, self.logins[number].kind);
        match asked {
            Some(_) if handover.is_none() => return rejected(Reason::HandoverCode),
            Some(asked) if handover != Some(asked) || self.lost.handovers.contains(&asked) => {
                return self.failed(number, Reason::HandoverCode);
            }
            _ => {}
        }
        let ours = of == key && !self.lost.keys.contains(&key);
        let near = (-1..=1).contains(&steps);
        let off = ours && (-20..=20).contains(&steps) && (kind != Kind::Challenge || steps < 0);
        if !ours || !near {
            let reason = if off {
                Reason::ClockOff
            } else {
                Reason::WrongCode
            };
            return self.failed(number, reason);
        }
        let step = (self.now / 30).saturating_add_signed(steps);
        let last = self.factors[user]
            .last_step
            .filter(|_| kind == Kind::Challenge);
        if last.is_some_and(|last| step <= last) {
            self.tell(user, "replayed", Some(Reason::CodeAlreadyUsed));
            let ended = self.count_in_login(number);
            return Told::Rejected {
                reason: Reason::CodeAlreadyUsed,
                retry_at: None,
                ended,
            };
        }
        self.accept(number, key, step, steps)
    }

    fn accept(&mut self, number: usize, key: usize, step: u64, steps: i64) -> Told {
        let (user, kind) = (self.logins[number].user, self.logins[number].kind);
        let factor = &mut self.factors[user];
        factor.key = Some(key);
        factor.last_step = Some(step);
        (factor.failures, factor.until, factor.noted) = (0, 0, false);
        let (by, event) = match kind {
            Kind::Challenge => (AcceptedBy::Challenge, "accepted"),
            Kind::Enrol => {
                (factor.pending, factor.mark) = (None, None);
                (AcceptedBy::Confirmed, "enrolment-confirmed")
            }
            Kind::Replace => {
                factor.replacement = None;
                (AcceptedBy::Replaced, "replaced")
            }
        };
        self.tell(user, event, None);
        self.logins[number].parked = false;
        self.accepted[user] += 1;
        self.spent = Some((key, step));
        self.pass(user, How::Code);
        Told::Accepted(by, i32::try_from(steps).unwrap())
    }

    fn while_locked(&mut self, user: usize) -> Told {
        let factor = &mut self.factors[user];
        let until = (factor.failures < 100).then_some(factor.until);
        if !factor.noted {
            factor.noted = true;
            self.tell(user, "throttled", Some(Reason::Locked));
        }
        Told::Rejected {
            reason: Reason::Locked,
            retry_at: until,
            ended: false,
        }
    }

    /// One more failure in a login; whether that ends it.
    fn count_in_login(&mut self, number: usize) -> bool {
        let login = &mut self.logins[number];
        login.failures += 1;
        login.parked = login.failures < 5;
        !login.parked
    }

    fn failed(&mut self, number: usize, reason: Reason) -> Told {
        let user = self.logins[number].user;
        let factor = &mut self.factors[user];
        factor.failures += 1;
        factor.noted = false;
        let wait = match factor.failures {
            4 => Some(30),
            5 => Some(60),
            6 => Some(120),
            7 => Some(300),
            8 => Some(900),
            9..=99 => Some(3_600),
            _ => None,
        };
        factor.until = wait.map_or(0, |wait| self.now + wait);
        let stopped = factor.failures >= 100;
        self.tell(user, "failed", Some(reason));
        if stopped {
            self.tell(user, "locked", Some(Reason::Locked));
        }
        let ended = self.count_in_login(number);
        Told::Rejected {
            reason,
            retry_at: wait.map(|wait| self.now + wait),
            ended,
        }
    }

    /// Why a proof is not enough, if it is not.
    fn proof(&self, pass: Pass, by_code_only: bool) -> Result<(), Reason> {
        let counts = match (pass.how, self.settings.sso()) {
            (How::Password, _) | (How::Sso, Sso::Off) => false,
            (How::Sso, _) => !by_code_only,
            (How::Code, sso) => sso != Sso::On(PasswordUnderSso::Refuse),
        };
        let current = pass.generation == self.factors[pass.user].generation;
        if !counts || !current || pass.when > self.now + TOLERANCE {
            return Err(Reason::ProofInvalid);
        }
        if self.now > pass.when + 300 {
            return Err(Reason::ProofTooOld);
        }
        Ok(())
    }

    fn reset(&mut self, number: usize, subject: usize) -> Told {
        let pass = self.passes[number];
        let refused = self.proof(pass, false).and_then(|()| {
            if self.roles[pass.user] != Some(Role::Administrator) {
                Err(Reason::NotAnAdministrator)
            } else if pass.user == subject {
                Err(Reason::SelfReset)
            } else if !self.resettable(subject) {
                Err(Reason::NothingToReset)
            } else if self.behind(subject) {
                Err(Reason::ClockBehind)
            } else {
                Ok(())
            }
        });
        match refused {
            Ok(()) => self.erase(subject, Reason::ResetByAdmin, "reset-granted"),
            Err(reason) => self.refuse_reset(subject, reason),
        }
    }

    fn support_reset(&mut self, subject: usize, sound: bool) -> Told {
        if !sound {
            return self.refuse_reset(subject, Reason::TicketMissing);
        }
        if !self.resettable(subject) {
            return self.refuse_reset(subject, Reason::NothingToReset);
        }
        let told = self.erase(subject, Reason::ResetBySupport, "support-reset");
        self.factors[subject].last_event = Some(self.now);
        told
    }

    fn resettable(&self, subject: usize) -> bool {
        let factor = &self.factors[subject];
        factor.key.is_some() || factor.pending.is_some() || self.locked(subject)
    }

    fn erase(&mut self, subject: usize, by: Reason, event: &'static str) -> Told {
        let handover = self.settings.handover() == twofa::policy::Handover::Required;
        let mark = Mark {
            by,
            handover: handover.then_some(self.handovers),
        };
        self.handovers += usize::from(handover);
        let factor = &mut self.factors[subject];
        factor.generation += 1;
        (factor.key, factor.last_step) = (None, None);
        (factor.pending, factor.replacement) = (None, None);
        (factor.failures, factor.until, factor.noted) = (0, 0, false);
        factor.mark = Some(mark);
        for login in self.logins.iter_mut().filter(|login| login.user == subject) {
            login.parked = false;
        }
        self.tell(subject, event, None);
        Told::Reset { handover }
    }

    fn refuse_reset(&mut self, subject: usize, reason: Reason) -> Told {
        if self.roles[subject].is_some() {
            self.tell(subject, "reset-refused", Some(reason));
        } else {
            self.project_events.push("reset-refused");
            self.wrote = true;
        }
        Told::Refused(reason)
    }

    fn replace(&mut self, number: usize) -> Told {
        let pass = self.passes[number];
        let user = pass.user;
        if self.roles[user].is_none() {
            self.project_events.push("access-refused");
            self.wrote = true;
            return Told::Refused(Reason::ProofInvalid);
        }
        if let Err(reason) = self.proof(pass, true) {
            self.tell(user, "access-refused", Some(reason));
            return Told::Refused(reason);
        }
        let factor = &self.factors[user];
        let refused = if self.behind(user) {
            Some(Reason::ClockBehind)
        } else if factor.key.is_none() {
            Some(Reason::NothingToReplace)
        } else if self.locked(user) {
            Some(Reason::Locked)
        } else {
            None
        };
        if let Some(reason) = refused {
            return Told::Refused(reason);
        }
        if factor
            .replacement
            .is_some_and(|older| older.expires <= self.now)
        {
            self.tell(user, "enrolment-expired", None);
        }
        let key = self.new_key(user);
        let login = self.park(user, Kind::Replace, Some(key));
        let expires = self.now + 600;
        self.factors[user].replacement = Some(Pending {
            key,
            login,
            expires,
        });
        self.tell(user, "replacement-begun", None);
        Told::Replacing
    }

    fn recheck(&self, number: usize) -> Told {
        let pass = self.passes[number];
        let user = pass.user;
        if self.roles[user].is_none() {
            return Told::Error("unknown-member");
        }
        let sso = pass.how == How::Sso;
        let again = self.decide(user, sso, self.locked(user));
        let goes_on = match (pass.how, self.decide(user, sso, false)) {
            _ if pass.generation != self.factors[user].generation => false,
            // Somebody else's guesses sign nobody out who has proven the code.
            (How::Code, Told::Allowed(..) | Told::Challenge) => true,
            (How::Code, _) => false,
            _ => matches!(again, Told::Allowed(..)),
        };
        if goes_on {
            return Told::Continue;
        }
        Told::SignInAgain(match again {
            Told::Allowed(_, reason) | Told::Enrol { reason, .. } | Told::Refused(reason) => reason,
            _ => Reason::FactorActive,
        })
    }

    fn import(&mut self, user: usize) -> Told {
        if self.roles[user].is_none() {
            return Told::Error("unknown-member");
        }
        if self.behind(user) {
            return Told::Error("clock-behind");
        }
        let factor = &self.factors[user];
        let lapsed = factor
            .pending
            .is_some_and(|pending| pending.expires <= self.now);
        if factor.key.is_some() || (factor.pending.is_some() && !lapsed) {
            return Told::Error("already-set-up");
        }
        if lapsed {
            self.tell(user, "enrolment-expired", None);
        }
        let key = self.new_key(user);
        let factor = &mut self.factors[user];
        (factor.key, factor.last_step) = (Some(key), None);
        (factor.pending, factor.mark) = (None, None);
        self.tell(user, "imported", None);
        Told::Done
    }
}
