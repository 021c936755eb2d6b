//! A new phone, with the old one still at hand.

use crate::world::{World, login_hash};
use twofa_lifecycle::{AcceptedBy, Command, EventKind, LoginEffect, LoginKind};
use twofa_policy::{Lock, Reason};

#[test]
fn the_old_key_works_until_a_code_of_the_new_one_confirms_it() {
    let (mut world, old) = World::enrolled();
    let old_key = world.active().key.clone();
    let (new, mut replace) = world.begin_replacement(1);
    assert_eq!(world.active().key, old_key);
    assert_eq!(
        world.events.last().unwrap().kind,
        EventKind::ReplacementBegun
    );

    // A challenge is answered with the old key only, the replacement with the new one only.
    assert_eq!(world.challenge(&new, 0).reason(), Reason::WrongCode);
    let old_code = old.code(world.now, 0);
    assert_eq!(
        world.answer(&mut replace, &old_code).reason(),
        Reason::WrongCode
    );
    assert!(world.challenge(&old, 0).is_accepted());
    assert!(world.active().replacement.is_some(), "it goes on waiting");

    world.tick(60);
    let mut parked = world.park(3, LoginKind::Challenge);
    let generation = world.record.generation();
    let code = new.code(world.now, -1);
    let done = world.answer(&mut replace, &code);
    assert_eq!(done.accepted(), AcceptedBy::Replaced);
    assert_eq!(done.kinds(), [EventKind::Replaced]);
    assert!(EventKind::Replaced.notice());
    assert_eq!(done.login, LoginEffect::End);
    assert_eq!(world.record.generation(), generation, "proofs stay");
    let active = world.active().clone();
    assert_ne!(active.key, old_key);
    assert_eq!(active.replacement, None);
    assert_eq!(
        (active.since, active.last_used),
        (world.now, Some(world.now))
    );
    assert_eq!(active.drift.steps(), 0);

    // The old key is gone, the confirming code is spent, and a login parked before goes on with the new key.
    assert_eq!(world.challenge(&old, 1).reason(), Reason::WrongCode);
    assert_eq!(world.challenge(&new, -1).reason(), Reason::CodeAlreadyUsed);
    let code = new.code(world.now, 0);
    assert!(world.answer(&mut parked, &code).is_accepted());
}

#[test]
fn f12_a_key_in_use_is_replaced_by_the_login_that_began_it_and_by_no_other() {
    let (mut world, _) = World::enrolled();
    let (new, _) = world.begin_replacement(1);
    let code = new.code(world.now, 0);
    for mut other in [
        world.park(2, LoginKind::Replace),
        world.park(1, LoginKind::Enrol),
        world.park(2, LoginKind::Enrol),
    ] {
        let done = world.answer(&mut other, &code);
        assert_eq!(done.reason(), Reason::Superseded);
        assert_eq!(done.login, LoginEffect::End);
        assert!(!done.wrote);
    }
    let mut challenge = world.park(1, LoginKind::Challenge);
    assert_eq!(
        world.answer(&mut challenge, &code).reason(),
        Reason::WrongCode
    );
    assert!(world.active().replacement.is_some());
}

#[test]
fn a_second_replacement_makes_the_first_void() {
    let (mut world, _) = World::enrolled();
    let (first, mut first_login) = world.begin_replacement(1);
    let (second, mut second_login) = world.begin_replacement(2);
    let code = first.code(world.now, 0);
    assert_eq!(
        world.answer(&mut first_login, &code).reason(),
        Reason::Superseded
    );
    assert_eq!(
        world.answer(&mut second_login, &code).reason(),
        Reason::WrongCode
    );
    let code = second.code(world.now, 0);
    assert!(world.answer(&mut second_login, &code).is_accepted());
}

#[test]
fn a_replacement_that_waits_too_long_expires_and_the_old_key_stays() {
    let (mut world, old) = World::enrolled();
    let (new, mut replace) = world.begin_replacement(1);
    world.tick(599);
    assert!(!world.apply(Command::Expire).wrote);
    world.tick(1);
    let code = new.code(world.now, 0);
    let done = world.answer(&mut replace, &code);
    assert_eq!(done.reason(), Reason::Expired);
    assert_eq!(done.kinds(), [EventKind::EnrolmentExpired]);
    assert_eq!(done.events[0].detail.unwrap().to_string(), "replacement");
    assert_eq!(world.active().replacement, None);
    assert!(world.challenge(&old, 0).is_accepted());

    let _ = world.begin_replacement(2);
    world.tick(600);
    let done = world.apply(Command::Expire);
    assert_eq!(done.kinds(), [EventKind::EnrolmentExpired]);
    assert_eq!(world.active().replacement, None);

    let _ = world.begin_replacement(3);
    world.tick(599);
    let again = Command::BeginReplacement {
        login: login_hash(4),
    };
    assert_eq!(world.apply(again).kinds(), [EventKind::ReplacementBegun]);
    world.tick(600);
    let again = Command::BeginReplacement {
        login: login_hash(5),
    };
    assert_eq!(
        world.apply(again).kinds(),
        [EventKind::EnrolmentExpired, EventKind::ReplacementBegun]
    );
}

#[test]
fn wrong_codes_at_a_replacement_count_for_the_factor() {
    let (mut world, old) = World::enrolled();
    let (new, mut replace) = world.begin_replacement(1);
    for _ in 0..4 {
        let code = new.wrong(world.now, 25);
        assert_eq!(
            world.answer(&mut replace, &code).reason(),
            Reason::WrongCode
        );
    }
    let until = world.now.saturating_add(30);
    assert_eq!(world.record.view().lock, Lock::Until(until));
    assert_eq!(world.challenge(&old, 0).reason(), Reason::Locked);
    let again = world.apply(Command::BeginReplacement {
        login: login_hash(2),
    });
    assert_eq!(again.reason(), Reason::Locked);
    assert!(!again.wrote);
    world.tick(30);
    assert!(world.challenge(&old, 0).is_accepted());
}

#[test]
fn at_a_replacement_a_clock_that_is_ahead_is_told() {
    let (mut world, _) = World::enrolled();
    let (new, mut replace) = world.begin_replacement(1);
    let code = new.code(world.now, 5);
    assert_eq!(world.answer(&mut replace, &code).reason(), Reason::ClockOff);
}

#[test]
fn there_is_nothing_to_replace_before_a_first_code() {
    let mut world = World::new();
    let begin = |n| Command::BeginReplacement {
        login: login_hash(n),
    };
    assert_eq!(world.apply(begin(1)).reason(), Reason::NothingToReplace);
    world.begin(2);
    let done = world.apply(begin(1));
    assert_eq!(done.reason(), Reason::NothingToReplace);
    assert!(!done.wrote);
}
