use alloc::{boxed::Box, vec, vec::Vec};

use twofa_policy::{Lock, Reason, ResetActor};
use twofa_totp::{Drift, Params, Secret};
use twofa_types::UnixTime;

use crate::{
    Active, Actor, Command, Context, Detail, Entry, Event, EventKind, HandoverCode, Key, Listed,
    LoginEffect, LoginHash, Noted, Outcome, PendingKey, Record, Rejection, State, Transition,
    Vault,
    answer::answer,
    reset::{recover, reset},
};

/// Answers `command` for the factor of `record`: the new record, the outcome, the events. Pure, and total: every
/// command is answered in every state.
///
/// While the clock stands more than two minutes behind the record's last event, nothing is accepted and nothing
/// written (`clock-behind`), with two exceptions: what the audit alone is told, and a reset by support, which
/// is how a factor gets out again that a clock once wrongly ahead has shut in.
///
/// ```
/// use twofa_lifecycle::{Command, Config, Context, LoginHash, Outcome, Random, Record, step};
/// # use twofa_lifecycle::{SealedSecret, SealedSecretError, Vault};
/// # use twofa_totp::{Secret, SecretError};
/// # use twofa_types::UnixTime;
/// # struct NoVault;
/// # impl Vault for NoVault {
/// #     type Error = SealedSecretError;
/// #     fn seal(&self, _: u32, s: &Secret, _: &[u8; 24]) -> Result<SealedSecret, Self::Error> {
/// #         SealedSecret::from_bytes(s.expose_secret())
/// #     }
/// #     fn open(&self, _: u32, s: &SealedSecret) -> Result<Secret, Self::Error> {
/// #         Secret::from_bytes(s.as_bytes()).map_err(|_| SealedSecretError { bytes: 0 })
/// #     }
/// # }
/// # let (vault, config) = (NoVault, Config::default());
/// # let random = Random { secret: [7; 64], nonce: [0; 24], handover: [0; 10] };
/// let context = Context { now: UnixTime::from_secs(1_669_852_800), random: &random, vault: &vault, config: &config };
/// let login = LoginHash::from_bytes([1; 32]);
///
/// let transition = step(&Record::new(), Command::BeginEnrolment { login }, &context)?;
/// assert!(matches!(transition.outcome(), Outcome::Enrolment { .. }));
/// assert_eq!(transition.events().len(), 1);
/// # Ok::<(), SealedSecretError>(())
/// ```
///
/// # Errors
///
/// The vault's own, where it could not seal or open a secret; nothing is to be written then, and it is never a
/// wrong code.
pub fn step<V: Vault>(
    record: &Record,
    command: Command<'_>,
    context: &Context<'_, V>,
) -> Result<Transition, V::Error> {
    let heals = match &command {
        Command::Note(_) | Command::List { .. } | Command::EndLogins | Command::EndSessions => true,
        Command::Reset { grant, .. } => matches!(grant.by(), ResetActor::Support { .. }),
        _ => false,
    };
    if !heals && record.view().clock_behind(context.now) {
        return Ok(refused(Rejection::new(Reason::ClockBehind)));
    }
    match command {
        Command::BeginEnrolment { login } => begin_enrolment(record, login, context),
        Command::Answer {
            login,
            code,
            handover,
        } => answer(record, login, *code, handover, context),
        Command::BeginReplacement { login } => begin_replacement(record, login, context),
        Command::Reset { grant, handover } => Ok(reset(record, grant, handover, context)),
        Command::Recover { grant, found } => Ok(recover(record, grant, found, context)),
        Command::Import {
            secret,
            params,
            by,
            again,
        } => import(record, secret, params, (by, again), context),
        Command::EndLogins => Ok(end_logins(record, context.now)),
        Command::EndSessions => Ok(end_sessions(record, context.now)),
        Command::Expire => Ok(expire(record, context.now)),
        Command::Note(noted) => Ok(note(record, noted, context.now)),
        Command::List {
            entry,
            listed,
            actor,
        } => Ok(list(record, entry, listed, actor, context.now)),
    }
}

/// A refusal that changes nothing.
fn refused(rejection: Rejection) -> Transition {
    Transition::unchanged(Outcome::Rejected(rejection), LoginEffect::Keep)
}

/// The refusal while the factor is locked.
pub(crate) const fn locked(lock: Lock) -> Rejection {
    Rejection {
        retry_at: match lock {
            Lock::Until(until) => Some(until),
            Lock::Open | Lock::UntilReset => None,
        },
        ..Rejection::new(Reason::Locked)
    }
}

/// The record with another state, its last event not before what it was.
pub(crate) fn moved(record: &Record, state: State, now: UnixTime) -> Record {
    Record {
        generation: record.generation,
        state,
        throttle: record.throttle,
        last_event: record.last_event.max(Some(now)),
        epoch: record.epoch,
        listed: record.listed,
        chain: record.chain,
    }
}

