//! `login`, `answer` and `replace`: a person's way in.

use serde_json::{Value, json};
use twofa::policy::{Decision, Next, Reason, Refusal, Remedies};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Answer, Attempt, Authorized, Begin, Enrolment, LoginId, LoginPass, Rejected, SignIn};
use zeroize::Zeroizing;

use crate::codes::{clock_object, sentence};
use crate::failure::{Exit, Failure, Outcome};
use crate::input::NO_CODE;
use crate::output::{Output, maybe, remedy_codes, remedy_lines};
use crate::prove::{Proven, prove};
use crate::store::Service;
use crate::{input, times};

/// How often a person is asked in one run, whatever they type.
const QUESTIONS: u32 = 20;

/// Someone whose password was right, or who came through single sign-on.
pub(crate) async fn login(
    out: Output,
    service: &Service,
    project: &ProjectId,
    user: &UserId,
    sso: bool,
) -> Outcome {
    let sign_in = if sso {
        SignIn::sso(project, user)
    } else {
        SignIn::password(project, user)
    };
    match service.begin(sign_in).await? {
        Begin::Allowed(pass) => {
            out.result(
                || json!({"next": "allow", "reason": pass.reason().code()}),
                || {
                    let (reason, user) = (pass.reason(), pass.user());
                    format!(
                        "{} [{}]\nNo code is needed. Welcome, {user}.",
                        reason.sentence(),
                        reason.code()
                    )
                },
            )?;
            Ok(Exit::Done)
        }
        Begin::Enrol(set_up) => enrol(out, service, &set_up).await,
        Begin::Challenge(challenge) => {
            let reason = challenge.reason();
            if out.json {
                let login = challenge.login().to_string();
                let expires = challenge.expires().to_string();
                let (next, reason) = (Next::Challenge.code(), reason.code());
                let mut object =
                    json!({"next": next, "reason": reason, "login": login, "expires": expires});
                let asks = challenge.handover_required();
                if let Some(object) = object.as_object_mut().filter(|_| asks) {
                    object.insert("handover_required".to_owned(), json!(true));
                }
                out.line(&object.to_string())?;
                return Ok(Exit::Done);
            }
            out.line(&format!("{} [{}]", reason.sentence(), reason.code()))?;
            converse(
                out,
                service,
                challenge.login(),
                challenge.handover_required(),
            )
            .await
        }
        Begin::Refused(decision) => refuse(out, &decision, service.now()),
    }
}

fn refuse(out: Output, decision: &Decision, now: UnixTime) -> Outcome {
    refused(
        out,
        decision.reason(),
        decision.until(),
        Some(decision.remedies()),
        now,
    )
}

fn refused(
    out: Output,
    reason: Reason,
    until: Option<UnixTime>,
    remedies: Option<Remedies>,
    now: UnixTime,
) -> Outcome {
    out.result(
        || {
            json!({
                "next": Next::Refuse.code(),
                "reason": reason.code(),
                "until": maybe(until),
                "remedy": remedies.map(remedy_codes).unwrap_or_default(),
            })
        },
        || {
            let ways = remedies.map_or_else(String::new, |ways| remedy_lines(ways, now));
            let head = format!("Refused. {} [{}]", reason.sentence(), reason.code());
            if ways.is_empty() {
                head
            } else {
                format!("{head}\nWhat you can do:{ways}")
            }
        },
    )?;
    Ok(Exit::Refused)
}

/// Shows a set-up, and for people asks for the code that confirms it.
async fn enrol(out: Output, service: &Service, set_up: &Enrolment) -> Outcome {
    if out.json {
        out.line(&enrol_object(set_up).to_string())?;
        return Ok(Exit::Done);
    }
    let reason = set_up.reason();
    let qr = set_up
        .qr()
        .map_err(|e| Failure::usage("qr", e.to_string()))?;
    out.line(&format!(
        "{} [{}]\n\nScan this with your authenticator app:\n",
        reason.sentence(),
        reason.code()
    ))?;
    out.bytes(qr.terminal().expose_secret().as_bytes())?;
    out.line(&format!(
        "\nOr type the key into the app: {}\n({}; shown this once, good for {})\n",
        set_up.manual_key().expose_secret(),
        set_up.key_uri().manual_parameters(),
        times::wait(set_up.expires(), service.now()),
    ))?;
    converse(out, service, set_up.login(), set_up.handover_required()).await
}

fn enrol_object(set_up: &Enrolment) -> Value {
    json!({
        "next": Next::Enrol.code(),
        "reason": set_up.reason().code(),
        "login": set_up.login().to_string(),
        "uri": set_up.uri().expose_secret(),
        "manual_key": set_up.manual_key().expose_secret(),
        "expires": set_up.expires().to_string(),
        "handover_required": set_up.handover_required(),
    })
}

