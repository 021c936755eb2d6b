//! The `twofa` command line: two-factor authentication end to end in a terminal, and an example of embedding it.
//!
//! It reads a request, calls the [`twofa`] crate, and shows what that answers. It must never hold a rule or a
//! statement of SQL of its own, take a secret as an argument, or print one beside the place that made it.
//!
//! | file | subject |
//! |---|---|
//! | `args.rs`, `usage.rs`, `times.rs` | what may be typed, and what is said where it cannot be read |
//! | `input.rs`, `output.rs`, `progress.rs`, `failure.rs` | bounded reading; text or JSON; exit codes |
//! | `store.rs`, `prove.rs`, `operator.rs` | opening the store under its keys; a fresh proof of who acts; who operates |
//! | `demo.rs`, `login.rs`, `admin.rs` | signing in; administrators, support and repairs |
//! | `projects.rs`, `members.rs`, `policy.rs`, `audit.rs` | rules and people; what they lead to; what happened |
//! | `verify.rs`, `archive.rs` | the audit checked; old events in a file |
//! | `exported.rs`, `restore.rs` | events in a file; after a backup was restored |
//! | `init.rs`, `keys.rs`, `import.rs` | making a store; its keys; factors from elsewhere |
//! | `codes.rs`, `uris.rs` | codes, key URIs and QR codes, without a store |

mod admin;
mod archive;
mod args;
mod audit;
mod codes;
mod demo;
mod exported;
mod failure;
mod import;
mod init;
mod input;
mod keys;
mod login;
mod members;
mod operator;
mod output;
mod policy;
mod progress;
mod projects;
mod prove;
mod restore;
mod store;
mod times;
mod uris;
mod usage;
mod verify;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use twofa::lifecycle::Actor;
use twofa::totp::Window;
use twofa::types::UnixTime;

use args::{Cli, Command, Global};
use failure::{Exit, Failure, Outcome};
use output::Output;
use store::{Does, Opened};

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    keep_memory_in();
    let exit = match Cli::try_parse() {
        Ok(cli) => {
            let out = Output {
                json: cli.global.json,
            };
            match Output::finish(run(out, &cli)) {
                Ok(exit) => exit,
                Err(failure) => out.failure(&named(failure)),
            }
        }
        Err(error) => usage::answer(&error),
    };
    ExitCode::from(exit as u8)
}

/// A name of a store that is none, under the variable that it came from.
fn named(failure: Failure) -> Failure {
    match usage::wrong_variable() {
        Some(message) if failure.code() == "store-name" => Failure::usage("store-name", message),
        _ => failure,
    }
}

/// A secret that is being set up is in memory, and a core dump would take it along. Where this is not to be had, the
/// program runs all the same.
#[cfg(target_os = "linux")]
fn keep_memory_in() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// What needs no store is done at once.
fn run(out: Output, cli: &Cli) -> Outcome {
    let now = || cli.global.at.unwrap_or_else(clock);
    match &cli.command {
        Command::Secret { algorithm } => codes::secret(out, algorithm.algorithm),
        Command::Code { codes, input } => codes::code(out, input, codes.params(), now()),
        Command::Verify {
            code,
            codes,
            past,
            future,
            input,
        } => {
            let window = Window::new(*past, *future)
                .map_err(|e| Failure::usage("usage", format!("--past, --future: {e}")))?;
            codes::verify(out, code, input, codes.params(), window, now())
        }
        Command::Uri {
            issuer,
            account,
            codes,
            input,
        } => uris::uri(out, issuer, account, codes.params(), input),
        Command::Parse {
            strict,
            show_secret,
            input,
        } => uris::parse(out, *strict, *show_secret, input),
        Command::Qr {
            format,
            output,
            input,
        } => uris::qr(out, *format, output.as_deref(), input),
        Command::Migration(command) => uris::migration(out, command),
        stored => on_a_runtime(out, &cli.global, stored),
    }
}

fn on_a_runtime(out: Output, global: &Global, command: &Command) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::store("runtime", format!("no threads can be started: {e}")))?;
    runtime.block_on(async {
        // What is asked to end, ends between two steps: what was told is durable, what was not is undone.
        tokio::select! {
            outcome = on_a_store(out, global, command) => outcome,
            () = terminated() => std::process::exit(143),
        }
    })
}

