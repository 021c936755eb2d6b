//! `secret`, `code`, `verify`: codes without a store.

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use twofa::otpauth::base32;
use twofa::policy::Reason;
use twofa::totp::{
    Algorithm, ClockOff, Code, Direction, Params, Rejected, Scan, Secret, Totp, Window,
};
use twofa::types::UnixTime;
use zeroize::Zeroizing;

use crate::args::Input;
use crate::failure::{Exit, Failure, Outcome};
use crate::input;
use crate::output::Output;

/// A new secret of the length that fits the algorithm.
pub(crate) fn secret(out: Output, algorithm: Algorithm) -> Outcome {
    let mut random = Zeroizing::new([0; 64]);
    SysRng.try_fill_bytes(random.as_mut_slice()).map_err(|e| {
        Failure::store(
            "no-randomness",
            format!("the operating system gave no random bytes: {e}"),
        )
    })?;
    let secret = Secret::from_random_bytes(algorithm, &random);
    let text = base32::encode(secret.expose_secret());
    out.result(
        || json!({"secret": text.expose_secret()}),
        || text.expose_secret().to_owned(),
    )?;
    Ok(Exit::Done)
}

/// The code of a secret at a time.
pub(crate) fn code(out: Output, input: &Input, params: Params, now: UnixTime) -> Outcome {
    let totp = Totp::new(&input::secret(input, params.algorithm())?, params);
    let code = totp.generate(now).expose();
    out.result(
        || json!({"code": code.as_str(), "seconds_left": totp.seconds_left(now)}),
        || code.to_string(),
    )?;
    Ok(Exit::Done)
}

/// Whether a code belongs to a secret at a time.
pub(crate) fn verify(
    out: Output,
    typed: &str,
    input: &Input,
    params: Params,
    window: Window,
    now: UnixTime,
) -> Outcome {
    let totp = Totp::new(&input::secret(input, params.algorithm())?, params).with_window(window);
    let of_length = |code: &Code| code.digits() == params.digits();
    let Some(code) = Code::parse(typed).ok().filter(of_length) else {
        return reject(out, Reason::Malformed, None);
    };
    match totp.find(&code, now) {
        Ok(candidate) => {
            let offset = candidate.offset();
            out.result(
                || json!({"accepted": true, "step_offset": offset}),
                || format!("accepted: {}", steps(offset)),
            )?;
            Ok(Exit::Done)
        }
        // Whoever holds the secret may be told of both directions.
        Err(_) => match totp.explain(&code, now, Scan::set_up(params.period())) {
            Rejected::ClockOff(off) => reject(out, Reason::ClockOff, Some(off)),
            _ => reject(out, Reason::WrongCode, None),
        },
    }
}

fn reject(out: Output, reason: Reason, off: Option<ClockOff>) -> Outcome {
    out.result(
        || {
            let mut object = json!({"accepted": false, "reason": reason.code()});
            if let (Some(off), Some(object)) = (off, object.as_object_mut()) {
                object.insert("clock_off".to_owned(), clock_object(off));
            }
            object
        },
        || format!("not accepted: {}", sentence(reason, off)),
    )?;
    Ok(Exit::Refused)
}

/// A reason's sentence; for a clock that is off, how far and which way.
pub(crate) fn sentence(reason: Reason, off: Option<ClockOff>) -> String {
    let Some(off) = off else {
        return format!("{} [{}]", reason.sentence(), reason.code());
    };
    let far = match off.seconds() {
        seconds @ 0..=119 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!(
        "{} It is about {far} {}. Set it to automatic time, then type the next code. [{}]",
        reason.sentence(),
        direction(off),
        reason.code()
    )
}

/// How far a clock is off, for programs.
pub(crate) fn clock_object(off: ClockOff) -> Value {
    json!({"seconds": off.seconds(), "direction": direction(off)})
}

fn direction(off: ClockOff) -> &'static str {
    match off.direction() {
        Direction::Behind => "behind",
        Direction::Ahead => "ahead",
    }
}

/// An offset in words.
fn steps(offset: i32) -> String {
    match (offset, offset.unsigned_abs()) {
        (0, _) => "a code of the current time step".to_owned(),
        (..0, 1) => "a code of the time step before".to_owned(),
        (_, 1) => "a code of the time step to come".to_owned(),
        (..0, n) => format!("a code of {n} time steps ago"),
        (_, n) => format!("a code of {n} time steps ahead"),
    }
}
