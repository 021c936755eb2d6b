//! One factor with everything around it, and what must hold after each step: [`Play`].

use std::collections::BTreeSet;

use twofa::lifecycle::{
    AcceptedBy, Command, Config, Context, LoginEffect, LoginHash, LoginKind, Outcome, ParkedLogin,
    PendingKey, Record, Rejection, State, TransitionParts, Vault as _, step,
};
use twofa::policy::{Handover, Reason};
use twofa::totp::{Algorithm, Code, Digits, Params, Period, Secret, Step, Totp, Window};
use twofa::types::UnixTime;

use crate::{Bytes, PlainVault, grant, random, support_grant};

/// 14 November 2023, half-way through a time step.
const START: UnixTime = UnixTime::from_secs(1_700_000_025);
/// What the failures in a row cost, in seconds, from the fourth on; the last one goes on.
const WAITS: [u64; 6] = [30, 60, 120, 300, 900, 3600];
/// So many failures in a row stop the factor until a reset.
const HARD_STOP: u32 = 100;

/// What is typed as the hand-over code.
#[derive(Clone, Copy, PartialEq)]
pub enum Typed {
    /// Nothing.
    Nothing,
    /// Spaces and hyphens.
    Blank,
    /// Something else.
    Wrong,
    /// The code, where there is one.
    Right,
}

/// A factor, its clock, its keys and logins; and, kept apart from its record, what was spent and what failed.
pub struct Play {
    record: Record,
    now: UnixTime,
    config: Config,
    /// What was drawn so far: no two keys, logins or hand-over codes are alike.
    drawn: u64,
    keys: Vec<(Secret, Params)>,
    logins: Vec<ParkedLogin>,
    handover: Option<String>,
    /// Every step that was accepted, with the sealed key that it was a code of.
    spent: BTreeSet<(Vec<u8>, u64)>,
    failures: u32,
    locked_until: Option<UnixTime>,
}

impl Play {
    /// Nobody has a factor yet; window and parameters come from the bytes.
    pub fn new(bytes: &mut Bytes<'_>) -> Option<Self> {
        let window = Window::new(bytes.byte()? % 11, bytes.byte()? % 11).ok()?;
        let params = Params::default()
            .with_algorithm(Algorithm::ALL[bytes.below(3)?])
            .with_digits(Digits::try_from(6 + bytes.byte()? % 3).ok()?)
            .with_period(Period::new([30, 60, 10, 3600][bytes.below(4)?]).ok()?);
        Some(Self {
            record: Record::new(),
            now: START,
            config: Config::default().with_window(window).with_params(params),
            drawn: 0,
            keys: Vec::new(),
            logins: Vec::new(),
            handover: None,
            spent: BTreeSet::new(),
            failures: 0,
            locked_until: None,
        })
    }

    /// Time passes.
    pub fn tick(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(seconds);
    }

    /// The clock is put back.
    pub fn tick_back(&mut self, seconds: u64) {
        self.now = self.now.saturating_sub(seconds);
    }

    /// The clock is put anywhere.
    pub fn jump(&mut self, seconds: u64) {
        self.now = UnixTime::from_secs(seconds);
    }

    /// A set-up, or a replacement, with the login that began it.
    pub fn begin(&mut self, replace: bool) {
        let login = self.hash();
        let (command, kind) = if replace {
            (Command::BeginReplacement { login }, LoginKind::Replace)
        } else {
            (Command::BeginEnrolment { login }, LoginKind::Enrol)
        };
        let parked = ParkedLogin::park(login, kind, &self.record, self.now, &self.config);
        if let Outcome::Enrolment { secret, params, .. } = self.step(command).outcome {
            assert!(!self.locked(), "no new key while locked");
            self.keys.push((secret, params));
            self.logins.push(parked);
        }
    }

    /// A login that began nothing.
    pub fn park(&mut self, kind: LoginKind) {
        let id = self.hash();
        self.logins.push(ParkedLogin::park(
            id,
            kind,
            &self.record,
            self.now,
            &self.config,
        ));
    }

    /// A key from another system.
    pub fn import(&mut self) {
        let secret = Secret::from_random_bytes(Algorithm::Sha1, &self.draw().secret)
            .expose_secret()
            .to_vec();
        let secret = Secret::from_bytes(&secret).unwrap();
        let params = self.config.params();
        if let Outcome::Imported { .. } = self
            .step(Command::Import {
                secret: &secret,
                params,
                by: None,
                again: false,
            })
            .outcome
        {
            self.keys.push((secret, params));
        }
    }

    /// What lapsed is cleared away.
    pub fn expire(&mut self) {
        let _ = self.step(Command::Expire);
    }

