//! The factor from outside: set-up, challenge, throttle, reset, replacement, every command in every state, and
//! random sequences against a simple model. Tests named `fNN_` each stand for a failure seen in another system.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::trivially_copy_pass_by_ref,
    clippy::fn_params_excessive_bools,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test may fail loudly, its helpers serve one test alone, and none of it is in a hurry"
)]

mod challenge;
mod config;
mod encoding;
mod enrolment;
mod model;
mod recovery;
mod replacement;
mod reset;
mod throttle;
mod total;
mod trail;
mod ways_back;
mod world;
