//! The service as an application sees it, over the store in memory: everything that needs more than a store's
//! own promises to show.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, outside of functions marked as tests"
)]

mod audit;
mod directory_kit;
mod doctored;
mod keyring;
mod outcomes;
mod pages;
mod proofs;
mod recheck;
mod secrets;
mod send;
mod testkit;
mod trouble;