/// Asks for the code until it is right, the login ends, or standard input does.
async fn converse(out: Output, service: &Service, login: &LoginId, handover: bool) -> Outcome {
    let mut passed_on = None;
    let mut last = None;
    for _ in 0..QUESTIONS {
        let typed = match questions(handover, &mut passed_on).await {
            Ok(typed) => typed,
            // Rejected, and then nothing more: what counts is that it was rejected.
            Err(failure) if last.is_some() && failure.code() == NO_CODE => {
                return Ok(Exit::Refused);
            }
            Err(failure) => return Err(failure),
        };
        let attempt = Attempt::new(login, &typed);
        let attempt = match &passed_on {
            Some(passed_on) => attempt.with_handover(passed_on),
            None => attempt,
        };
        match service.answer(attempt).await? {
            Answer::Accepted(pass) => {
                out.line(&welcome(&pass))?;
                return Ok(Exit::Done);
            }
            Answer::Rejected(why) => {
                out.line(&rejection(&why, service.now()))?;
                if why.login_ended() {
                    out.line("This sign-in has ended. Begin again.")?;
                    return Ok(Exit::Refused);
                }
                if why.reason() == Reason::HandoverCode {
                    passed_on = None;
                }
                last = Some(why.reason());
            }
        }
    }
    let last = last.map_or("", Reason::code);
    out.line(&format!("That is enough for now. Begin again. [{last}]"))?;
    Ok(Exit::Refused)
}

/// Asks for the hand-over code, where one is needed and not known yet, and for the code.
async fn questions(
    handover: bool,
    passed_on: &mut Option<Zeroizing<String>>,
) -> Result<Zeroizing<String>, Failure> {
    if handover && passed_on.is_none() {
        *passed_on = Some(input::ask("Hand-over code from your administrator: ").await?);
    }
    input::ask("Code: ").await
}

fn welcome(pass: &LoginPass) -> String {
    use twofa::lifecycle::AcceptedBy;
    let what = match pass.accepted().map(|accepted| accepted.by) {
        Some(AcceptedBy::Confirmed) => "Two-factor authentication is set up. ",
        Some(AcceptedBy::Replaced) => "The new phone is in use, and the old one no longer counts. ",
        _ => "",
    };
    format!("Accepted. {what}Welcome, {}.", pass.user())
}

fn rejection(why: &Rejected, now: UnixTime) -> String {
    let text = sentence(why.reason(), why.clock_off());
    match why.retry_at() {
        Some(at) if at > now => {
            format!(
                "{text}\nThe next code is looked at in {}, at {at}.",
                times::wait(at, now)
            )
        }
        _ => text,
    }
}

/// The answer to a login that was begun with --json.
pub(crate) async fn answer(
    out: Output,
    service: &Service,
    login: &str,
    code: &str,
    handover: Option<&str>,
) -> Outcome {
    let now = service.now();
    // What is no login id was never issued.
    let Ok(login) = login.parse::<LoginId>() else {
        let reason = Reason::UnknownLogin;
        out.result(
            || {
                json!({
                    "accepted": false,
                    "reason": reason.code(),
                    "retry_at": null,
                    "login_ended": true,
                })
            },
            || sentence(reason, None),
        )?;
        return Ok(Exit::Refused);
    };
    let attempt = Attempt::new(&login, code);
    let attempt = match handover {
        Some(handover) => attempt.with_handover(handover),
        None => attempt,
    };
    match service.answer(attempt).await? {
        Answer::Accepted(pass) => {
            let offset = pass.accepted().map(|accepted| accepted.offset);
            out.result(
                || {
                    json!({
                        "accepted": true,
                        "project": pass.project().as_str(),
                        "user": pass.user().as_str(),
                        "step_offset": offset,
                    })
                },
                || welcome(&pass),
            )?;
            Ok(Exit::Done)
        }
        Answer::Rejected(why) => {
            out.result(
                || {
                    let mut object = json!({
                        "accepted": false,
                        "reason": why.reason().code(),
                        "retry_at": maybe(why.retry_at()),
                        "login_ended": why.login_ended(),
                    });
                    if let (Some(off), Some(object)) = (why.clock_off(), object.as_object_mut()) {
                        object.insert("clock_off".to_owned(), clock_object(off));
                    }
                    object
                },
                || rejection(&why, now),
            )?;
            Ok(Exit::Refused)
        }
    }
}

/// A new phone, with the old one at hand.
pub(crate) async fn replace(
    out: Output,
    service: &Service,
    project: &ProjectId,
    user: &UserId,
    code: Option<&str>,
) -> Outcome {
    let proof = match prove(out, service, SignIn::password(project, user), code).await? {
        Proven::Proof(proof) => proof,
        Proven::Denied(why) => {
            return refused(out, why.reason, why.retry_at, why.remedies, service.now());
        }
    };
    match service.replace(&proof).await? {
        Authorized::Granted(set_up) => enrol(out, service, &set_up).await,
        Authorized::Refused(refusal) => not_replaced(out, refusal, service.now()),
    }
}

fn not_replaced(out: Output, refusal: Refusal, now: UnixTime) -> Outcome {
    refused(out, refusal.reason(), None, Some(refusal.remedies()), now)
}
