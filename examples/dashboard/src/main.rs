//! The dashboard: two-factor authentication as people meet it, in a web application to read and copy from.
//!
//! It checks passwords, keeps sessions and draws pages. Every rule about second factors is asked of
//! [`twofa::TwoFactor`]; nothing here decides one.
//!
//! | file | subject |
//! |---|---|
//! | `options.rs` | what the command line says |
//! | `opening.rs` | the store and its keys: opened together, or made together |
//! | `seed.rs` | a project and people to try it with, on an empty database |
//! | `accounts.rs` | e-mail addresses and password hashes: what an application has anyway |
//! | `tables.rs` | connections to the application's own tables |
//! | `sessions.rs` | where sessions are kept: sealed, each under its own id |
//! | `visit.rs` | what a session stands for: nobody, somebody half way, somebody who is in |
//! | `forms.rs` | forms with their CSRF tokens |
//! | `app.rs` | the routes, and what every response carries |
//! | `serve.rs` | taking connections, and stopping |
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
mod opening;
mod options;
mod page;
mod pages;
mod seed;
mod serve;
mod sessions;
mod tables;
mod visit;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Err(error) = keep_memory_in() {
        say(&format!(
            "twofa-dashboard: a core file could hold keys, and cannot be forbidden: {error}"
        ));
    }
    match app::run(options::Options::from_command_line()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("twofa-dashboard: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Keys lie in this process's memory: it leaves no core file, and no other process of the same user reads it.
#[cfg(target_os = "linux")]
fn keep_memory_in() -> Result<(), rustix::io::Errno> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// A line for whoever started the program.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
