//! What the model expects of an answer, and what becomes of it then.

use std::collections::BTreeSet;

use super::{Expected, Play, Spent, WAITS, Waiting, script::Typed};
use twofa_lifecycle::{
    AcceptedBy, Command, EventKind, LoginEffect, LoginKind, Outcome, ParkedLogin,
};
use twofa_policy::Reason;
use twofa_totp::Code;

impl Play {
    /// The steps, as offsets from now, whose code this is: by trying them, so that a coincidence is foreseen.
    fn offsets(&self, app: usize, code: &Code, reach: i64) -> Vec<i64> {
        let typed = code.expose().to_string();
        (-reach..=reach)
            .filter(|steps| {
                self.apps[app]
                    .code(self.world.now, *steps)
                    .expose()
                    .to_string()
                    == typed
            })
            .collect()
    }

    /// What should be answered, whether it counts as a failure, and the step that would be spent.
    fn expect(
        &self,
        n: u8,
        login: &ParkedLogin,
        code: &Code,
        typed: Typed,
    ) -> (Expected, bool, Option<u64>) {
        let refused = |reason, counts| (Expected::Refused(reason), counts, None);
        let now = self.world.now;
        if self.behind() {
            return refused(Reason::ClockBehind, false);
        }
        let begun = |waiting: &&Waiting| waiting.login == n;
        let current = login.generation == self.model.generation;
        let waiting = self.model.waiting.as_ref().filter(begun);
        let key = match login.kind {
            LoginKind::Enrol if current && self.model.in_use.is_none() => {
                waiting.map(|waiting| (waiting.app, AcceptedBy::Confirmed))
            }
            LoginKind::Replace if current && self.model.in_use.is_some() => {
                waiting.map(|waiting| (waiting.app, AcceptedBy::Replaced))
            }
            LoginKind::Challenge if current => self
                .model
                .in_use
                .as_ref()
                .map(|key| (key.app, AcceptedBy::Challenge)),
            _ => None,
        };
        let out_of_time =
            key.is_some_and(|(_, by)| by != AcceptedBy::Challenge) && self.waiting_expired();
        if login.expires <= now || out_of_time {
            return refused(Reason::Expired, false);
        }
        let Some((app, by)) = key else {
            return refused(Reason::Superseded, false);
        };
        if code.digits().get() != 6 {
            return refused(Reason::Malformed, false);
        }
        if self.locked() {
            return refused(Reason::Locked, false);
        }
        if by == AcceptedBy::Confirmed && self.model.handover.is_some() {
            match typed {
                Typed::Nothing => return refused(Reason::HandoverCode, false),
                Typed::Wrong => return refused(Reason::HandoverCode, true),
                Typed::Right => {}
            }
        }
        let drift = match &self.model.in_use {
            Some(key) if by == AcceptedBy::Challenge => key.drift,
            _ => 0,
        };
        let matching = self.offsets(app, code, 20);
        let mut inside: Vec<i64> = matching
            .iter()
            .copied()
            .filter(|by| by.abs() <= 1 || (by - drift).abs() <= 1)
            .collect();
        if inside.is_empty() {
            let off = matching
                .iter()
                .any(|steps| *steps < 0 || by != AcceptedBy::Challenge);
            return refused(
                if off {
                    Reason::ClockOff
                } else {
                    Reason::WrongCode
                },
                true,
            );
        }
        let spent = match (&self.model.in_use, by) {
            (Some(key), AcceptedBy::Challenge) => key.steps.last().copied(),
            _ => None,
        };
        inside.sort_by_key(|offset| offset.abs());
        let centre = self.apps[app].0.step_at(now).value();
        let fresh = inside
            .into_iter()
            .map(|offset| centre.checked_add_signed(offset).unwrap())
            .find(|step| spent.is_none_or(|spent| *step > spent));
        match fresh {
            Some(step) => (Expected::Accepted(by), false, Some(step)),
            None => refused(Reason::CodeAlreadyUsed, false),
        }
    }

