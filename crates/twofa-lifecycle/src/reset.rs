use alloc::{boxed::Box, vec};

use twofa_policy::{Handover, Reason, ResetActor, ResetBy, ResetGrant};
use twofa_types::UnixTime;

use crate::{
    Actor, Context, Damage, ErasedKey, Event, EventKind, HandoverCode, LoginEffect, Outcome,
    Record, Rejection, ResetMark, State, Throttle, Transition, Vault,
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
    let who = acting(&grant);
    let generation = match next_generation(record, &grant, now) {
        Ok(generation) => generation,
        Err(reason) => {
            let told = Event {
                reason: Some(reason),
                actor: Some(Box::new(who.1)),
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
    let (kind, last_event) = match who.0 {
        ResetBy::Administrator => (EventKind::ResetGranted, record.last_event.max(Some(now))),
        // Support has looked into it: from here on the clock counts as it stands now.
        ResetBy::Support => (EventKind::SupportReset, Some(now)),
    };
    let erased = erased(record, context);
    let fresh = Record {
        generation,
        last_event,
        epoch: record.epoch,
        listed: record.listed,
        chain: record.chain,
        ..Record::new()
    };
    let (record, told) = marked(fresh, kind, who, code.as_ref(), erased, now);
    let outcome = Outcome::Reset { handover: code };
    Transition::write(record, vec![told], outcome, LoginEffect::EndAll)
}

/// A refusal writes nothing: the record that it would be written to lies where the damaged one does.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a grant is used up, whatever becomes of the recovery"
)]
pub(crate) fn recover<V>(
    record: &Record,
    grant: ResetGrant,
    found: Damage,
    context: &Context<'_, V>,
) -> Transition {
    let now = context.now;
    let refused = if !grant.is_current(now) {
        Some(Reason::Expired)
    } else if !grant.recovers() || *record != Record::new() {
        Some(Reason::Superseded)
    } else {
        None
    };
    if let Some(reason) = refused {
        let outcome = Outcome::Rejected(Rejection::new(reason));
        return Transition::unchanged(outcome, LoginEffect::Keep);
    }
    let floor = found.generation_floor.max(grant.generation());
    // Whatever the floor, a reset has a generation left to go to.
    let generation = floor.max(record.generation).saturating_add(1);
    let fresh = Record {
        generation: generation.min(u32::MAX - 1),
        throttle: found.throttle(now),
        last_event: Some(now),
        epoch: Some(now),
        listed: found.listed,
        chain: found.chain,
        ..Record::new()
    };
    let code = HandoverCode::from_random(&context.random.handover);
    let who = acting(&grant);
    let (record, told) = marked(fresh, EventKind::Recovered, who, Some(&code), None, now);
    let outcome = Outcome::Recovered { handover: code };
    Transition::write(record, vec![told], outcome, LoginEffect::EndAll)
}

/// Who carries a grant out, as the record and as the audit name them.
fn acting(grant: &ResetGrant) -> (ResetBy, Actor) {
    match grant.by() {
        ResetActor::Administrator(user) => (ResetBy::Administrator, Actor::Member(user.clone())),
        ResetActor::Support { operator, ticket } => (
            ResetBy::Support,
            Actor::Operator {
                name: operator.clone(),
                ticket: Some(ticket.clone()),
            },
        ),
    }
}

/// The record without a key, marked as reset, and what the audit is told of it. Its generation is one that no login
/// and no proof from before has.
fn marked(
    mut record: Record,
    kind: EventKind,
    (by, actor): (ResetBy, Actor),
    code: Option<&HandoverCode>,
    erased: Option<ErasedKey>,
    now: UnixTime,
) -> (Record, Event) {
    let mark = ResetMark {
        by,
        at: now,
        handover: code.map(HandoverCode::hash),
        erased,
    };
    record.state = State::Reset(mark);
    let told = Event {
        actor: Some(Box::new(actor)),
        ..event(&record, kind, now)
    };
    (record, told)
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
    } else if grant.recovers() || grant.generation() != record.generation {
        // A grant to recover was given while the record could not be read, which it now can.
        Err(Reason::Superseded)
    } else if untouched {
        Err(Reason::NothingToReset)
    } else {
        // Where the generation can rise no further, older proofs could not be voided: refused.
        let next = record.generation.checked_add(1);
        next.ok_or(Reason::Superseded)
    }
}
