//! A recovery: what stands in the place of a record that cannot be read, and that nobody gains by damaging one.

use crate::world::{
    START, World, grant_for, login_hash, recovery_by_ada, recovery_by_grace, support_grant_for,
    user,
};
use proptest::prelude::*;
use twofa_lifecycle::{
    Actor, ChainHead, Command, Damage, EventKind, LoginEffect, LoginKind, Outcome, Record, State,
    SummaryState, Throttle,
};
use twofa_policy::{Handover, Lock, Reason, ResetBy, ResetGrant};
use twofa_types::{Name, UnixTime};

const CHAIN: ChainHead = ChainHead {
    seq: 41,
    mac: [7; 32],
};

const fn found(generation_floor: u32, failures_floor: u32) -> Damage {
    Damage {
        generation_floor,
        chain: CHAIN,
        failures_floor,
        listed: None,
    }
}

fn code(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Recovered { handover, .. } => handover.expose_secret().to_owned(),
        other => panic!("not recovered: {other:?}"),
    }
}

#[test]
fn a_recovery_begins_anew_behind_a_hand_over_code_and_goes_on_with_the_chain() {
    let operator = Actor::Operator {
        name: Name::new("grace").unwrap(),
        ticket: Some(Name::new("T-1042").unwrap()),
    };
    let ada = Actor::Member(user("ada"));
    for (grant, by, actor) in [
        (recovery_by_ada(4, START), ResetBy::Administrator, ada),
        (recovery_by_grace(4, START), ResetBy::Support, operator),
    ] {
        let mut world = World::new();
        let done = world.apply(Command::Recover {
            grant,
            found: found(4, 0),
        });
        assert_eq!(code(&done.outcome).len(), 19);
        assert_eq!(done.login, LoginEffect::EndAll);
        assert_eq!(done.kinds(), [EventKind::Recovered]);
        let told = &done.events[0];
        assert_eq!(told.actor.as_deref(), Some(&actor));
        assert_eq!((told.generation, told.at), (5, START));
        assert_eq!((told.reason, told.detail), (None, None));
        assert!(told.kind.notice(), "the person is told");

        let record = &world.record;
        assert_eq!(record.generation(), 5);
        assert_eq!(record.chain(), CHAIN);
        assert_eq!(record.epoch(), Some(START));
        assert_eq!(record.last_event(), Some(START));
        assert_eq!(record.throttle().failures(), 3);
        assert_eq!(record.view().lock, Lock::Open);
        assert_eq!(record.view().reset_by, Some(by));
        assert_eq!(record.summary().state, SummaryState::Reset);
        assert!(record.asks_for_handover());
        let State::Reset(mark) = record.state() else {
            panic!("{record:?}")
        };
        assert_eq!((mark.by, mark.at, mark.erased), (by, START, None));
    }
}

/// The true key, login and proof, and then those of a record that was put together for the occasion.
#[test]
fn no_older_code_login_or_proof_is_worth_anything_after_a_recovery() {
    let (mut world, app) = World::enrolled();
    let mut login = world.park(1, LoginKind::Challenge);
    let (generation, when) = (world.record.generation(), world.now);
    let done = world.recover(generation, 0);
    let text = code(&done.outcome);
    assert_ne!(world.record.generation(), generation);
    assert!(world.record.voids_proof_of(when));
    let typed = app.code(world.now, 0);
    assert_eq!(
        world.answer(&mut login, &typed).reason(),
        Reason::Superseded
    );
    assert_eq!(world.challenge(&app, 0).reason(), Reason::Superseded);

    // Nor once a new key is in use, and whoever sets up in that very second has a proof that counts.
    let (new, mut set_up) = world.begin(2);
    let right = new.code(world.now, 0);
    let missing = world.answer(&mut set_up, &right);
    assert_eq!(
        missing.reason(),
        Reason::HandoverCode,
        "whatever the project asks for"
    );
    assert!(!missing.wrote);
    assert!(
        world
            .answer_with(&mut set_up, &right, Some(&text))
            .is_accepted()
    );
    let proof = world.record.time_of_proof(world.now);
    assert!(!world.record.voids_proof_of(proof));
    world.tick(60);
    let typed = app.code(world.now, 0);
    let mut kept = world.park(3, LoginKind::Challenge);
    kept.generation = generation;
    assert_eq!(world.answer(&mut kept, &typed).reason(), Reason::Superseded);
    assert!(!world.challenge(&app, 0).is_accepted());
    world.tick(60);
    assert!(world.challenge(&new, 0).is_accepted());
    assert_eq!(world.record.throttle(), Throttle::new());
}

