//! Times, ids and names that every twofa crate shares.
//!
//! This crate holds values and their bounds, nothing else. It must never read a clock, allocate, or know
//! what a second factor is: everything above depends on it, so whatever is added here is added everywhere.
//!
//! | file | subject |
//! |---|---|
//! | `time.rs` | [`UnixTime`]: whole seconds, passed in by whoever owns a clock |
//! | `name.rs` | [`Name`]: short clean text, held inline |
//! | `id.rs` | [`ProjectId`] and [`UserId`]: names that cannot be mistaken for each other |
#![no_std]

mod id;
mod name;
mod time;

pub use id::{ProjectId, UserId};
pub use name::{Name, NameError};
pub use time::UnixTime;

/// The code of this crate's README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeOfThisCrate;
