//! Two-factor authentication for an application to embed: mandatory from a date, superseded by single
//! sign-on, reset by administrators only, one use a code, guesses throttled, secrets sealed, all of it on
//! the record.
//!
//! The application checks passwords, keeps sessions and draws pages. [`TwoFactor`] does the rest in two calls:
//! [`begin`](TwoFactor::begin) when the credentials are right, [`answer`](TwoFactor::answer) when a code was
//! typed. Both end in a [`LoginPass`], the only thing that a session may be built from, or in a reason.
//!
//! This crate is where effects are: clock, randomness, storage, async. It must hold no rules of its own (they
//! are [`policy`] and [`lifecycle`]), pick no async runtime, and give no secret a second way out.
//!
//! | file | subject |
//! |---|---|
//! | `service.rs`, `service/` | [`TwoFactor`]: login, session, administration, reports, audit, upkeep |
//! | `login.rs` | [`SignIn`], [`Begin`], [`Attempt`], [`Answer`]: what goes in and out of a login |
//! | `proof.rs` | [`LoginPass`] and [`Proof`] |
//! | `store.rs`, `directory.rs` | [`Store`] and [`Directory`]: what an application may bring itself |
//! | `store/forward.rs`, `store/recovery.rs` | [`forward_store!`]: for a store that wraps another; [`Recovery`] |
//! | `store/people.rs` | [`People`]: a store that keeps projects and members too |
//! | `memory.rs`, `memory/` | a store and a directory in memory |
//! | `keyring.rs`, `keyring/` | [`Keyring`]: keys, their ids and states, and where they come from |
//! | `installation.rs`, `keys.rs`, `keys/` | the store's own record of its keys; both together, as what is used |
//! | `seal.rs` | how things rest under them |
//! | `head.rs` | [`Head`]: one text that stands for all chains |
//! | `retry.rs`, `random.rs` | the one retry policy; the operating system's generator |
//! | `error.rs` | [`Error`] |
//! | `guide.rs`, `../docs` | [`guide`]: how to embed it, why it is as it is, what it stands up to |
//! | `testkit/` | what proves a store (feature `testkit`) |

pub mod guide;

mod directory;
mod error;
mod head;
mod installation;
mod keyring;
mod keys;
mod login;
mod memory;
mod proof;
mod random;
mod retry;
mod seal;
mod service;
mod store;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use twofa_lifecycle as lifecycle;
pub use twofa_otpauth as otpauth;
pub use twofa_policy as policy;
pub use twofa_totp as totp;
pub use twofa_types as types;

pub use directory::{Directory, Project, Standing};
pub use error::{Error, RestError};
pub use head::{Head, HeadError};
pub use installation::{Purpose, StoreId};
pub use keyring::{KeyFile, KeyId, KeySource, KeyState, Keyring, KeyringError, NotAKeyId};
pub use login::{
    Again, Answer, Attempt, Begin, Challenge, Enrolment, LoginId, NotALoginId, Rejected, SignIn,
};
pub use memory::{MemoryDirectory, MemoryStore, MemoryStoreError};
pub use proof::{AcceptedCode, LoginPass, NotAProof, Proof};
pub use service::{
    Acknowledged, Authorized, BadPlace, Behind, Builder, Check, Events, Fault, Impact, Imported,
    MemberImpact, ResetDone, Rotation, TwoFactor, Verification,
};
pub use service::{
    ArchiveDone, ArchiveSink, ArchivedEvent, ArchivedEvents, InstallationView, KeyUse, Looks,
    ProofsOfOld, Watch,
};
pub use store::{
    Applied, AuditRow, ChainSpan, Change, Cut, Ends, EventQuery, FactorRow, Found, HeadRow,
    Listing, MAX_RECORD_BYTES, People, RecordRow, Recovery, Remains, Resumed, Store, Stored,
    Subject, SubjectEvent, Tip,
};

/// The examples in the repository's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
