//! The state machine of one person's second factor: set-up, use, throttle, replacement, reset, recovery.
//!
//! [`step`] takes a [`Record`], a [`Command`] and a [`Context`] (the time, fresh random bytes, a way to open and
//! seal secrets) and answers with a [`Transition`]: the new record, the outcome, the audit events, and what
//! becomes of the login that answered. It performs nothing. Whoever called it stores record and events in one
//! conditional write, *before* the answer leaves; where that write is lost, the transition is dropped and worth
//! nothing.
//!
//! It must never read a clock, draw randomness, do IO, allocate without bound, panic, put a code or a secret
//! into an event, or let anything but an accepted code or a reset clear the throttle.
//!
//! | file | subject |
//! |---|---|
//! | `config.rs` | [`Config`], [`Context`], [`Random`]: what is passed in |
//! | `vault.rs` | [`Vault`], [`SealedSecret`]: secrets at rest |
//! | `login.rs` | [`ParkedLogin`]: a login that waits for its code |
//! | `throttle.rs` | [`Throttle`]: failures in a row and what they cost |
//! | `handover.rs` | [`HandoverCode`]: shown to the administrator who resets, typed at the next set-up |
//! | `record.rs` | [`Record`], [`State`]: what is remembered of one factor |
//! | `encoding.rs` | the record as bytes, and back |
//! | `event.rs` | [`Event`]: what the audit is told |
//! | `command.rs`, `outcome.rs` | what may be asked, and the answers; [`Damage`]: what a recovery is told |
//! | `step.rs`, `answer.rs`, `reset.rs` | the transitions; answering with a code, and resets and recoveries, have files of their own |
#![no_std]

extern crate alloc;

mod answer;
mod command;
mod config;
mod encoding;
mod event;
mod handover;
mod login;
mod outcome;
mod record;
mod reset;
mod step;
mod throttle;
mod vault;

pub use command::{Command, Damage, Entry, Noted};
pub use config::{Config, ConfigError, Context, Random};
pub use encoding::RecordError;
pub use event::{Actor, Detail, Event, EventKind};
pub use handover::HandoverCode;
pub use login::{LoginEffect, LoginHash, LoginKind, ParkedLogin};
pub use outcome::{AcceptedBy, Outcome, Rejection, Transition, TransitionParts};
pub use record::{
    Active, ChainHead, ErasedKey, Key, Listed, PendingKey, Record, ResetMark, State, Summary,
    SummaryState,
};
pub use step::step;
pub use throttle::Throttle;
pub use vault::{SealedSecret, SealedSecretError, Vault};

/// The code of this crate's README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeOfThisCrate;