/// The record, its last event not before what it was.
pub(crate) fn touched(record: &Record, now: UnixTime) -> Record {
    moved(record, record.state.clone(), now)
}

/// An event of the factor's owner.
pub(crate) const fn event(record: &Record, kind: EventKind, now: UnixTime) -> Event {
    Event {
        kind,
        reason: None,
        actor: None,
        generation: record.generation,
        at: now,
        detail: None,
    }
}

fn begin_enrolment<V: Vault>(
    record: &Record,
    login: LoginHash,
    context: &Context<'_, V>,
) -> Result<Transition, V::Error> {
    let mut events = Vec::with_capacity(2);
    let after = match &record.state {
        State::None => None,
        State::Reset(mark) => Some(*mark),
        State::Pending { pending, after } => {
            if pending.expires <= context.now {
                events.push(event(record, EventKind::EnrolmentExpired, context.now));
            }
            *after
        }
        State::Active(_) => return Ok(refused(Rejection::new(Reason::AlreadySetUp))),
    };
    if let Some(lock) = record.throttle.locked_at(context.now) {
        return Ok(refused(locked(lock)));
    }
    let (secret, pending) = make_key(record.generation, login, context)?;
    let outcome = enrolment(secret, &pending);
    events.push(event(record, EventKind::EnrolmentBegun, context.now));
    let record = moved(record, State::Pending { pending, after }, context.now);
    Ok(Transition::write(
        record,
        events,
        outcome,
        LoginEffect::Keep,
    ))
}

fn begin_replacement<V: Vault>(
    record: &Record,
    login: LoginHash,
    context: &Context<'_, V>,
) -> Result<Transition, V::Error> {
    let State::Active(active) = &record.state else {
        return Ok(refused(Rejection::new(Reason::NothingToReplace)));
    };
    if let Some(lock) = record.throttle.locked_at(context.now) {
        return Ok(refused(locked(lock)));
    }
    let mut events = Vec::with_capacity(2);
    if active
        .replacement
        .as_ref()
        .is_some_and(|older| older.expires <= context.now)
    {
        events.push(replacement_expired(record, context.now));
    }
    let (secret, pending) = make_key(record.generation, login, context)?;
    let outcome = enrolment(secret, &pending);
    events.push(event(record, EventKind::ReplacementBegun, context.now));
    let state = State::Active(Active {
        replacement: Some(pending),
        ..active.clone()
    });
    let record = moved(record, state, context.now);
    Ok(Transition::write(
        record,
        events,
        outcome,
        LoginEffect::Keep,
    ))
}

/// A fresh secret, and the same sealed, waiting for its first code.
fn make_key<V: Vault>(
    generation: u32,
    login: LoginHash,
    context: &Context<'_, V>,
) -> Result<(Secret, PendingKey), V::Error> {
    let params = context.config.params();
    let secret = Secret::from_random_bytes(params.algorithm(), &context.random.secret);
    let sealed = context
        .vault
        .seal(generation, &secret, &context.random.nonce)?;
    let wait = u64::from(context.config.set_up_secs());
    let pending = PendingKey {
        key: Key { sealed, params },
        since: context.now,
        expires: context.now.saturating_add(wait),
        login,
    };
    Ok((secret, pending))
}

fn enrolment(secret: Secret, pending: &PendingKey) -> Outcome {
    Outcome::Enrolment {
        secret,
        params: pending.key.params,
        expires: pending.expires,
    }
}

fn replacement_expired(record: &Record, now: UnixTime) -> Event {
    Event {
        detail: Some(Detail::Replacement),
        ..event(record, EventKind::EnrolmentExpired, now)
    }
}

fn import<V: Vault>(
    record: &Record,
    secret: &Secret,
    params: Params,
    (by, again): (Option<&Actor>, bool),
    context: &Context<'_, V>,
) -> Result<Transition, V::Error> {
    let mut events = Vec::with_capacity(2);
    let reset = match &record.state {
        State::None => None,
        State::Reset(mark) => Some(*mark),
        State::Pending { pending, after } if pending.expires <= context.now => {
            events.push(event(record, EventKind::EnrolmentExpired, context.now));
            *after
        }
        State::Pending { .. } | State::Active(_) => {
            return Ok(refused(Rejection::new(Reason::AlreadySetUp)));
        }
    };
    // What a reset took away does not come back by running an import once more: only by somebody who answers
    // for it, never as the very key, and behind a hand-over code.
    let mut code = None;
    let mut handover = None;
    if let Some(mark) = reset {
        let same = mark.erased.is_some_and(|erased| erased.is(secret));
        if !again || same {
            return Ok(refused(Rejection::new(Reason::AlreadyReset)));
        }
        handover = mark.handover;
        if handover.is_none() {
            let fresh = HandoverCode::from_random(&context.random.handover);
            handover = Some(fresh.hash());
            code = Some(fresh);
        }
    }
    let sealed = context
        .vault
        .seal(record.generation, secret, &context.random.nonce)?;
    let state = State::Active(Active {
        key: Key { sealed, params },
        since: context.now,
        last_step: None,
        last_used: None,
        drift: Drift::NONE,
        replacement: None,
        handover,
    });
    let record = moved(record, state, context.now);
    events.push(Event {
        actor: by.cloned().map(Box::new),
        ..event(&record, EventKind::Imported, context.now)
    });
    let outcome = Outcome::Imported { handover: code };
    Ok(Transition::write(
        record,
        events,
        outcome,
        LoginEffect::Keep,
    ))
}

