//! `uri`, `parse`, `qr`, `migration`: what authenticator apps read, without a store.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use twofa::otpauth::{self, KeyUri, Kind, Profile, Qr, base32, migration};
use twofa::totp::Params;
use zeroize::Zeroizing;

use crate::args::{self, Input, QrFormat};
use crate::failure::{Exit, Failure, Outcome};
use crate::input;
use crate::output::{Output, printable, push};

/// The key URI of a secret; what apps would make of it goes to standard error.
pub(crate) fn uri(
    out: Output,
    issuer: &str,
    account: &str,
    params: Params,
    input: &Input,
) -> Outcome {
    let secret = input::secret(input, params.algorithm())?;
    let uri = KeyUri::totp(issuer, account, secret, params)
        .map_err(|e| Failure::usage("key-uri", e.to_string()))?;
    for lint in uri.lint() {
        out.warn(lint.code(), lint.sentence());
    }
    let text = uri.to_uri();
    out.result(
        || json!({"uri": text.expose_secret()}),
        || text.expose_secret().to_owned(),
    )?;
    Ok(Exit::Done)
}

/// What a key URI holds.
pub(crate) fn parse(out: Output, strict: bool, show_secret: bool, input: &Input) -> Outcome {
    let text = input::one(input)?;
    let profile = if strict {
        Profile::Strict
    } else {
        Profile::Lenient
    };
    let parsed = otpauth::parse(&text, profile).map_err(|e| not_a_uri(input, &e))?;
    let uri = &parsed.uri;
    let secret = show_secret.then(|| base32::encode(uri.secret().expose_secret()));
    let counter = match uri.kind() {
        Kind::Hotp { counter } => Some(counter),
        _ => None,
    };
    let period = counter.is_none().then(|| uri.params().period().secs());
    let codes: Vec<_> = parsed.warnings.iter().map(|w| w.code()).collect();
    out.result(
        || {
            json!({
                "type": parsed.type_name,
                "issuer": uri.issuer(),
                "account": uri.account(),
                "secret": secret.as_ref().map(otpauth::SecretText::expose_secret),
                "algorithm": uri.params().algorithm().name(),
                "digits": uri.code_length(),
                "period": period,
                "counter": counter,
                "warnings": codes,
            })
        },
        || {
            let key = secret.as_ref().map_or("(shown with --show-secret)", |s| s.expose_secret());
            let mut text = format!(
                "type       {}\nissuer     {}\naccount    {}\nsecret     {key}\nalgorithm  {}\ndigits     {}",
                parsed.type_name,
                printable(uri.issuer().unwrap_or("(none)")),
                printable(uri.account()),
                uri.params().algorithm().name(),
                uri.code_length(),
            );
            match (period, counter) {
                (Some(period), _) => push!(text, "\nperiod     {period} seconds"),
                (None, Some(counter)) => push!(text, "\ncounter    {counter}"),
                (None, None) => {}
            }
            for warning in &parsed.warnings {
                push!(text, "\nwarning    {} [{}]", warning.sentence(), warning.code());
            }
            text
        },
    )?;
    Ok(Exit::Done)
}

/// The QR code of a key URI or an export batch, exactly as it was given.
pub(crate) fn qr(out: Output, format: QrFormat, file: Option<&Path>, input: &Input) -> Outcome {
    let text = input::one(input)?;
    let title = title_of(&text, input)?;
    let qr = Qr::encode(&text).map_err(|e| Failure::usage("qr", e.to_string()))?;
    let (png, drawn);
    let bytes = match format {
        QrFormat::Png => {
            png = qr.png();
            png.expose_secret()
        }
        QrFormat::Svg | QrFormat::Terminal => {
            drawn = match format {
                QrFormat::Svg => qr.svg(&title),
                _ => qr.terminal(),
            };
            drawn.expose_secret().as_bytes()
        }
    };
    if let Some(path) = file {
        write_private(path, bytes).map_err(|e| Failure::file(path, &e))?;
        let written = path.display();
        out.result(
            || json!({"format": format.name(), "file": written.to_string()}),
            || format!("written to {written}, which holds the secret: delete it after use"),
        )?;
    } else if out.json {
        let Ok(content) = std::str::from_utf8(bytes) else {
            let message = "a PNG cannot stand in JSON; name a file with --output";
            return Err(Failure::usage("png-needs-file", message));
        };
        out.result(
            || json!({"format": format.name(), "content": content}),
            String::new,
        )?;
    } else if format == QrFormat::Png && io::stdout().is_terminal() {
        let message = "a PNG is no text for a terminal; name a file with --output";
        return Err(Failure::usage("png-needs-file", message));
    } else {
        out.bytes(bytes)?;
    }
    Ok(Exit::Done)
}

