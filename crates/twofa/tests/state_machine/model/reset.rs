//! The model of what a proof is for, and of what support and operators do.

use super::*;

impl Model {
    /// Why a proof is not enough, if it is not.
    pub(super) fn proof(&self, pass: Pass, by_code_only: bool) -> Result<(), Reason> {
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

    pub(super) fn reset(&mut self, number: usize, subject: usize) -> Told {
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
            Err(reason) => {
                let actor = pass.user;
                self.refuse(Some(actor), "reset-refused", reason, Some(subject))
            }
        }
    }

    pub(super) fn support_reset(&mut self, subject: usize, sound: bool) -> Told {
        if !sound {
            return self.refuse(None, "reset-refused", Reason::TicketMissing, Some(subject));
        }
        if !self.resettable(subject) {
            return self.refuse(None, "reset-refused", Reason::NothingToReset, Some(subject));
        }
        let told = self.erase(subject, Reason::ResetBySupport, "support-reset");
        self.factors[subject].last_event = Some(self.now);
        told
    }

    pub(super) fn resettable(&self, subject: usize) -> bool {
        let factor = &self.factors[subject];
        factor.key.is_some() || factor.pending.is_some() || self.locked(subject)
    }

    pub(super) fn erase(&mut self, subject: usize, by: Reason, event: &'static str) -> Told {
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

    /// What was refused is told apart by how they signed in.
    pub(super) fn sign_in_refused(&mut self, user: usize, sso: bool, reason: Reason) {
        let method = USERS + usize::from(sso);
        let _ = self.refuse(Some(user), "refused", reason, Some(method));
    }

    /// A refusal stands on the chain of the member who asked, and on the project's for anybody else. One like it is
    /// written once in 60 seconds.
    pub(super) fn refuse(
        &mut self,
        actor: Option<usize>,
        event: &'static str,
        reason: Reason,
        subject: Option<usize>,
    ) -> Told {
        let member = actor.filter(|actor| self.roles[*actor].is_some());
        let stranger = actor.is_some() && member.is_none();
        let kind = (
            member,
            event,
            reason,
            subject.filter(|_| !stranger),
            stranger,
        );
        let lately = |written: u64| self.now < written + 60 && self.now + TOLERANCE >= written;
        let known = self.refusals.get(&kind).copied();
        if let Some((written, since)) = known
            && lately(written)
        {
            self.refusals.insert(kind, (written, since + 1));
            return Told::Refused(reason);
        }
        let length = |model: &Self| match member {
            Some(member) => model.factors[member].events.len(),
            None => model.project_events.len(),
        };
        let alike = |noted: &&(Refusal, u64, usize)| {
            let ((chain, code, why, about, _), at, place) = noted;
            *chain == member
                && (*code, *why) == (event, reason)
                && (stranger || *about == subject)
                && lately(*at)
                && *place + 20 > length(self)
        };
        if known.is_none_or(|(_, since)| since == 0)
            && let Some((_, at, _)) = self.noted.iter().rev().find(alike)
        {
            self.refusals.insert(kind, (*at, 1));
            return Told::Refused(reason);
        }
        if let Some(member) = member {
            self.tell(member, event, Some(reason));
        } else {
            self.project_events.push(event);
            self.wrote = true;
        }
        self.refusals.insert(kind, (self.now, 0));
        self.noted.push((kind, self.now, length(self)));
        Told::Refused(reason)
    }

    pub(super) fn replace(&mut self, number: usize) -> Told {
        let pass = self.passes[number];
        let user = pass.user;
        if self.roles[user].is_none() {
            return self.refuse(Some(user), "access-refused", Reason::ProofInvalid, None);
        }
        if let Err(reason) = self.proof(pass, true) {
            return self.refuse(Some(user), "access-refused", reason, None);
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

    pub(super) fn recheck(&self, number: usize) -> Told {
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

    pub(super) fn import(&mut self, user: usize) -> Told {
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
        if factor.mark.is_some() {
            return Told::Error("already-reset");
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