#[test]
fn only_a_current_grant_to_recover_recovers_and_only_what_stands_for_no_record() {
    let refused = |world: &mut World, grant: ResetGrant, reason| {
        let before = world.record.clone();
        let done = world.apply(Command::Recover {
            grant,
            found: found(0, 0),
        });
        assert_eq!(done.reason(), reason);
        assert_eq!(done.login, LoginEffect::Keep);
        assert!(
            !done.wrote,
            "nothing is written over what was not recovered"
        );
        assert_eq!(world.record, before);
    };
    let mut world = World::new();
    let late = START.saturating_add(60);
    for ordinary in [grant_for(1, START), support_grant_for(1, START)] {
        refused(&mut world, ordinary, Reason::Superseded);
    }
    world.now = late;
    for stale in [recovery_by_ada(1, START), recovery_by_grace(1, START)] {
        refused(&mut world, stale, Reason::Expired);
    }
    world.now = START.saturating_sub(121);
    refused(&mut world, recovery_by_ada(1, START), Reason::Expired);

    // Somebody else recovered it first, or it was readable all along.
    let mut recovered = World::new();
    let _ = recovered.recover(3, 0);
    let (enrolled, _) = World::enrolled();
    let mut begun = World::new();
    begun.begin(1);
    let mut moved = World::new();
    moved.record.set_chain(CHAIN);
    for mut world in [recovered, enrolled, begun, moved] {
        let grant = recovery_by_grace(world.record.generation(), world.now);
        refused(&mut world, grant, Reason::Superseded);
    }
}

#[test]
fn a_grant_to_recover_resets_nothing_that_can_be_read() {
    for grant in [recovery_by_ada, recovery_by_grace] {
        let (mut world, _) = World::enrolled();
        let state = world.record.state().clone();
        let done = world.apply(Command::Reset {
            grant: grant(world.record.generation(), world.now),
            handover: Handover::NotRequired,
        });
        assert_eq!(done.reason(), Reason::Superseded);
        assert_eq!(done.kinds(), [EventKind::ResetRefused]);
        assert_eq!(*world.record.state(), state);
    }
}

#[test]
fn damage_is_no_way_around_the_throttle() {
    for failures_floor in 0..=150 {
        let mut world = World::new();
        let _ = world.recover(1, failures_floor);
        let expected = failures_floor.clamp(3, 99);
        let throttle = world.record.throttle();
        assert_eq!(throttle.failures(), expected);
        let wait = Throttle::wait_after(expected);
        assert_eq!(
            throttle.until(),
            wait.map(|wait| START.saturating_add(wait))
        );
        assert!(!throttle.noted());
        let login = login_hash(1);
        let begun = world.apply(Command::BeginEnrolment { login });
        assert_eq!(
            matches!(begun.outcome, Outcome::Enrolment { .. }),
            wait.is_none()
        );
        if wait.is_some() {
            assert_eq!(begun.reason(), Reason::Locked);
            assert_eq!(begun.rejection().retry_at, throttle.until());
        }
    }
    // The next failure after any recovery costs a wait, and at the end only a reset helps.
    for (failures_floor, reason) in [
        (0, Lock::Until(START.saturating_add(3630))),
        (100, Lock::UntilReset),
    ] {
        let mut world = World::new();
        let _ = world.recover(1, failures_floor);
        world.tick(3600);
        let (app, mut login) = world.begin(1);
        let typed = app.code(world.now, 0);
        let done = world.answer_with(&mut login, &typed, Some("AAAA-AAAA-AAAA-AAAA"));
        assert_eq!(done.reason(), Reason::HandoverCode);
        assert_eq!(world.record.view().lock, reason);
    }
}

#[test]
fn a_recovered_factor_can_be_reset_and_recovered_again() {
    let mut world = World::new();
    let _ = world.recover(u32::MAX, 100);
    assert_eq!(world.record.generation(), u32::MAX - 1);
    let done = world.reset(Handover::NotRequired);
    assert!(matches!(
        done.outcome,
        Outcome::Reset { handover: None, .. }
    ));
    assert_eq!(world.record.generation(), u32::MAX);
    assert_eq!(world.record.throttle(), Throttle::new());
    assert_eq!(
        world.record.epoch(),
        Some(START),
        "and voids what it voided"
    );
    let _ = world.recover(u32::MAX, 0);
    assert_eq!(world.record.generation(), u32::MAX - 1);
}

proptest! {
    #![proptest_config(crate::world::cases(2))]

    /// Total, and only ever stricter: whatever is found, whenever, by whomever.
    #[test]
    fn whatever_is_found_is_recovered(
        generation_floor in prop_oneof![0..5_u32, any::<u32>(), u32::MAX - 2..=u32::MAX],
        granted in prop_oneof![0..5_u32, any::<u32>()],
        failures_floor in prop_oneof![0..120_u32, any::<u32>()],
        seq in any::<u64>(),
        mac in any::<[u8; 32]>(),
        now in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
        support in any::<bool>(),
    ) {
        let mut world = World::new();
        world.now = UnixTime::from_secs(now);
        // At the last second no grant is current any more.
        prop_assume!(now < u64::MAX);
        let grant = if support { recovery_by_grace } else { recovery_by_ada };
        let chain = ChainHead { seq, mac };
        let done = world.apply(Command::Recover {
            grant: grant(granted, world.now),
            found: Damage { listed: None, generation_floor, chain, failures_floor },
        });
        let _ = code(&done.outcome);
        let highest = u64::from(generation_floor.max(granted).max(1)) + 1;
        let record = &world.record;
        prop_assert_eq!(u64::from(record.generation()), highest.min(u64::from(u32::MAX) - 1));
        prop_assert_eq!(record.chain(), chain);
        prop_assert!(record.asks_for_handover());
        prop_assert!(record.voids_proof_of(world.now) && record.voids_proof_of(UnixTime::EPOCH));
        prop_assert_eq!(record.throttle().failures(), failures_floor.clamp(3, 99));
        prop_assert_eq!(&Record::decode(&record.encode()).unwrap(), record);
    }
}
