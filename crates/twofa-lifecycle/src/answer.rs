use alloc::{vec, vec::Vec};

use twofa_policy::Reason;
use twofa_totp::{Accepted, ClockOff, Code, Direction, Drift, Scan, Step, Totp};
use twofa_types::UnixTime;

use crate::{
    AcceptedBy, Active, Context, Detail, Event, EventKind, Key, LoginEffect, LoginKind, Outcome,
    ParkedLogin, PendingKey, Record, Rejection, State, Throttle, Transition, Vault,
    handover::{self, Typed},
    step::{event, expired, locked, moved, touched},
};

/// The key that a login is answered against, and what it takes to accept a code of it.
struct Against<'a> {
    key: &'a Key,
    by: AcceptedBy,
    /// The last step spent of this key, and what is known of its clock.
    last_step: Option<Step>,
    drift: Drift,
    /// The key while it still waits for its first code.
    pending: Option<&'a PendingKey>,
    /// The hash of the hand-over code that the first code must bring with it.
    handover: Option<[u8; 32]>,
}

/// Answers a parked login with a code.
///
/// In this order, since what comes first must not depend on what comes after: a login that is over is told so;
/// a code with the wrong number of digits costs nothing; while locked nothing is looked at; a hand-over code is
/// checked before the code, so that the code tells nothing to whoever lacks it; then the code.
pub(crate) fn answer<V: Vault>(
    record: &Record,
    login: &ParkedLogin,
    code: Code,
    typed_handover: Option<&str>,
    context: &Context<'_, V>,
) -> Result<Transition, V::Error> {
    let now = context.now;
    let against = against(record, login);
    let out_of_time = |key: &PendingKey| key.expires <= now;
    let key_expired = against
        .as_ref()
        .and_then(|a| a.pending)
        .is_some_and(out_of_time);
    if key_expired || login.expires <= now {
        return Ok(too_late(record, key_expired, now));
    }
    let Some(against) = against else {
        return Ok(over(Reason::Superseded));
    };
    if login.failures >= ParkedLogin::MAX_FAILURES {
        return Ok(over(Reason::UnknownLogin));
    }
    if code.digits() != against.key.params.digits() {
        let outcome = Outcome::Rejected(Rejection::new(Reason::Malformed));
        return Ok(Transition::unchanged(outcome, LoginEffect::Keep));
    }
    if let Some(lock) = record.throttle.locked_at(now) {
        return Ok(while_locked(record, locked(lock), now));
    }
    if let Some(hash) = &against.handover {
        match handover::check(typed_handover, hash) {
            Typed::Right => {}
            Typed::Missing => {
                let outcome = Outcome::Rejected(Rejection::new(Reason::HandoverCode));
                return Ok(Transition::unchanged(outcome, LoginEffect::Keep));
            }
            Typed::Wrong => return Ok(failed(record, login, Reason::HandoverCode, None, now)),
        }
    }

    let secret = context.vault.open(record.generation, &against.key.sealed)?;
    let totp = Totp::new(&secret, against.key.params).with_window(context.config.window());
    let Ok(candidate) = totp.find_with_drift(&code, now, against.drift) else {
        // Whoever sets up holds the secret anyway. At a login, to say that a code is still to come would hand a
        // guesser a working one.
        let period = against.key.params.period();
        let scan = match against.pending {
            Some(_) => Scan::set_up(period),
            None => Scan::login(period),
        };
        let clock_off = totp.diagnose(&code, now, scan);
        let reason = clock_off.map_or(Reason::WrongCode, |_| Reason::ClockOff);
        return Ok(failed(record, login, reason, clock_off, now));
    };
    match candidate.settle(against.last_step) {
        Ok(accepted) => Ok(accept(record, &against, accepted, now)),
        Err(_) => Ok(replayed(record, login, now)),
    }
}

/// The key that this login may be answered against; `None` where it has been overtaken.
fn against<'a>(record: &'a Record, login: &ParkedLogin) -> Option<Against<'a>> {
    if login.generation != record.generation {
        return None;
    }
    let first = |pending: &'a PendingKey, by| Against {
        key: &pending.key,
        by,
        last_step: None,
        drift: Drift::NONE,
        pending: Some(pending),
        handover: None,
    };
    let begun_by = |pending: &&PendingKey| pending.login == login.id;
    match (login.kind, &record.state) {
        (LoginKind::Enrol, State::Pending { pending, after }) => {
            let handover = after.and_then(|mark| mark.handover);
            Some(pending).filter(begun_by).map(|pending| Against {
                handover,
                ..first(pending, AcceptedBy::Confirmed)
            })
        }
        (LoginKind::Replace, State::Active(active)) => {
            let waiting = active.replacement.as_ref().filter(begun_by)?;
            Some(first(waiting, AcceptedBy::Replaced))
        }
        (LoginKind::Challenge, State::Active(active)) => Some(Against {
            key: &active.key,
            by: AcceptedBy::Challenge,
            last_step: active.last_step,
            drift: active.drift,
            pending: None,
            handover: active.handover,
        }),
        _ => None,
    }
}

