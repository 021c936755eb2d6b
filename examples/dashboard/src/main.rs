//! The dashboard: two-factor authentication as people meet it, in a web application to read and copy from.
//!
//! It checks passwords, keeps sessions and draws pages. Every rule about second factors is asked of
//! [`twofa::TwoFactor`]; nothing here decides one.
//!
//! | file | subject |
//! |---|---|
//! | `options.rs` | what the command line says |
//! | `seed.rs` | a project and people to try it with, on an empty database |
//! | `accounts.rs` | e-mail addresses and password hashes: what an application has anyway |
//! | `sessions.rs` | where sessions are kept; only hashes of their ids |
//! | `visit.rs` | what a session stands for: nobody, somebody half way, somebody who is in |
//! | `forms.rs` | forms with their CSRF tokens |
//! | `app.rs` | the routes, and what every response carries |
//! | `pages/` | one file a page |
//! | `page.rs`, `../templates` | how pages are drawn |
//! | `mail.rs` | notices that people must be told of |

#![expect(
    unreachable_pub,
    reason = "a program has no outside; pub says what a file offers to its neighbours"
)]

mod accounts;
mod app;
mod forms;
mod mail;
mod options;
mod page;
mod pages;
mod seed;
mod sessions;
mod visit;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match app::run(options::Options::from_command_line()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("twofa-dashboard: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line for whoever started the program.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
