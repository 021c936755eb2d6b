//! A simple model of what the service promises: written from the promises, apart from the code that keeps them.
//! It knows no secrets: keys, logins, proofs and hand-over codes are numbers.

mod login;
mod reset;

use std::collections::{BTreeMap, BTreeSet};

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
    /// Refusals of each kind: when one was last written, and how many there were since.
    refusals: BTreeMap<Refusal, (u64, u64)>,
    /// Those that were written: when, and as which event of their chain.
    noted: Vec<(Refusal, u64, usize)>,
    /// Codes accepted, of each person.
    pub(crate) accepted: [usize; USERS],
    /// Whether the last operation wrote.
    pub(crate) wrote: bool,
    /// The key and the step that the last operation spent.
    pub(crate) spent: Option<(usize, u64)>,
}

/// On whose chain, what, why, about whom, and whether nobody in the project asked.
type Refusal = (Option<usize>, &'static str, Reason, Option<usize>, bool);

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
            refusals: BTreeMap::new(),
            noted: Vec::new(),
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
                self.refuse(None, "access-refused", Reason::OperatorOnly, None)
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
            Op::Restart => {
                self.refusals.clear();
                Told::Done
            }
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
                // Whoever is not told of a write looks for it the next time.
                self.refusals = before.refusals;
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
}