/// What a drawn code is called, for those who do not see it. A text that no app reads is an error.
fn title_of(text: &str, input: &Input) -> Result<String, Failure> {
    if text
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("otpauth-migration:")
    {
        migration::decode(text).map_err(|e| not_a_uri(input, &e))?;
        return Ok("QR code of an export batch".to_owned());
    }
    let parsed = otpauth::parse(text, Profile::Lenient).map_err(|e| not_a_uri(input, &e))?;
    Ok(format!(
        "QR code for {}",
        parsed.uri.issuer().unwrap_or(parsed.uri.account())
    ))
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link may have been planted to empty another file; /dev/stdout is one, too, and nobody else's.
    let planted = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    if planted && !path.starts_with("/dev") {
        return Err(io::Error::other("is a link; name the file itself"));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        // One that was there already may have been readable by others.
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    file.write_all(bytes)
}

/// Between export batches and key URIs.
pub(crate) fn migration(out: Output, command: &args::Migration) -> Outcome {
    match command {
        args::Migration::Decode { input } => decode(out, input),
        args::Migration::Encode { input } => encode(out, input),
    }
}

fn decode(out: Output, input: &Input) -> Outcome {
    let text = input::many(input)?;
    let batches = lines(&text).map(|(_, line)| line);
    if lines(&text).next().is_none() {
        return Err(empty(input));
    }
    let accounts = migration::decode_all(batches).map_err(|e| not_a_uri(input, &e))?;
    let mut exit = Exit::Done;
    for (at, account) in (1_u64..).zip(accounts) {
        match account {
            Ok(account) => {
                for warning in &account.warnings {
                    out.warn(
                        warning.code(),
                        &format!("account {at}: {}", warning.sentence()),
                    );
                }
                print_uri(out, account.uri.to_uri().expose_secret())?;
            }
            Err(e) => {
                let message = format!("account {at}: {e}");
                exit = out.failure(&Failure::usage("account", message));
            }
        }
    }
    Ok(exit)
}

fn encode(out: Output, input: &Input) -> Outcome {
    let text = input::many(input)?;
    let mut keys = Vec::new();
    for (number, line) in lines(&text) {
        let parsed = otpauth::parse(line, Profile::Lenient).map_err(|e| {
            Failure::usage(
                "uri",
                format!("line {number} of {}: {e}", input::named(input)),
            )
        })?;
        for warning in &parsed.warnings {
            out.warn(
                warning.code(),
                &format!("line {number}: {}", warning.sentence()),
            );
        }
        keys.push(parsed.uri);
    }
    if keys.is_empty() {
        return Err(empty(input));
    }
    let mut id = Zeroizing::new([0; 4]);
    SysRng.try_fill_bytes(id.as_mut_slice()).map_err(|e| {
        Failure::store(
            "no-randomness",
            format!("the operating system gave no random bytes: {e}"),
        )
    })?;
    let batches = migration::encode(&keys, i32::from_be_bytes(*id) & i32::MAX)
        .map_err(|e| Failure::usage("export", e.to_string()))?;
    for batch in batches {
        print_uri(out, batch.expose_secret())?;
    }
    Ok(Exit::Done)
}

fn print_uri(out: Output, uri: &str) -> Result<(), Failure> {
    out.result(|| -> Value { json!({"uri": uri}) }, || uri.to_owned())
}

/// Lines that hold something, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
}

fn empty(input: &Input) -> Failure {
    let message = format!("{} is empty; give URIs, one a line", input::named(input));
    Failure::usage("empty", message)
}

/// The messages of these errors hold none of the text.
fn not_a_uri(input: &Input, error: &dyn std::error::Error) -> Failure {
    Failure::usage("uri", format!("{}: {error}", input::named(input)))
}
