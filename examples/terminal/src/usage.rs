//! Wrong usage, told without repeating what was typed: it may be a secret, or change how the terminal reads.

use std::ffi::OsStr;
use std::io::{self, Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Exit, Failure};
use crate::output::{Output, printable};

/// Answers what could not be parsed: with help, the version, or what is wrong.
pub(crate) fn answer(error: &clap::Error) -> Exit {
    let out = Output {
        json: asks_for_json(),
    };
    match error.kind() {
        kind @ (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) if out.json => {
            let text = error.render().to_string();
            let what = match kind {
                ErrorKind::DisplayVersion => "version",
                _ => "help",
            };
            let text = text.trim_end().trim_start_matches("twofa ");
            let told = out.line(&serde_json::json!({ what: text }).to_string());
            told.map_or_else(|failure| out.failure(&failure), |()| Exit::Done)
        }
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = if io::IsTerminal::is_terminal(&io::stdout()) {
                error.render().ansi().to_string()
            } else {
                error.render().to_string()
            };
            let mut stdout = io::stdout().lock();
            // Whoever reads only the first lines of the help has read enough.
            let _ = stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush());
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !out.json => {
            crate::output::complain(error.render().to_string().trim_end());
            Exit::Usage
        }
        _ => out.failure(&Failure::usage("usage", message(error))),
    }
}

/// Whether `--json` was asked for, where the rest could not be parsed.
fn asks_for_json() -> bool {
    std::env::args_os()
        .skip(1)
        .take_while(|arg| arg != "--")
        .any(|arg| arg == OsStr::new("--json"))
}

/// What is wrong with a variable that stands for an option: whoever sets it in a service's file typed no option.
pub(crate) fn wrong_variable() -> Option<String> {
    let typed = |option: &str| {
        std::env::args_os().any(|arg| {
            let rest = arg.to_str().and_then(|arg| arg.strip_prefix(option));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    let variables = [("TWOFA_STORE", "--store"), ("TWOFA_KEY_FILE", "--key-file")];
    variables.into_iter().find_map(|(name, option)| {
        let value = std::env::var_os(name).filter(|_| !typed(option))?;
        if value.is_empty() {
            return Some(format!(
                "{name} is set to nothing; give it a value, or unset it"
            ));
        }
        (name == "TWOFA_STORE" && value.to_str().is_none())
            .then(|| format!("{name} is not UTF-8 text; name a store that is"))
    })
}

fn message(error: &clap::Error) -> String {
    let of_a_value = matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::InvalidUtf8
    );
    if let Some(message) = wrong_variable().filter(|_| of_a_value) {
        return message;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            format!(
                "{argument}: {}",
                why.unwrap_or_else(|| "it cannot be read".to_owned())
            )
        }
        ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(known)) if !known.is_empty() => {
                format!("{argument}: give one of {}", known.join(", "))
            }
            _ => format!("{argument} needs a value"),
        },
        ErrorKind::UnknownArgument if !argument.starts_with('-') => {
            "an argument too many; secrets and URIs are read from standard input or with --input, \
             never from the command line"
                .to_owned()
        }
        ErrorKind::UnknownArgument => {
            let name = argument.split('=').next().unwrap_or_default();
            format!("there is no option {} here; see --help", printable(name))
        }
        ErrorKind::InvalidSubcommand => {
            "there is no such command; see --help for those there are".to_owned()
        }
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8 text".to_owned(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "name a command; see --help for those there are".to_owned()
        }
        _ => {
            let rendered = error.render().to_string();
            let first = rendered.split("\n\nUsage:").next().unwrap_or_default();
            let words: Vec<_> = first.split_whitespace().collect();
            printable(words.join(" ").trim_start_matches("error: "))
        }
    }
}
