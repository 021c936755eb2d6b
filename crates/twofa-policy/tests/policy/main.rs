//! The rules over their whole input space: against tables written apart from the engine, and against laws.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, outside of functions marked as tests"
)]

mod access;
mod failures;
mod laws;
mod misuse;
mod oracle;
mod reasons;
mod reset;
mod small;
mod space;
mod table;