/// The login is over, and the record has nothing to do with it.
fn over(reason: Reason) -> Transition {
    let outcome = Outcome::Rejected(Rejection::new(reason));
    Transition::unchanged(outcome, LoginEffect::End)
}

/// The login, or the key that it was to confirm, has run out of time; such a key goes with it.
fn too_late(record: &Record, key_expired: bool, now: UnixTime) -> Transition {
    match expired(record, now) {
        Some((record, told)) if key_expired => {
            let outcome = Outcome::Rejected(Rejection::new(Reason::Expired));
            Transition::write(record, vec![told], outcome, LoginEffect::End)
        }
        _ => over(Reason::Expired),
    }
}

/// The code was not looked at. The audit is told once for each lock, so that trying writes nothing more.
fn while_locked(record: &Record, rejection: Rejection, now: UnixTime) -> Transition {
    let outcome = Outcome::Rejected(rejection);
    if record.throttle.noted() {
        return Transition::unchanged(outcome, LoginEffect::Keep);
    }
    let told = Event {
        reason: Some(rejection.reason),
        ..event(record, EventKind::Throttled, now)
    };
    let record = Record {
        throttle: record.throttle.note(),
        ..touched(record, now)
    };
    Transition::write(record, vec![told], outcome, LoginEffect::Keep)
}

/// A failure: counted for the factor and for the login.
fn failed(
    record: &Record,
    login: &ParkedLogin,
    reason: Reason,
    clock_off: Option<ClockOff>,
    now: UnixTime,
) -> Transition {
    let throttle = record.throttle.fail(now);
    let mut events = Vec::with_capacity(2);
    events.push(Event {
        reason: Some(reason),
        detail: Some(clock_off.map_or(Detail::Failures(throttle.failures()), clock_detail)),
        ..event(record, EventKind::Failed, now)
    });
    if throttle.failures() >= Throttle::HARD_STOP {
        events.push(Event {
            reason: Some(Reason::Locked),
            detail: Some(Detail::Failures(throttle.failures())),
            ..event(record, EventKind::Locked, now)
        });
    }
    let outcome = Outcome::Rejected(Rejection {
        reason,
        retry_at: throttle.until(),
        clock_off,
    });
    let record = Record {
        throttle,
        ..touched(record, now)
    };
    Transition::write(record, events, outcome, login.after_failure())
}

fn clock_detail(clock_off: ClockOff) -> Detail {
    let seconds = i64::from(clock_off.seconds());
    Detail::ClockOff(match clock_off.direction() {
        Direction::Behind => -seconds,
        Direction::Ahead => seconds,
    })
}

/// Right, but spent. No guess, so the throttle does not count it; the login does, which bounds what it writes.
fn replayed(record: &Record, login: &ParkedLogin, now: UnixTime) -> Transition {
    let told = Event {
        reason: Some(Reason::CodeAlreadyUsed),
        ..event(record, EventKind::Replayed, now)
    };
    let outcome = Outcome::Rejected(Rejection::new(Reason::CodeAlreadyUsed));
    let record = touched(record, now);
    Transition::write(record, vec![told], outcome, login.after_failure())
}

/// The code is accepted and its step spent. A key that waited for it comes into use.
fn accept(record: &Record, against: &Against<'_>, accepted: Accepted, now: UnixTime) -> Transition {
    let (step, offset) = (accepted.step(), accepted.offset());
    let (replacement, since) = match &record.state {
        // A key that is to replace the one in use goes on waiting while the latter is used.
        State::Active(active) if against.pending.is_none() => {
            (active.replacement.clone(), active.since)
        }
        _ => (None, now),
    };
    let state = State::Active(Active {
        key: against.key.clone(),
        since,
        last_step: Some(step),
        last_used: Some(now),
        drift: match against.by {
            AcceptedBy::Challenge => against.drift.learn(offset),
            // One code teaches nothing steady: a first key starts from no drift.
            AcceptedBy::Confirmed | AcceptedBy::Replaced => Drift::NONE,
        },
        replacement,
        handover: None,
    });
    let record = Record {
        throttle: Throttle::new(),
        ..moved(record, state, now)
    };
    let kind = match against.by {
        AcceptedBy::Challenge => EventKind::Accepted,
        AcceptedBy::Confirmed => EventKind::EnrolmentConfirmed,
        AcceptedBy::Replaced => EventKind::Replaced,
    };
    let told = Event {
        detail: Some(Detail::Offset(offset)),
        ..event(&record, kind, now)
    };
    let outcome = Outcome::Accepted {
        by: against.by,
        step,
        offset,
    };
    Transition::write(record, vec![told], outcome, LoginEffect::End)
}
