//! The model of a login: begun, answered, accepted or counted.

use super::*;

impl Model {
    pub(super) fn begin(&mut self, user: usize, sso: bool) -> Told {
        if self.roles[user].is_none() {
            return Told::Error("unknown-member");
        }
        let decision = self.decide(user, sso, self.locked(user));
        match decision {
            Told::Allowed(how, reason) => {
                self.pass(user, how);
                self.tell(user, "passed", Some(reason));
            }
            Told::Refused(reason) => {
                self.sign_in_refused(user, sso, reason);
            }
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

    pub(super) fn answer(&mut self, number: usize, typed: Typed) -> Told {
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
            Told::Refused(reason) => {
                self.sign_in_refused(user, false, reason);
                return rejected(reason);
            }
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
    pub(super) fn look_at(
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

    pub(super) fn accept(&mut self, number: usize, key: usize, step: u64, steps: i64) -> Told {
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

    pub(super) fn while_locked(&mut self, user: usize) -> Told {
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
    pub(super) fn count_in_login(&mut self, number: usize) -> bool {
        let login = &mut self.logins[number];
        login.failures += 1;
        login.parked = login.failures < 5;
        !login.parked
    }

    pub(super) fn failed(&mut self, number: usize, reason: Reason) -> Told {
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
}
