//! The dashboard as people meet it: the real program, real browsers, an authenticator app that is not ours
//! (`oathtool`), a QR reader that is not ours (`zbarimg`), and people who mean harm.
//!
//! Its clock is moved with `faketime`, so that a minute, ten minutes or the day of a mandate pass at once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, in their helpers too"
)]

mod attacks;
mod browser;
mod browsers;
mod damaged;
mod flood;
mod guesses;
mod half_open;
mod lists;
mod locked;
mod looks;
mod malformed;
mod memory;
mod mounted;
mod opening;
mod phone;
mod postgres;
mod provider;
mod restart;
mod rotation;
mod server;
mod sessions;
mod sso;
mod stopping;
mod story;
mod visitor;
