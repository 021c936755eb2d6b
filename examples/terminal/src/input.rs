//! What is read: secrets and URIs from standard input or a file, and what people type when asked. All of it bounded.

use std::fs::File;
use std::future::{Future as _, poll_fn};
use std::io::{self, BufRead as _, IsTerminal as _, Read};
use std::task::Poll;

use tokio::sync::OnceCell;
use twofa::otpauth::base32;
use twofa::totp::{Algorithm, Secret};
use zeroize::Zeroizing;

use crate::args::Input;
use crate::failure::Failure;
use crate::output::{Output, complain};

/// The longest input that holds one secret or URI, in bytes.
const ONE: usize = 64 * 1024;
/// The longest input of several lines, in bytes: a hundred export batches.
const MANY: usize = 2 * 1024 * 1024;
/// The longest line that a person types, in bytes.
const TYPED: usize = 1024;

/// The code of the failure when nobody answers.
pub(crate) const NO_CODE: &str = "no-code";

/// One secret or URI: the whole input, without white space at its ends.
pub(crate) fn one(input: &Input) -> Result<Zeroizing<String>, Failure> {
    let text = read(input, ONE)?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// An input of several lines.
pub(crate) fn many(input: &Input) -> Result<Zeroizing<String>, Failure> {
    read(input, MANY)
}

/// A secret in base32, as people have it: either case, spaces and hyphens, padding or none.
pub(crate) fn secret(input: &Input, algorithm: Algorithm) -> Result<Secret, Failure> {
    let text = one(input)?;
    let bad = |e: &dyn std::error::Error| {
        Failure::usage("secret", format!("the secret from {}: {e}", named(input)))
            .hint("; give base32, such as `twofa secret` prints")
    };
    let (bytes, _) = base32::decode_lenient(&text).map_err(|e| bad(&e))?;
    Secret::reduce(&bytes, algorithm).map_err(|e| bad(&e))
}

/// What the input is called in messages.
pub(crate) fn named(input: &Input) -> String {
    match &input.input {
        Some(path) => path.display().to_string(),
        None => "standard input".to_owned(),
    }
}

fn read(input: &Input, most: usize) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = &input.input {
        let file = File::open(path).map_err(|e| Failure::file(path, &e))?;
        return bounded(file, most, input);
    }
    if io::stdin().is_terminal() {
        complain("(reading standard input; end with Ctrl-D)");
    }
    bounded(io::stdin().lock(), most, input)
}

fn bounded(from: impl Read, most: usize, input: &Input) -> Result<Zeroizing<String>, Failure> {
    // Room for all of it, so that no half-read copy of a secret is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let failed = |e: io::Error| Failure::usage("input", format!("{}: {e}", named(input)));
    from.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > most {
        let message = format!("{} is longer than {most} bytes", named(input));
        return Err(Failure::usage("too-long", message).hint("; give only what is asked for"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(e) => {
            let message = format!(
                "{} is not UTF-8 text: byte {}",
                named(input),
                e.valid_up_to()
            );
            Err(Failure::usage("not-utf8", message))
        }
    }
}

/// Whether there is a person to ask.
pub(crate) fn can_ask(output: Output) -> bool {
    !output.json && io::stdin().is_terminal()
}

/// Asks, and waits for a line. Works as well when the answer is piped in.
pub(crate) async fn ask(question: &str) -> Result<Zeroizing<String>, Failure> {
    static INTERRUPT: OnceCell<()> = OnceCell::const_new();
    INTERRUPT.get_or_init(stop_at_interrupt).await;
    Output::ask(question);
    // A thread of its own, so that Ctrl-C is seen meanwhile.
    let read = tokio::task::spawn_blocking(typed).await;
    read.unwrap_or_else(|e| Err(Failure::usage("input", format!("standard input: {e}"))))
}

/// Ctrl-C from the first question on: what was decided is stored already, what was not is not.
async fn stop_at_interrupt() {
    let mut interrupt = Box::pin(tokio::signal::ctrl_c());
    // The first poll begins to listen, so that it is done before anybody can see the question.
    let listening = poll_fn(|context| Poll::Ready(interrupt.as_mut().poll(context).is_pending()));
    if listening.await {
        tokio::spawn(async {
            if interrupt.await.is_ok() {
                complain("");
                std::process::exit(130);
            }
        });
    }
}

fn typed() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(TYPED + 1));
    let limit = u64::try_from(TYPED).unwrap_or(u64::MAX).saturating_add(1);
    let mut stdin = io::stdin().lock().take(limit);
    let failed = |e: io::Error| Failure::usage("input", format!("standard input: {e}"));
    stdin.read_until(b'\n', &mut line).map_err(failed)?;
    if line.is_empty() {
        complain("");
        return Err(Failure::usage(
            NO_CODE,
            "standard input ended and no code was typed; nothing was lost, begin again",
        ));
    }
    if line.len() > TYPED {
        let message = format!("the line on standard input is longer than {TYPED} bytes");
        return Err(Failure::usage("too-long", message).hint("; type only the code"));
    }
    // What is no text is no code either; the service says so.
    Ok(Zeroizing::new(
        String::from_utf8_lossy(&line).trim().to_owned(),
    ))
}
