//! The program as people run it: a process each time, on one store.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says why and stops"
)]

mod admin;
mod archive;
mod audit;
mod bad_input;
mod bad_store;
mod conversation;
mod keys;
mod opening;
mod people;
mod play;
mod postgres;
mod races;
mod recovery;
mod refusals;
mod resets;
mod secrets;
mod stateless;
mod story;
mod upkeep;