    pub fn answer(&mut self, back: usize, code: &Code, typed: Typed, stored: bool) {
        let Some(at) = self.logins.len().checked_sub(1 + back) else {
            return;
        };
        let (n, login) = self.logins[at];
        let text = match typed {
            Typed::Nothing => None,
            Typed::Wrong => Some("WRNG-WRNG-WRNG-WRNG".to_owned()),
            Typed::Right => self.model.handover.clone(),
        };
        let (expected, counts, step) = self.expect(n, &login, code, typed);
        self.answered += 1;
        let command = Command::Answer {
            login: &login,
            code,
            handover: text.as_deref(),
        };
        if !stored {
            // The store failed, or another writer came first: the transition is dropped and nothing has happened.
            let transition = self.world.rehearse(command).unwrap();
            let accepted = matches!(transition.outcome(), Outcome::Accepted { .. });
            assert_eq!(accepted, matches!(expected, Expected::Accepted(_)));
            return;
        }
        let was_locked = self.locked();
        let done = self.world.apply(command);
        match (&done.outcome, &expected) {
            (
                Outcome::Accepted {
                    by, step: spent, ..
                },
                Expected::Accepted(expected),
            ) => {
                assert_eq!(by, expected);
                assert_eq!(Some(spent.value()), step);
                assert!(!was_locked, "no acceptance while locked");
            }
            (Outcome::Rejected(rejection), Expected::Refused(reason)) => {
                assert_eq!(rejection.reason, *reason);
            }
            (outcome, expected) => panic!("{outcome:?}, expected {expected:?}"),
        }
        self.after(at, &expected, counts, step, &done.kinds());
        let ends = matches!(
            expected,
            Expected::Accepted(_) | Expected::Refused(Reason::Expired | Reason::Superseded)
        );
        let counted = counts || expected == Expected::Refused(Reason::CodeAlreadyUsed);
        let effect = match (ends, counted, login.failures) {
            (true, _, _) | (_, true, 4..) => LoginEffect::End,
            (_, true, _) => LoginEffect::CountFailure,
            (_, false, _) => LoginEffect::Keep,
        };
        assert_eq!(done.login, effect);
        match effect {
            LoginEffect::End | LoginEffect::EndAll => drop(self.logins.remove(at)),
            LoginEffect::CountFailure => self.logins[at].1.failures += 1,
            LoginEffect::Keep => {}
        }
    }

    fn after(
        &mut self,
        at: usize,
        expected: &Expected,
        counts: bool,
        step: Option<u64>,
        told: &[EventKind],
    ) {
        let now = self.world.now;
        match expected {
            Expected::Accepted(by) => {
                let step = step.unwrap();
                let app = if let AcceptedBy::Challenge = by {
                    let key = self.model.in_use.as_mut().unwrap();
                    key.steps.insert(step);
                    let offset = step.cast_signed()
                        - self.apps[key.app].0.step_at(now).value().cast_signed();
                    key.drift = (key.drift + (offset - key.drift).signum()).clamp(-3, 3);
                    key.app
                } else {
                    let waiting = self.model.waiting.take().unwrap();
                    let steps = BTreeSet::from([step]);
                    self.model.in_use = Some(Spent {
                        app: waiting.app,
                        steps,
                        drift: 0,
                    });
                    waiting.app
                };
                assert!(self.accepted.insert((app, step)), "a step accepted twice");
                self.model.was_reset = false;
                self.model.handover = None;
                self.model.failures = 0;
                self.model.locked_until = None;
                assert_eq!(told.len(), 1);
                self.wrote();
                self.keep_proof();
            }
            Expected::Refused(_) if counts => {
                self.model.failures += 1;
                let wait = WAITS
                    .get(self.model.failures as usize - 1)
                    .copied()
                    .unwrap_or(3600);
                self.model.locked_until =
                    (wait > 0 && !self.hard()).then(|| now.saturating_add(wait));
                self.model.noted = false;
                assert_eq!(told[0], EventKind::Failed);
                assert_eq!(told.len(), 1 + usize::from(self.hard()));
                self.wrote();
            }
            Expected::Refused(Reason::Locked) => {
                assert_eq!(told.len(), usize::from(!self.model.noted));
                if !self.model.noted {
                    self.wrote();
                }
                self.model.noted = true;
            }
            Expected::Refused(Reason::CodeAlreadyUsed) => {
                assert_eq!(told, [EventKind::Replayed]);
                self.wrote();
            }
            Expected::Refused(Reason::Expired) => {
                let (n, login) = self.logins[at];
                let begun = self
                    .model
                    .waiting
                    .as_ref()
                    .is_some_and(|waiting| waiting.login == n)
                    && login.kind != LoginKind::Challenge
                    && (login.kind == LoginKind::Replace) == self.model.in_use.is_some()
                    && login.generation == self.model.generation;
                if begun && self.waiting_expired() {
                    assert_eq!(told, [EventKind::EnrolmentExpired]);
                    self.model.waiting = None;
                    self.wrote();
                } else {
                    assert!(told.is_empty());
                }
            }
            Expected::Refused(_) => assert!(told.is_empty()),
        }
    }
}
