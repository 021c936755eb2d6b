//! What is written: results to standard output, the rest to standard error; as text or as JSON, one object a line.

use std::io::{self, Write as _};

use serde_json::{Value, json};
use twofa::policy::{Remedies, Remedy, Warnings};
use twofa::types::UnixTime;

use crate::failure::{Exit, Failure, Outcome};
use crate::times;

/// Writes to the end of a text, which cannot fail.
macro_rules! push {
    ($text:expr, $($written:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($text, $($written)*);
    }};
}
pub(crate) use push;

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// One result: an object for programs, or a text for people.
    pub(crate) fn result(
        self,
        object: impl FnOnce() -> Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.line(&object().to_string())
        } else {
            self.line(&text())
        }
    }

    /// A line of text on standard output.
    #[expect(
        clippy::unused_self,
        reason = "nothing is written past whoever holds the output"
    )]
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").map_err(|e| Failure::output(&e))
    }

    /// Bytes as they are.
    #[expect(
        clippy::unused_self,
        reason = "nothing is written past whoever holds the output"
    )]
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|e| Failure::output(&e))
    }

    /// The end of a command: what is still buffered is written.
    pub(crate) fn finish(outcome: Outcome) -> Outcome {
        io::stdout().flush().map_err(|e| Failure::output(&e))?;
        outcome
    }

    /// A question, without a line's end. A terminal that went away is found at the next result.
    pub(crate) fn ask(question: &str) {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question}").and_then(|()| err.flush());
    }

    /// Something beside the results that should be thought over.
    pub(crate) fn warn(self, code: &str, sentence: &str) {
        if self.json {
            complain(&json!({"warning": code, "message": sentence}).to_string());
        } else {
            complain(&printable(&format!("warning: {sentence} [{code}]")));
        }
    }

    /// Something that whoever runs this should know.
    pub(crate) fn note(self, code: &str, sentence: &str) {
        if self.json {
            complain(&json!({"note": code, "message": sentence}).to_string());
        } else {
            complain(&printable(&format!("note: {sentence}")));
        }
    }

    /// A failure that the command goes on after.
    pub(crate) fn bad_line(self, line: u64, failure: &Failure) {
        let (code, message) = (failure.code(), failure.message());
        if self.json {
            let object = json!({"error": code, "message": message, "line": line});
            complain(&object.to_string());
        } else {
            complain(&printable(&format!("line {line}: {message} [{code}]")));
        }
    }

    /// Tells of a failure and gives the exit code.
    pub(crate) fn failure(self, failure: &Failure) -> Exit {
        let Failure::Told {
            exit,
            code,
            message,
        } = failure
        else {
            return Exit::Done;
        };
        if self.json {
            complain(&json!({"error": code, "message": message}).to_string());
        } else {
            complain(&printable(&format!("twofa: {message} [{code}]")));
        }
        *exit
    }
}

/// A line on standard error. There is nowhere left to say that it cannot be written.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A time that may not be there.
pub(crate) fn maybe(time: Option<UnixTime>) -> Value {
    time.map_or(Value::Null, |time| Value::String(time.to_string()))
}

/// The codes of ways out.
pub(crate) fn remedy_codes(remedies: Remedies) -> Vec<&'static str> {
    remedies.iter().map(Remedy::code).collect()
}

/// The ways out, a line each.
pub(crate) fn remedy_lines(remedies: Remedies, now: UnixTime) -> String {
    remedies
        .iter()
        .map(|remedy| match remedy {
            Remedy::WaitUntil(until) => {
                format!(
                    "\n  - Wait {}, until {until}, then try again.",
                    times::wait(until, now)
                )
            }
            other => format!("\n  - {}", other.sentence()),
        })
        .collect()
}

/// The codes of warnings.
pub(crate) fn warning_codes(warnings: Warnings) -> Vec<&'static str> {
    warnings.iter().map(twofa::policy::Warning::code).collect()
}

/// Text from elsewhere, with what changes a terminal's state or how a line reads written out.
pub(crate) fn printable(text: &str) -> String {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
                | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}')
    };
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if misleads(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}
