//! One-time passwords: TOTP (RFC 6238) and HOTP (RFC 4226), without an allocator, a clock or a panic.
//!
//! A [`Totp`] is built once from a [`Secret`] and [`Params`]; it holds the HMAC key schedule, so that each code
//! costs two compressions of the hash and no more. A code that somebody typed is parsed once to a [`Code`],
//! found among the steps of the [`Window`], and is worth nothing until its step is spent:
//!
//! ```
//! use twofa_totp::{Code, LastStep, Params, Rejected, Secret, Totp, UnixTime};
//!
//! let secret = Secret::from_bytes(b"12345678901234567890")?;
//! let totp = Totp::new(&secret, Params::default());
//!
//! let now = UnixTime::from_secs(1_669_852_800);
//! let typed = totp.generate(now).expose().to_string();
//!
//! let mut last = LastStep::NONE;
//! let accepted = totp.find(&Code::parse(&typed)?, now)?.spend(&mut last)?;
//! assert_eq!(accepted.offset(), 0);
//!
//! // The same code once more, or an older one: refused, whatever the clock says.
//! let again = totp.find(&Code::parse(&typed)?, now)?.spend(&mut last);
//! assert_eq!(again.unwrap_err(), Rejected::AlreadyUsed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What this crate must never do: read a clock or a random generator (both are passed in), allocate, panic on
//! any input, print a secret or a code, compare a code in time that depends on it, or accept one time step
//! twice (RFC 6238 section 5.2).
//!
//! | file | subject |
//! |---|---|
//! | `params.rs` | [`Algorithm`], [`Digits`], [`Period`], [`Params`]: what both sides agree on at set-up |
//! | `secret.rs` | [`Secret`]: the shared key, inline and wiped |
//! | `code.rs` | [`Code`]: a typed or generated code, and the typing that is understood |
//! | `step.rs` | [`Step`] and [`LastStep`]: counted time, and how far it is spent |
//! | `window.rs` | [`Window`] and [`Scan`]: the steps looked at to accept, and to explain |
//! | `drift.rs` | [`Drift`]: a clock that is steadily off, in whole steps |
//! | `totp.rs` | [`Totp`]: generate, find, diagnose, resync |
//! | `candidate.rs` | [`Candidate`] and [`Accepted`]: a match, before and after its step is spent |
//! | `reject.rs` | [`NoMatch`], [`ClockOff`], [`Rejected`]: why not |
//! | `hotp.rs` | [`Hotp`]: the counter-based sibling, with look-ahead |
//! | `schedule.rs`, `schedule/` | the HMAC key schedule and the two compressions of a code |
#![no_std]

mod candidate;
mod code;
mod drift;
mod hotp;
mod params;
mod reject;
mod schedule;
mod secret;
#[cfg(feature = "serde")]
mod serde;
mod step;
mod totp;
mod window;

pub use candidate::{Accepted, Candidate};
pub use code::{Code, CodeText, MalformedCode};
pub use drift::Drift;
pub use hotp::{Counter, Hotp, HotpCandidate, LookAhead};
pub use params::{Algorithm, Digits, Params, Period};
pub use reject::{ClockOff, Direction, NoMatch, OutOfBounds, Rejected};
pub use secret::{Secret, SecretError};
pub use step::{LastStep, Step};
pub use totp::Totp;
pub use window::{Scan, Window};

/// The time, as everything here takes it: from whoever owns a clock.
pub use twofa_types::UnixTime;

/// The code of this crate's README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeOfThisCrate;
