use alloc::vec::Vec;

use twofa_policy::Reason;
use twofa_totp::{ClockOff, Params, Secret, Step};
use twofa_types::UnixTime;

use crate::{Event, HandoverCode, LoginEffect, Record};

/// What a command came to. Worth nothing until the record of the same transition is stored.
#[derive(Debug)]
#[must_use = "an outcome says whether anything was accepted"]
pub enum Outcome {
    /// A key was made. Its secret leaves the library here and nowhere else.
    #[non_exhaustive]
    Enrolment {
        /// The secret, for the QR code.
        secret: Secret,
        /// Parameters of its codes.
        params: Params,
        /// From when on it can no longer be confirmed.
        expires: UnixTime,
    },
    /// A code was accepted, and its step is spent in the record that comes with this outcome.
    #[non_exhaustive]
    Accepted {
        /// What it did.
        by: AcceptedBy,
        /// Its step.
        step: Step,
        /// How many steps it was from now; negative for the past.
        offset: i32,
    },
    /// Nothing was accepted.
    Rejected(Rejection),
    /// The factor is erased.
    #[non_exhaustive]
    Reset {
        /// What the next set-up must bring, where the project asks for it. Shown once, to whoever reset.
        handover: Option<HandoverCode>,
    },
    /// A record that could not be read is recovered: the factor is erased.
    #[non_exhaustive]
    Recovered {
        /// What the next set-up must bring, whatever the project asks for. Shown once, to whoever recovered.
        handover: HandoverCode,
    },
    /// A key was brought from another system and is in use.
    #[non_exhaustive]
    Imported {
        /// What the first code must bring, where the factor was reset before and nobody has such a code yet. Shown
        /// once, to whoever imported.
        handover: Option<HandoverCode>,
    },
    /// Parked logins, and perhaps sessions, are over.
    Ended,
    /// A key that was not confirmed in time is gone.
    Expired,
    /// The audit has it.
    Noted,
    /// There was nothing to do.
    Nothing,
}

/// What an accepted code did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcceptedBy {
    /// It answered a challenge.
    Challenge,
    /// It confirmed a first key.
    Confirmed,
    /// It confirmed a key that replaced another.
    Replaced,
}

/// Why nothing was accepted, and what may be said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The reason.
    pub reason: Reason,
    /// Until when no code will be looked at. `None` where there is no wait, and where only a reset helps.
    pub retry_at: Option<UnixTime>,
    /// How far the clock is off, and which way.
    pub clock_off: Option<ClockOff>,
}

impl Rejection {
    pub(crate) const fn new(reason: Reason) -> Self {
        Self {
            reason,
            retry_at: None,
            clock_off: None,
        }
    }
}

/// One step of a factor: to be stored whole, or not at all.
#[derive(Debug)]
#[must_use = "a transition that is not stored is worth nothing"]
pub struct Transition {
    parts: TransitionParts,
}

/// The parts of a [`Transition`].
#[derive(Debug)]
#[must_use = "a transition that is not stored is worth nothing"]
#[non_exhaustive]
pub struct TransitionParts {
    /// The record as it is to be; `None` where nothing changed and nothing is to be written.
    pub record: Option<Record>,
    /// What the command came to.
    pub outcome: Outcome,
    /// What the audit is told; empty where `record` is `None`.
    pub events: Vec<Event>,
    /// What becomes of the login that answered.
    pub login: LoginEffect,
}

impl Transition {
    pub(crate) const fn write(
        record: Record,
        events: Vec<Event>,
        outcome: Outcome,
        login: LoginEffect,
    ) -> Self {
        Self {
            parts: TransitionParts {
                record: Some(record),
                outcome,
                events,
                login,
            },
        }
    }

    /// Nothing changes but, perhaps, the login.
    pub(crate) const fn unchanged(outcome: Outcome, login: LoginEffect) -> Self {
        Self {
            parts: TransitionParts {
                record: None,
                outcome,
                events: Vec::new(),
                login,
            },
        }
    }

    /// The record as it is to be; `None` where nothing changed and nothing is to be written.
    pub const fn record(&self) -> Option<&Record> {
        self.parts.record.as_ref()
    }

    /// What the command came to.
    pub const fn outcome(&self) -> &Outcome {
        &self.parts.outcome
    }

    /// What the audit is told; empty where nothing changed.
    pub fn events(&self) -> &[Event] {
        &self.parts.events
    }

    /// What becomes of the login that answered.
    pub const fn login(&self) -> LoginEffect {
        self.parts.login
    }

    /// All of it, by value.
    pub fn into_parts(self) -> TransitionParts {
        self.parts
    }
}