    /// An administrator or support resets, perhaps with a grant from before the last reset.
    pub fn reset(&mut self, support: bool, handover: bool, stale: bool) {
        let before = self.record.generation();
        let generation = before - u32::from(stale);
        let grant = if support {
            support_grant(generation, self.now)
        } else {
            grant(generation, self.now)
        };
        let handover = if handover {
            Handover::Required
        } else {
            Handover::NotRequired
        };
        let parts = self.step(Command::Reset { grant, handover });
        if let Outcome::Reset { handover, .. } = parts.outcome {
            assert!(
                !stale
                    && parts.login == LoginEffect::EndAll
                    && self.record.generation() == before + 1
            );
            // The logins stay: where the store is slow to end them, the generation has to.
            self.handover = handover.map(|code| code.expose_secret().to_owned());
            (self.failures, self.locked_until) = (0, None);
        }
        self.compare();
    }

    /// The code that one of the keys shows, so many steps from now; the newest is 0.
    pub fn code(&self, key: usize, steps: i64) -> Option<Code> {
        let (secret, params) = self.keys.iter().rev().nth(key % self.keys.len().max(1))?;
        let totp = Totp::new(secret, *params);
        let step = totp.step_at(self.now).value().saturating_add_signed(steps);
        Some(totp.generate_step(Step::from_value(step)))
    }

    /// A code of no key in particular.
    pub fn made_up(number: u64, digits: u8) -> Code {
        let text = format!(
            "{:0width$}",
            number % 10_u64.pow(digits.into()),
            width = digits.into()
        );
        Code::parse(&text).unwrap()
    }

    /// One more guess in a login of its own, as soon as one is looked at.
    pub fn guess(&mut self) {
        self.now = self.now.max(self.locked_until.unwrap_or_default());
        self.park(LoginKind::Challenge);
        let code = self.code(0, 5000);
        self.answer(0, code.as_ref(), Typed::Nothing, true);
        self.logins.pop();
    }

    /// A code is typed in one of the logins, the newest being 0; where the write is lost, nothing has happened.
    pub fn answer(&mut self, login: usize, code: Option<&Code>, typed: Typed, stored: bool) {
        let Some(back) = login.checked_rem(self.logins.len()) else {
            return;
        };
        let Some(code) = code else { return };
        let at = self.logins.len() - 1 - back;
        let login = self.logins[at];
        let text = match typed {
            Typed::Nothing => None,
            Typed::Blank => Some(" - ".to_owned()),
            Typed::Wrong => Some("WRNG-WRNG-WRNG-WRNG".to_owned()),
            Typed::Right => self.handover.clone(),
        };
        let command = Command::Answer {
            login: &login,
            code,
            handover: text.as_deref(),
        };
        if !stored {
            let _ = self.rehearse(command);
            return self.compare();
        }
        let must = self.must_accept(&login, code);
        let before = self.record.clone();
        let parts = self.step(command);
        match parts.outcome {
            Outcome::Accepted {
                by, step, offset, ..
            } => {
                self.accepted(&before, &login, code, typed, (by, step, offset));
            }
            Outcome::Rejected(why) => {
                assert!(!must, "a right code was refused: {why:?}");
                self.rejected(why, typed);
            }
            other => panic!("an answer came to {other:?}"),
        }
        match parts.login {
            LoginEffect::Keep => {}
            LoginEffect::CountFailure => self.logins[at].failures += 1,
            LoginEffect::End | LoginEffect::EndAll => drop(self.logins.remove(at)),
        }
        self.compare();
    }

    /// Whether this is a code of the key in use, within the window, not spent, in a login that is good.
    fn must_accept(&self, login: &ParkedLogin, code: &Code) -> bool {
        let State::Active(active) = self.record.state() else {
            return false;
        };
        let good = login.kind == LoginKind::Challenge
            && login.generation == self.record.generation()
            && login.expires > self.now
            && login.failures < 5
            && !self.locked()
            && !self.behind();
        let secret = PlainVault
            .open(self.record.generation(), &active.key.sealed)
            .unwrap();
        let totp = Totp::new(&secret, active.key.params);
        let (now, window) = (totp.step_at(self.now).value(), self.config.window());
        let steps =
            now.saturating_sub(window.past().into())..=now.saturating_add(window.future().into());
        let fresh = |step: &u64| active.last_step.is_none_or(|last| *step > last.value());
        good && steps
            .filter(fresh)
            .any(|step| text(&totp.generate_step(Step::from_value(step))) == text(code))
    }