fn end_logins(record: &Record, now: UnixTime) -> Transition {
    let told = event(record, EventKind::LoginsEnded, now);
    let record = touched(record, now);
    Transition::write(record, vec![told], Outcome::Ended, LoginEffect::EndAll)
}

fn end_sessions(record: &Record, now: UnixTime) -> Transition {
    let told = event(record, EventKind::SessionsEnded, now);
    let record = Record {
        epoch: record.epoch.max(Some(now)),
        ..touched(record, now)
    };
    Transition::write(record, vec![told], Outcome::Ended, LoginEffect::EndAll)
}

fn expire(record: &Record, now: UnixTime) -> Transition {
    let Some((record, told)) = expired(record, now) else {
        return Transition::unchanged(Outcome::Nothing, LoginEffect::Keep);
    };
    Transition::write(record, vec![told], Outcome::Expired, LoginEffect::Keep)
}

/// The record without the key that was not confirmed in time; `None` where there is no such key.
pub(crate) fn expired(record: &Record, now: UnixTime) -> Option<(Record, Event)> {
    match &record.state {
        State::Pending { pending, after } if pending.expires <= now => {
            let state = after.map_or(State::None, State::Reset);
            let told = event(record, EventKind::EnrolmentExpired, now);
            Some((moved(record, state, now), told))
        }
        State::Active(active) => {
            active
                .replacement
                .as_ref()
                .filter(|waiting| waiting.expires <= now)?;
            let state = State::Active(Active {
                replacement: None,
                ..active.clone()
            });
            Some((moved(record, state, now), replacement_expired(record, now)))
        }
        State::None | State::Reset(_) | State::Pending { .. } => None,
    }
}

fn note(record: &Record, noted: Noted<'_>, now: UnixTime) -> Transition {
    let told = match noted {
        Noted::Passed { reason, method } => Event {
            reason: Some(reason),
            detail: Some(Detail::Method(method)),
            ..event(record, EventKind::Passed, now)
        },
        Noted::Refused { reason, method } => Event {
            reason: Some(reason),
            detail: Some(Detail::Method(method)),
            ..event(record, EventKind::Refused, now)
        },
        Noted::ResetRefused { actor, reason } => Event {
            reason: Some(reason),
            actor: actor.cloned().map(Box::new),
            ..event(record, EventKind::ResetRefused, now)
        },
        Noted::AccessRefused { actor, reason } => Event {
            reason: Some(reason),
            actor: actor.cloned().map(Box::new),
            ..event(record, EventKind::AccessRefused, now)
        },
        Noted::SettingsChanged { actor, from, to } => Event {
            actor: actor.cloned().map(Box::new),
            detail: Some(Detail::Settings { from, to }),
            ..event(record, EventKind::SettingsChanged, now)
        },
        Noted::Tampered => event(record, EventKind::Tampered, now),
        Noted::Recovered { actor } => Event {
            actor: Some(Box::new(actor.clone())),
            ..event(record, EventKind::Recovered, now)
        },
    };
    Transition::write(
        touched(record, now),
        vec![told],
        Outcome::Noted,
        LoginEffect::Keep,
    )
}

fn list(
    record: &Record,
    entry: Entry,
    listed: Option<Listed>,
    actor: Option<&Actor>,
    now: UnixTime,
) -> Transition {
    let told = |kind, detail| Event {
        actor: actor.cloned().map(Box::new),
        detail,
        ..event(record, kind, now)
    };
    let events = match entry {
        Entry::Settings { from, to } => {
            let detail = Some(Detail::Settings { from, to });
            vec![told(EventKind::SettingsChanged, detail)]
        }
        Entry::Added(role) => vec![told(EventKind::MemberAdded, Some(Detail::Role(role)))],
        Entry::Role { from, to } => {
            let detail = Some(Detail::RoleChange { from, to });
            vec![told(EventKind::RoleChanged, detail)]
        }
        Entry::Removed => vec![told(EventKind::MemberRemoved, None)],
        Entry::AsFound => Vec::new(),
    };
    let record = Record {
        listed: listed.or(record.listed),
        ..touched(record, now)
    };
    Transition::write(record, events, Outcome::Noted, LoginEffect::Keep)
}
