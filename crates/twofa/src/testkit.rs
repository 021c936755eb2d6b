//! What proves an implementation of [`Store`](crate::Store) and [`Directory`](crate::Directory), and tests a
//! whole service over it.
//!
//! Give [`suite!`](crate::suite) an expression that makes a [`Harness`] over an empty store, and each check
//! becomes a test of its own:
//!
//! ```
//! mod memory {
//!     twofa::testkit::suite!(twofa::testkit::MemoryHarness::default());
//! }
//! # fn main() {}
//! ```
//!
//! Every check is a public function of a harness, so that one can be run alone, and [`run_all`] runs them all.
//! A check that fails panics, and says which promise was broken. None of them sleeps or measures time.
//!
//! It must never need a runtime of its own, nor more of a store than the two traits promise.
//!
//! | file | subject |
//! |---|---|
//! | `testkit/harness.rs` | [`Harness`], [`MemoryHarness`], [`Clock`]: what a store is tested through |
//! | `testkit/site.rs` | [`Site`]: a project with people, a service, a clock, so that checks read as stories |
//! | `testkit/authenticator.rs` | [`Authenticator`]: the app on a phone |
//! | `testkit/contract.rs`, `testkit/contract/` | what a store promises, call by call |
//! | `testkit/failures.rs`, `testkit/failures/` | what went wrong elsewhere, by number, through the service |
//! | `testkit/service.rs` | what else a service over the store must do |
//! | `testkit/faulty.rs` | [`FaultyStore`]: any store, with calls that fail or whose reply is lost |
//! | `testkit/swapped.rs` | [`SwappedStore`]: any store, after somebody exchanged two rows |
//! | `testkit/suite.rs` | [`suite!`](crate::suite), [`run_all`] |
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a check panics when a promise is broken, which is all it does"
)]

mod authenticator;
pub mod contract;
pub mod failures;
mod faulty;
mod harness;
pub mod service;
mod site;
mod suite;
mod swapped;

pub use crate::suite;
pub use authenticator::Authenticator;
pub use faulty::{Fault, FaultyError, FaultyStore};
pub use harness::{Clock, Harness, MemoryHarness, block_on};
pub use site::{
    MANDATE, RACERS, START, Service, Site, accepted, allowed, at_once, challenge, fine, granted,
    project, reason, refused, rejected, service as service_over, set_up, user,
};
pub use suite::run_all;
pub use swapped::SwappedStore;
