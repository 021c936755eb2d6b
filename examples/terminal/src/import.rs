//! `import`: factors from another system, a line each.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde_json::json;
use twofa::Error;
use twofa::lifecycle::Actor;
use twofa::otpauth::{Parser, Profile};
use twofa::types::{ProjectId, UserId};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::progress;
use crate::store::Opened;

/// The longest line, in bytes: a name, a tab, and the longest URI that is read.
const LINE: usize = 8 * 1024;
/// Fewer bits than this can be guessed.
const LEAST_BITS: u16 = 80;

/// Failures that say nothing about a line.
const TROUBLE: [&str; 12] = [
    "no-store",
    "store-damaged",
    "store-full",
    "store-read-only",
    "store-busy",
    "store-unreachable",
    "store-newer",
    "keyring",
    "keyring-mismatch",
    "key-missing",
    "contended",
    "no-randomness",
];

/// What became of a line.
enum Line {
    Imported,
    AlreadySetUp(Failure),
    AlreadyReset(Failure),
}

/// Brings in every line that can be, and names those that cannot. Run again after an interruption, it goes on with
/// those that are not in yet. On a ticket, it also brings in those who were reset since.
pub(crate) async fn import(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    path: &Path,
    by: &Actor,
) -> Outcome {
    opened.project(project).await?;
    let failed = |e: std::io::Error| Failure::file(path, &e);
    let file = File::open(path).map_err(failed)?;
    let bar = progress::bar(out, file.metadata().map_or(0, |meta| meta.len()));
    let mut lines = BufReader::new(file);
    let (mut number, mut imported, mut skipped) = (0_u64, 0_u64, 0_u64);
    let (mut refused, mut bad) = (0_u64, 0_u64);
    let mut line = Zeroizing::new(Vec::with_capacity(LINE + 2));
    while let Some(fits) = read_line(&mut lines, &mut line).map_err(failed)? {
        number += 1;
        bar.inc(u64::try_from(line.len()).unwrap_or(0));
        if line.iter().all(u8::is_ascii_whitespace) && fits {
            continue;
        }
        let done = if fits {
            import_line(out, opened, project, &line, by).await
        } else {
            Err(Failure::usage(
                "too-long",
                format!("it is longer than {LINE} bytes"),
            ))
        };
        let told = |failure: &Failure| bar.suspend(|| out.bad_line(number, failure));
        match done {
            Ok(Line::Imported) => imported += 1,
            Ok(Line::AlreadySetUp(why)) => {
                skipped += 1;
                told(&why);
            }
            Ok(Line::AlreadyReset(why)) => {
                refused += 1;
                told(&why);
            }
            // Trouble that the next line would meet as well is no fault of this one.
            Err(e) if TROUBLE.contains(&e.code()) => {
                return Err(e.hint(&format!(" (at line {number}; run the import again)")));
            }
            Err(why) => {
                bad += 1;
                told(&why);
            }
        }
    }
    bar.finish_and_clear();
    out.result(
        || {
            let mut object = json!({"imported": imported, "skipped": skipped, "bad": bad});
            if let Some(object) = object.as_object_mut().filter(|_| refused > 0) {
                object.insert("refused".to_owned(), json!(refused));
            }
            object
        },
        || {
            let reset = if refused > 0 {
                format!(", {refused} refused because they were reset")
            } else {
                String::new()
            };
            format!(
                "{imported} imported, {skipped} skipped because they are set up already{reset}, {bad} bad"
            )
        },
    )?;
    Ok(match (bad, refused) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Refused,
        _ => Exit::Usage,
    })
}

async fn import_line(
    out: Output,
    opened: &Opened,
    project: &ProjectId,
    line: &[u8],
    by: &Actor,
) -> Result<Line, Failure> {
    let text = std::str::from_utf8(line)
        .map_err(|_| Failure::usage("not-utf8", "it is not UTF-8 text"))?;
    let (user, uri) = text
        .trim_end_matches(['\r', '\n'])
        .split_once('\t')
        .ok_or_else(|| {
            Failure::usage(
                "line",
                "there is no tab; write USER, a tab, and the key URI",
            )
        })?;
    let user = UserId::new(user).map_err(|e| Failure::usage("name", format!("the user: {e}")))?;
    let parsed = Parser::new(Profile::Lenient)
        .with_min_secret_bits(LEAST_BITS)
        .parse(uri)
        .map_err(|e| Failure::usage("uri", e.to_string()))?;
    let (service, uri) = (&opened.service, &parsed.uri);
    let done = match by {
        Actor::Operator {
            name,
            ticket: Some(ticket),
        } => {
            let again = service.import_again(project, &user, uri, name, ticket);
            again.await
        }
        by => service.import(project, &user, uri, by).await,
    };
    match done {
        Ok(done) => {
            if let Some(code) = done.handover() {
                let code = code.expose_secret();
                out.result(
                    || json!({"imported": user.as_str(), "handover_code": code}),
                    || {
                        format!(
                            "{user} will need this hand-over code once, shown this once: {code}\nPass it on by other means than the password would take."
                        )
                    },
                )?;
            }
            Ok(Line::Imported)
        }
        Err(e @ Error::AlreadySetUp { .. }) => Ok(Line::AlreadySetUp(e.into())),
        Err(e @ Error::AlreadyReset { .. }) => Ok(Line::AlreadyReset(e.into())),
        Err(e) => Err(e.into()),
    }
}

/// Reads a line; `Some(false)` for one that is too long, of which the beginning is kept; `None` at the end.
fn read_line(from: &mut BufReader<File>, line: &mut Vec<u8>) -> std::io::Result<Option<bool>> {
    line.clear();
    let most = u64::try_from(LINE).unwrap_or(u64::MAX).saturating_add(1);
    if from.by_ref().take(most).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.len() <= LINE || line.ends_with(b"\n") {
        return Ok(Some(true));
    }
    from.skip_until(b'\n')?;
    Ok(Some(false))
}
