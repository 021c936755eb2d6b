//! A fresh proof of who is acting, for what needs one. It begins no set-up on the way.

use twofa::policy::{Next, Reason, Refusal, Remedies, no_proof};
use twofa::totp::ClockOff;
use twofa::types::UnixTime;
use twofa::{Answer, Attempt, Begin, Proof, Rejected, SignIn};

use crate::failure::Failure;
use crate::input;
use crate::output::Output;
use crate::store::Service;

/// Whether someone proved who they are.
pub(crate) enum Proven {
    Proof(Proof),
    Denied(Denied),
}

/// Why they did not.
pub(crate) struct Denied {
    pub(crate) reason: Reason,
    pub(crate) retry_at: Option<UnixTime>,
    pub(crate) clock_off: Option<ClockOff>,
    /// Ways out, where policy named any.
    pub(crate) remedies: Option<Remedies>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self {
            reason: refusal.reason(),
            retry_at: None,
            clock_off: None,
            remedies: Some(refusal.remedies()),
        }
    }
}

impl From<Rejected> for Denied {
    fn from(why: Rejected) -> Self {
        Self {
            reason: why.reason(),
            retry_at: why.retry_at(),
            clock_off: why.clock_off(),
            remedies: None,
        }
    }
}

/// Signs somebody in, with a code where one is asked for.
pub(crate) async fn prove(
    out: Output,
    service: &Service,
    sign_in: SignIn,
    code: Option<&str>,
) -> Result<Proven, Failure> {
    // Asked first, since to begin where a set-up is due would begin it.
    let next = service.explain(&sign_in).await?.next();
    let typed = match (next, code) {
        (Next::Challenge, None) if input::can_ask(out) => {
            Some(input::ask(&format!("Code of {}: ", sign_in.user())).await?)
        }
        (Next::Enrol, _) | (Next::Challenge, None) => return Ok(denied(no_proof())),
        (Next::Allow | Next::Refuse, _) | (Next::Challenge, Some(_)) => None,
    };
    let code = code
        .or(typed.as_ref().map(|typed| typed.as_str()))
        .unwrap_or_default();
    let pass = match service.begin(sign_in).await? {
        Begin::Allowed(pass) => pass,
        Begin::Challenge(challenge) => {
            match service
                .answer(Attempt::new(challenge.login(), code))
                .await?
            {
                Answer::Accepted(pass) => pass,
                Answer::Rejected(why) => return Ok(Proven::Denied(why.into())),
            }
        }
        Begin::Refused(decision) => {
            return Ok(Proven::Denied(Denied {
                reason: decision.reason(),
                retry_at: decision.until(),
                clock_off: None,
                remedies: Some(decision.remedies()),
            }));
        }
        // Reset between the two calls.
        Begin::Enrol(_) => return Ok(denied(no_proof())),
    };
    Ok(Proven::Proof(service.proof(&pass)?))
}

fn denied(refusal: Refusal) -> Proven {
    Proven::Denied(refusal.into())
}
