//! Who is asked for a second factor, who may reset one, and why.
//!
//! Every answer of this crate is computed from values that the caller brings, and every answer says why:
//! [`decide`] for a sign-in, [`recheck`] for a session that is already open, [`authorize_reset`],
//! [`authorize_support_reset`] and [`authorize_settings_change`] for authority, [`impact_of`] for a dry run.
//!
//! This crate must never read a clock, allocate, remember an earlier answer, or see a secret or a code. On
//! doubt it refuses. Nothing here can be told to skip a rule.
//!
//! ```
//! use twofa_policy::{FactorView, Next, ProjectSettings, Reason, Remedy, SignInMethod, decide};
//! use twofa_types::UnixTime;
//!
//! let from = UnixTime::from_secs(1_669_852_800); // 1 December 2022
//! let settings = ProjectSettings::mandatory_from(from);
//! let decision = decide(&settings, SignInMethod::Password, &FactorView::NONE, from);
//!
//! assert_eq!(decision.next(), Next::Enrol);
//! assert_eq!(decision.reason(), Reason::Mandatory);
//! assert_eq!(decision.reason().code(), "mandatory");
//! assert!(decision.remedies().contains(Remedy::SetUp));
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `settings.rs` | [`ProjectSettings`] and what it is made of |
//! | `factor.rs` | [`FactorView`]: as much of a person's factor as rules may look at |
//! | `reason.rs` | [`Reason`]: the closed list of reason codes, with a sentence for each |
//! | `remedy.rs` | [`Remedy`] and [`Remedies`]: the ways out |
//! | `decide.rs` | [`decide`]: the rules in their order, and the [`Decision`] |
//! | `trail.rs` | [`Trail`]: the rules that were looked at on the way |
//! | `recheck.rs` | [`recheck`]: the same rules for a session that is already open |
//! | `grant.rs` | [`ResetGrant`] and [`SettingsGrant`]: authority as values; [`Refusal`] |
//! | `reset.rs` | [`authorize_reset`] and [`authorize_support_reset`]; [`ProofFacts`] |
//! | `access.rs` | [`authorize_list`] and [`authorize_replacement`]: what a proof is enough for short of a reset |
//! | `change.rs` | [`authorize_settings_change`] |
//! | `impact.rs` | [`impact_of`] and [`Summary`]: who would meet what, before a change |
//! | `warning.rs` | [`Warning`]: what works as set, and should be thought over |
#![no_std]

mod access;
mod change;
mod decide;
mod factor;
mod grant;
mod impact;
mod reason;
mod recheck;
mod remedy;
mod reset;
mod settings;
mod trail;
mod warning;

pub use access::{
    AccessRequest, LIST_AGE_SECS, authorize_list, authorize_replacement, no_proof, replaceable,
};
pub use change::{Changer, authorize_settings_change};
pub use decide::{Decision, Next, decide};
pub use factor::{CLOCK_TOLERANCE_SECS, FactorState, FactorView, Lock, ResetBy};
pub use grant::{GRANT_SECS, Refusal, ResetActor, ResetGrant, SettingsGrant};
pub use impact::{Counts, Summary, impact_of};
pub use reason::Reason;
pub use recheck::{How, Proven, Recheck, recheck};
pub use remedy::{Help, Remedies, RemediesIter, Remedy};
pub use reset::{
    MissingKey, ProofFacts, ResetRequest, SupportResetRequest, authorize_reset,
    authorize_support_reset, not_an_administrator, unknown_project,
};
pub use settings::{
    Handover, Mandate, Passes, PasswordUnderSso, ProjectSettings, Role, SelfReset, SignInMethod,
    Sso,
};
pub use trail::{RuleTried, Trail, TrailIter};
pub use warning::{Warning, Warnings, WarningsIter};

/// The code of this crate's README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeOfThisCrate;