/// Waits for a request to end (SIGTERM). Ctrl-C at a question is the question's own.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut asked) = signal(SignalKind::terminate()) {
            asked.recv().await;
            return;
        }
    }
    std::future::pending::<()>().await;
}

async fn on_a_store(out: Output, global: &Global, command: &Command) -> Outcome {
    match command {
        Command::Init { rehearsal } => return init::init(out, global, *rehearsal).await,
        Command::Migrate => return init::migrate(out, global).await,
        Command::Keys(command) => return keys::keys(out, global, command).await,
        _ => {}
    }
    let opened = Opened::open(out, global, does(command)).await?;
    let outcome = stored(out, &opened, command).await;
    if matches!(command, Command::Login { .. } | Command::Demo { .. }) {
        tidy(&opened, global).await;
    }
    if let twofa_sqlx::Database::Sqlite(store) = &opened.database
        && let Some(bytes) = store.held_log()
    {
        out.warn(
            "log-held",
            &format!(
                "the log beside the store has {bytes} bytes and is not written back: a program that reads holds it open; end it"
            ),
        );
    }
    opened.database.close().await;
    outcome
}

/// What a command does to its store.
fn does(command: &Command) -> Does {
    match command {
        Command::Demo { .. } | Command::Project(args::Project::Add { .. }) => Does::Makes,
        Command::Project(args::Project::List)
        | Command::Member(args::Member::List { .. })
        | Command::Policy(_)
        | Command::Audit(
            args::Audit::List { .. }
            | args::Audit::Export { .. }
            | args::Audit::Head
            | args::Audit::Verify { .. },
        )
        | Command::RestoreCheck { reset: false, .. }
        | Command::Notices { .. } => Does::Reads,
        _ => Does::Writes,
    }
}

/// Removes logins that have lapsed. Nothing but space depends on it, so that trouble is left for whoever meets it;
/// and a time that is only rehearsed makes none lapse.
async fn tidy(opened: &Opened, global: &Global) {
    if global.at.is_none() {
        let _ = opened.service.sweep(1000).await;
    }
}

async fn stored(out: Output, opened: &Opened, command: &Command) -> Outcome {
    let service = &opened.service;
    match command {
        Command::Demo { email } => demo::demo(out, opened, email).await,
        Command::Project(command) => projects::project(out, opened, command).await,
        Command::Member(command) => members::member(out, opened, command).await,
        Command::Login { person, sso } => {
            login::login(out, service, &person.project, &person.user, *sso).await
        }
        Command::Answer {
            login,
            code,
            handover_code,
        } => login::answer(out, service, login, code, handover_code.as_deref()).await,
        Command::Factors { project, admin } => admin::factors(out, opened, project, admin).await,
        Command::Reset { person, admin } => admin::reset(out, opened, person, admin).await,
        Command::Replace { person, code } => {
            let (project, user) = (&person.project, &person.user);
            login::replace(out, service, project, user, code.as_deref()).await
        }
        Command::SupportReset {
            person,
            operator,
            ticket,
            key_lost,
        } => admin::support_reset(out, opened, person, (operator, ticket), *key_lost).await,
        Command::Repair {
            project,
            operator,
            ticket,
        } => admin::repair(out, opened, project, operator, ticket).await,
        Command::RestoreCheck {
            events,
            reset: _,
            operator,
            ticket,
        } => {
            let by = operator.as_ref().zip(ticket.as_ref());
            restore::check(out, opened, events, by).await
        }
        Command::Policy(command) => policy::policy(out, opened, command).await,
        Command::Audit(command) => audit::audit(out, opened, command).await,
        Command::Notices { project, since } => audit::notices(out, opened, project, since).await,
        Command::Import {
            project,
            file,
            again: _,
            operator,
            ticket,
        } => {
            let mut by = operator::operator(operator.as_ref())?;
            if let Actor::Operator { ticket: none, .. } = &mut by {
                none.clone_from(ticket);
            }
            import::import(out, opened, project, file, &by).await
        }
        // Done elsewhere.
        Command::Init { .. }
        | Command::Migrate
        | Command::Secret { .. }
        | Command::Code { .. }
        | Command::Verify { .. }
        | Command::Uri { .. }
        | Command::Parse { .. }
        | Command::Qr { .. }
        | Command::Migration(_)
        | Command::Keys(_) => Ok(Exit::Done),
    }
}

/// The one clock that is read here; the service has its own.
fn clock() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime::from_secs(since.as_secs())
}