    fn accepted(
        &mut self,
        before: &Record,
        login: &ParkedLogin,
        code: &Code,
        typed: Typed,
        (by, step, offset): (AcceptedBy, Step, i32),
    ) {
        assert!(!self.locked(), "accepted while locked");
        assert!(
            login.expires > self.now && login.failures < 5,
            "accepted in a login that is over"
        );
        assert_eq!(
            login.generation,
            before.generation(),
            "accepted in a login from before a reset"
        );
        let State::Active(now) = self.record.state() else {
            panic!("accepted, and not in use")
        };
        let pending: Option<&PendingKey> = match (by, before.state()) {
            (AcceptedBy::Confirmed, State::Pending { pending, after }) => {
                if after.is_some_and(|mark| mark.handover.is_some()) {
                    assert!(
                        typed == Typed::Right && self.handover.is_some(),
                        "accepted without the hand-over code"
                    );
                }
                self.handover = None;
                Some(pending)
            }
            (AcceptedBy::Replaced, State::Active(active)) => active.replacement.as_ref(),
            (AcceptedBy::Challenge, State::Active(active)) => {
                assert_eq!(
                    active.key.sealed, now.key.sealed,
                    "a challenge changes no key"
                );
                assert!(
                    active.last_step.is_none_or(|last| last < step),
                    "steps only grow"
                );
                None
            }
            other => panic!("accepted by {other:?}"),
        };
        assert_eq!(pending.is_some(), by != AcceptedBy::Challenge);
        if let Some(pending) = pending {
            assert!(
                pending.login == login.id && pending.expires > self.now,
                "confirmed by who did not begin it"
            );
            assert_eq!(pending.key.sealed, now.key.sealed);
        }
        let secret = PlainVault
            .open(before.generation(), &now.key.sealed)
            .unwrap();
        let totp = Totp::new(&secret, now.key.params);
        assert_eq!(
            text(&totp.generate_step(step)),
            text(code),
            "a code of that step of that key"
        );
        assert_eq!(
            totp.step_at(self.now)
                .value()
                .checked_add_signed(offset.into()),
            Some(step.value())
        );
        assert!((-13..=13).contains(&offset), "a window and a drift at most");
        assert_eq!(
            now.last_step,
            Some(step),
            "spent in the record that comes with it"
        );
        assert!(
            self.spent
                .insert((now.key.sealed.as_bytes().to_vec(), step.value())),
            "a step accepted twice"
        );
        (self.failures, self.locked_until) = (0, None);
    }

    fn rejected(&mut self, why: Rejection, typed: Typed) {
        let counts = match why.reason {
            Reason::WrongCode | Reason::ClockOff => true,
            // With the right one it is only asked for where there is none to be had.
            Reason::HandoverCode => typed == Typed::Wrong,
            Reason::Locked => {
                assert!(self.locked(), "said to be locked");
                false
            }
            _ => false,
        };
        if counts {
            assert!(!self.locked(), "looked at while locked");
            self.failures += 1;
            let wait = self
                .failures
                .checked_sub(4)
                .map(|past| WAITS[(past as usize).min(WAITS.len() - 1)]);
            self.locked_until = wait
                .filter(|_| self.failures < HARD_STOP)
                .map(|wait| self.now.saturating_add(wait));
            assert_eq!(why.retry_at, self.locked_until);
        }
    }

    fn locked(&self) -> bool {
        self.failures >= HARD_STOP || self.locked_until.is_some_and(|until| until > self.now)
    }

    fn behind(&self) -> bool {
        self.record
            .last_event()
            .is_some_and(|last| self.now.saturating_add(120) < last)
    }

    fn compare(&self) {
        let throttle = self.record.throttle();
        assert_eq!(throttle.failures(), self.failures, "failures are exact");
        assert_eq!(throttle.until(), self.locked_until);
        assert_eq!(
            Record::decode(&self.record.encode()).as_ref(),
            Ok(&self.record)
        );
    }

    fn draw(&mut self) -> twofa::lifecycle::Random {
        self.drawn += 1;
        random(self.drawn)
    }

    fn hash(&mut self) -> LoginHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(&self.draw().secret[..32]);
        LoginHash::from_bytes(hash)
    }

    fn rehearse(&mut self, command: Command<'_>) -> TransitionParts {
        let random = self.draw();
        let context = Context {
            now: self.now,
            random: &random,
            vault: &PlainVault,
            config: &self.config,
        };
        let parts = step(&self.record, command, &context)
            .expect("every secret here was sealed here")
            .into_parts();
        assert_eq!(
            parts.record.is_some(),
            !parts.events.is_empty(),
            "no change without an event, and no event without"
        );
        parts
    }

    fn step(&mut self, command: Command<'_>) -> TransitionParts {
        let behind = self.behind();
        let parts = self.rehearse(command);
        if let Outcome::Accepted { .. } | Outcome::Enrolment { .. } | Outcome::Imported { .. } =
            parts.outcome
        {
            assert!(!behind, "accepted while the clock stands behind");
        }
        if let Some(record) = &parts.record {
            self.record = record.clone();
        }
        parts
    }
}

fn text(code: &Code) -> String {
    code.expose().to_string()
}
