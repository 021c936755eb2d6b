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
//! # A store of your own
//!
//! Add `twofa` with the feature `testkit` to the dev-dependencies, and write a harness: it makes an empty store
//! for each check (a fresh file, a fresh database or schema), opens it as often as it is asked, and fills the
//! directory. Where the store's driver needs a runtime, the harness owns one; it must have several threads,
//! since checks that race call [`Harness::block_on`] from 64 threads at once.
//!
//! ```
//! use std::sync::Arc;
//! use tokio::runtime::Runtime;
//! use twofa::policy::{ProjectSettings, Role};
//! use twofa::testkit::Harness;
//! use twofa::types::{ProjectId, UserId};
//! # use twofa::{MemoryDirectory as MyDirectory, MemoryStore as MyStore};
//!
//! struct MyHarness {
//!     runtime: Runtime,
//!     store: Arc<MyStore>, // or the URL of a database made for this harness
//!     directory: Arc<MyDirectory>,
//! }
//!
//! impl MyHarness {
//!     fn new() -> Self {
//!         let runtime = Runtime::new().expect("a runtime");
//!         Self { runtime, store: Arc::default(), directory: Arc::default() }
//!     }
//! }
//!
//! impl Harness for MyHarness {
//!     type Store = Arc<MyStore>;
//!     type Directory = Arc<MyDirectory>;
//!
//!     async fn open(&self) -> (Self::Store, Self::Directory) {
//!         // A real store connects anew here.
//!         (Arc::clone(&self.store), Arc::clone(&self.directory))
//!     }
//!
//!     async fn put_project(&self, project: &ProjectId, settings: ProjectSettings) {
//!         self.directory.set_project(project, settings);
//!     }
//!
//!     async fn put_member(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
//!         match role {
//!             Some(role) => self.directory.set_member(project, user, role),
//!             None => self.directory.remove_member(project, user),
//!         }
//!     }
//!
//!     fn block_on<F: Future>(&self, future: F) -> F::Output {
//!         self.runtime.block_on(future)
//!     }
//! }
//!
//! // In a file of `tests/`, this line is all the rest: some eighty tests.
//! twofa::testkit::suite!(MyHarness::new());
//! # fn main() {
//! # twofa::testkit::failures::f07_one_code_many_at_once_one_accepted(&MyHarness::new());
//! # }
//! ```
//!
//! What the testkit cannot show, since it is in the same process and pulls no plug: that what was committed
//! outlives a crash of the machine, and that two *processes* share the store as two handles do. A store that
//! claims either needs tests of its own for it.
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
//! | `testkit/ring.rs` | [`SharedRing`]: a keyring that several services share, as a key file |
//! | `testkit/rotation.rs` | keys that change beside running services |
//! | `testkit/service.rs` | what else a service over the store must do |
//! | `testkit/hand.rs` | [`Hand`]: what somebody does in the database, past the store |
//! | `testkit/recovery.rs`, `testkit/recovery/` | what cannot be read is recovered, and damage buys nothing |
//! | `testkit/record.rs` | the audit: followed, compared, and not flooded |
//! | `testkit/ways_back.rs` | what a reset, a changed password or ten minutes have ended |
//! | `testkit/faulty.rs` | [`FaultyStore`]: any store, with calls that fail or whose reply is lost |
//! | `testkit/swapped.rs` | [`SwappedStore`]: any store, after somebody exchanged two rows |
//! | `testkit/suite.rs` | [`suite!`](crate::suite), [`run_all`] |
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a check panics when a promise is broken, which is all it does"
)]

pub mod archive;
mod authenticator;
pub mod contract;
pub mod directory;
pub mod failures;
mod faulty;
mod hand;
mod harness;
pub mod record;
pub mod recovery;
mod ring;
pub mod rotation;
pub mod service;
mod site;
mod suite;
mod swapped;
pub mod ways_back;

pub use crate::{directory_suite, suite};
pub use authenticator::Authenticator;
pub use directory::DirectoryHarness;
pub use faulty::{Fault, FaultyError, FaultyStore};
pub use hand::Hand;
pub use harness::{Clock, Harness, MemoryHarness, block_on};
pub use ring::SharedRing;
pub use site::{
    MANDATE, RACERS, START, Service, Site, accepted, allowed, at_once, challenge, fine, granted,
    operator, project, reason, refused, rejected, service as service_over, set_up, user,
};
pub use suite::run_all;
pub use swapped::SwappedStore;
