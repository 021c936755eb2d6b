use alloc::{boxed::Box, vec};

use twofa_policy::{Handover, Reason, ResetActor, ResetBy, ResetGrant};
use twofa_types::UnixTime;

use crate::{
    Actor, Context, ErasedKey, Event, EventKind, HandoverCode, LoginEffect, Outcome, Record,
    Rejection, ResetMark, State, Throttle, Transition, Vault,
    step::{event, touched},
};

#[expect(
    clippy::needless_pass_by_value,
    reason = "a grant is used up, whatever becomes of the reset"
)]
pub(crate) fn reset<V: Vault>(
    record: &Record,
    grant: ResetGrant,
    handover: Handover,
    context: &Context<'_, V>,
) -> Transition {
    let now = context.now;
    let (kind, by, actor) = match grant.by() {
        ResetActor::Administrator(user) => (
            EventKind::ResetGranted,
            ResetBy::Administrator,
            Actor::Member(user.clone()),
        ),
        ResetActor::Support { operator, ticket } => (
            EventKind::SupportReset,
            ResetBy::Support,
            Actor::Operator {
                name: operator.clone(),
                ticket: ticket.clone(),
            },
        ),
    };
    let generation = match next_generation(record, &grant, now) {
        Ok(generation) => generation,
        Err(reason) => {
            let told = Event {
                reason: Some(reason),
                actor: Some(Box::new(actor)),
                ..event(record, EventKind::ResetRefused, now)
            };
            let outcome = Outcome::Rejected(Rejection::new(reason));
            let record = touched(record, now);
            return Transition::write(record, vec![told], outcome, LoginEffect::Keep);
        }
    };
    let code = match handover {
        Handover::Required => Some(HandoverCode::from_random(&context.random.handover)),
        Handover::NotRequired => None,
    };
    let mark = ResetMark {
        by,
        at: now,
        handover: code.as_ref().map(HandoverCode::hash),
        erased: erased(record, context),
    };
    let record = Record {
        generation,
        state: State::Reset(mark),
        throttle: Throttle::new(),
        last_event: match by {
            ResetBy::Administrator => record.last_event.max(Some(now)),
            // Support has looked into it: from here on the clock counts as it stands now.
            ResetBy::Support => Some(now),
        },
        epoch: record.epoch,
        chain: record.chain,
    };
    let told = Event {
        actor: Some(Box::new(actor)),
        ..event(&record, kind, now)
    };
    let outcome = Outcome::Reset { handover: code };
    Transition::write(record, vec![told], outcome, LoginEffect::EndAll)
}

/// What is remembered of the key that a reset erases, or of the one that a reset before it did. A key that does
/// not open is reset all the same, and cannot be known again.
fn erased<V: Vault>(record: &Record, context: &Context<'_, V>) -> Option<ErasedKey> {
    match &record.state {
        State::None => None,
        State::Reset(mark) => mark.erased,
        State::Pending { after, .. } => after.and_then(|mark| mark.erased),
        State::Active(active) => {
            let opened = context.vault.open(record.generation, &active.key.sealed);
            let (salt, _) = context.random.nonce.split_first_chunk()?;
            Some(ErasedKey::of(&opened.ok()?, *salt))
        }
    }
}

/// The generation that a reset leads to, or why the grant is not for this record as it stands.
fn next_generation(record: &Record, grant: &ResetGrant, now: UnixTime) -> Result<u32, Reason> {
    let untouched = matches!(record.state, State::None) && record.throttle == Throttle::new();
    if !grant.is_current(now) {
        Err(Reason::Expired)
    } else if grant.generation() != record.generation {
        Err(Reason::Superseded)
    } else if untouched {
        Err(Reason::NothingToReset)
    } else {
        // Where the generation can rise no further, older proofs could not be voided: refused.
        let next = record.generation.checked_add(1);
        next.ok_or(Reason::Superseded)
    }
}
