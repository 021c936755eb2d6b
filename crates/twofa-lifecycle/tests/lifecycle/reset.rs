//! A reset: what it erases, what it voids, who sets up afterwards.

use crate::world::{World, grant_for, login_hash, support_grant_for, user};
use twofa_lifecycle::{
    Actor, Command, EventKind, HandoverCode, LoginEffect, LoginKind, Noted, Outcome, Record, State,
    SummaryState, Throttle,
};
use twofa_policy::{Handover, Reason, ResetBy};
use twofa_types::{Name, UnixTime};

fn handover_code(outcome: Outcome) -> Option<HandoverCode> {
    match outcome {
        Outcome::Reset { handover, .. } => handover,
        other => panic!("{other:?}"),
    }
}

#[test]
fn f23_a_reset_voids_everything() {
    let (mut world, app) = World::enrolled();
    world.fail(&app, 5);
    let mut challenge = world.park(1, LoginKind::Challenge);
    world.tick(60);
    let (new, mut replace) = world.begin_replacement(2);
    let sealed = world.active().key.sealed.clone();
    let before = world.record.generation();

    let done = world.reset(Handover::NotRequired);
    assert!(matches!(
        done.outcome,
        Outcome::Reset { handover: None, .. }
    ));
    assert_eq!(done.login, LoginEffect::EndAll);
    assert_eq!(done.kinds(), [EventKind::ResetGranted]);
    assert_eq!(
        done.events[0].actor.as_deref(),
        Some(&Actor::Member(user("ada")))
    );
    assert_eq!(done.events[0].generation, before + 1);
    assert!(done.events[0].kind.notice());

    assert_eq!(world.record.generation(), before + 1);
    assert_eq!(world.record.throttle(), Throttle::new());
    let bytes = world.record.encode();
    let part = &sealed.as_bytes()[4..];
    assert!(
        !bytes.windows(part.len()).any(|window| window == part),
        "the secret is erased"
    );
    let State::Reset(mark) = world.record.state() else {
        panic!()
    };
    assert_eq!(
        (mark.by, mark.at, mark.handover),
        (ResetBy::Administrator, world.now, None)
    );
    assert_eq!(world.record.summary().state, SummaryState::Reset);
    assert_eq!(world.record.summary().since, Some(world.now));

    // Old logins, were a store to keep them, and old codes are worth nothing, now and after the next set-up.
    let code = app.code(world.now, 0);
    assert_eq!(
        world.answer(&mut challenge.clone(), &code).reason(),
        Reason::Superseded
    );
    let new_code = new.code(world.now, 0);
    assert_eq!(
        world.answer(&mut replace, &new_code).reason(),
        Reason::Superseded
    );
    world.enrol(3);
    world.tick(60);
    let code = app.code(world.now, 0);
    assert_eq!(
        world.answer(&mut challenge, &code).reason(),
        Reason::Superseded
    );
    assert!(!world.challenge(&app, 0).is_accepted());
}

#[test]
fn f23_a_reset_voids_a_set_up_under_way() {
    let mut world = World::new();
    let (app, mut login) = world.begin(1);
    let _ = world.reset(Handover::NotRequired);
    let code = app.code(world.now, 0);
    assert_eq!(world.answer(&mut login, &code).reason(), Reason::Superseded);
    // The same login id, were it drawn again, does not revive it.
    let (_, mut again) = world.begin(1);
    assert_eq!(world.answer(&mut login, &code).reason(), Reason::Expired);
    assert_eq!(world.answer(&mut again, &code).reason(), Reason::WrongCode);
}

#[test]
fn support_is_named_with_its_ticket() {
    let (mut world, _) = World::enrolled();
    let grant = world.support_grant();
    let done = world.apply(Command::Reset {
        grant,
        handover: Handover::NotRequired,
    });
    assert_eq!(done.kinds(), [EventKind::SupportReset]);
    assert!(done.events[0].kind.notice());
    let name = |text| Name::new(text).unwrap();
    let actor = Actor::Operator {
        name: name("grace"),
        ticket: Some(name("T-1042")),
    };
    assert_eq!(done.events[0].actor.as_deref(), Some(&actor));
    assert_eq!(actor.to_string(), "grace (ticket T-1042)");
    assert_eq!(world.record.view().reset_by, Some(ResetBy::Support));
}

#[test]
fn a_grant_is_good_for_its_minute_its_generation_and_something_to_reset() {
    let (mut world, _) = World::enrolled();
    let told = |world: &mut World, grant, reason| {
        let state = world.record.state().clone();
        let generation = world.record.generation();
        let done = world.apply(Command::Reset {
            grant,
            handover: Handover::Required,
        });
        assert_eq!(done.reason(), reason);
        assert_eq!(done.login, LoginEffect::Keep);
        assert_eq!(done.kinds(), [EventKind::ResetRefused]);
        assert_eq!(done.events[0].reason, Some(reason));
        assert!(done.events[0].actor.is_some());
        assert_eq!(
            (world.record.state(), world.record.generation()),
            (&state, generation)
        );
    };
    let stale = world.grant();
    world.tick(60);
    told(&mut world, stale, Reason::Expired);
    let other = grant_for(world.record.generation() + 1, world.now);
    told(&mut world, other, Reason::Superseded);
    let last_moment = world.grant();
    world.tick(59);
    let handover = Handover::NotRequired;
    let done = world.apply(Command::Reset {
        grant: last_moment,
        handover,
    });
    assert!(matches!(done.outcome, Outcome::Reset { .. }));

    let mut nobody = World::new();
    let grant = nobody.grant();
    told(&mut nobody, grant, Reason::NothingToReset);

    // Two administrators at once: the second grant was for a generation that is gone.
    let (mut world, _) = World::enrolled();
    let (one, two) = (world.grant(), world.grant());
    let _ = world.apply(Command::Reset {
        grant: one,
        handover,
    });
    told(&mut world, two, Reason::Superseded);
}

#[test]
fn a_lock_that_outlived_its_set_up_can_be_reset() {
    let mut world = World::new();
    for n in 0..100 {
        if let Some(until) = world.record.throttle().until() {
            world.now = world.now.max(until);
        }
        let (app, mut login) = world.begin(n);
        let code = app.wrong(world.now, 25);
        let _ = world.answer(&mut login, &code);
    }
    assert_eq!(world.record.throttle().failures(), 100);
    world.tick(700);
    let _ = world.apply(Command::Expire);
    assert_eq!(*world.record.state(), State::None);
    assert_eq!(
        world
            .apply(Command::BeginEnrolment {
                login: login_hash(1)
            })
            .reason(),
        Reason::Locked
    );
    let _ = world.reset(Handover::NotRequired);
    world.enrol(1);
}

#[test]
fn at_the_last_generation_a_reset_is_refused_rather_than_void_nothing() {
    let (mut world, _) = World::enrolled();
    let mut bytes = world.record.encode();
    // The generation is the number after the version.
    assert_eq!(bytes[..2], [1, 1]);
    bytes.splice(1..2, [0xff, 0xff, 0xff, 0xff, 0x0f]);
    world.record = Record::decode(&bytes).unwrap();
    assert_eq!(world.record.generation(), u32::MAX);
    let done = world.reset(Handover::NotRequired);
    assert_eq!(done.reason(), Reason::Superseded);
    assert!(matches!(world.record.state(), State::Active(_)));
}

#[test]
fn the_next_set_up_must_bring_the_hand_over_code() {
    let (mut world, _) = World::enrolled();
    let code = handover_code(world.reset(Handover::Required).outcome).unwrap();
    let text = code.expose_secret().to_owned();
    assert_eq!(format!("{code:?}"), "HandoverCode(..)");
    let groups: Vec<&str> = text.split('-').collect();
    assert_eq!(groups.len(), 4);
    assert!(groups.iter().all(|group| group.len() == 4));
    assert!(
        !world
            .record
            .encode()
            .windows(19)
            .any(|window| window == text.as_bytes())
    );

    let (app, mut login) = world.begin(1);
    let right = app.code(world.now, 0);
    let opened = world.vault.opened.get();
    for missing in [None, Some(""), Some(" - \u{a0}")] {
        let done = world.answer_with(&mut login, &right, missing);
        assert_eq!(done.reason(), Reason::HandoverCode);
        assert_eq!(done.login, LoginEffect::Keep);
        assert!(!done.wrote, "what is missing costs nothing");
    }
    let done = world.answer_with(&mut login, &right, Some("AAAA-AAAA-AAAA-AAAA"));
    assert_eq!(done.reason(), Reason::HandoverCode);
    assert_eq!(done.kinds(), [EventKind::Failed]);
    assert_eq!(done.events[0].reason, Some(Reason::HandoverCode));
    assert_eq!(done.login, LoginEffect::CountFailure);
    assert_eq!(world.record.throttle().failures(), 1);
    assert_eq!(
        world.vault.opened.get(),
        opened,
        "the code was not looked at"
    );

    // Typed with other spaces, hyphens and case; and then the code must be right as well.
    let typed = format!(" {} ", text.to_lowercase().replace('-', " "));
    let wrong = app.wrong(world.now, 25);
    let done = world.answer_with(&mut login, &wrong, Some(&typed));
    assert_eq!(done.reason(), Reason::WrongCode);
    assert!(
        world
            .answer_with(&mut login, &right, Some(&typed))
            .is_accepted()
    );

    // Later codes ask for it no more, and a set-up that needs none ignores one.
    world.tick(60);
    assert!(world.challenge(&app, 0).is_accepted());
    let _ = world.reset(Handover::NotRequired);
    let (app, mut login) = world.begin(2);
    let right = app.code(world.now, 0);
    assert!(
        world
            .answer_with(&mut login, &right, Some("nonsense"))
            .is_accepted()
    );
}

#[test]
fn a_hand_over_code_outlives_set_ups_and_guesses_at_it_are_throttled() {
    let (mut world, _) = World::enrolled();
    let code = handover_code(world.reset(Handover::Required).outcome).unwrap();
    let text = code.expose_secret();
    let (_, mut login) = world.begin(1);
    let any = twofa_totp::Code::parse("123456").unwrap();
    let nearly = [
        format!("{text}A"),
        text[..18].to_owned(),
        text.repeat(3),
        "\u{1f511}".to_owned(),
    ];
    for guess in &nearly {
        let done = world.answer_with(&mut login, &any, Some(guess));
        assert_eq!(done.reason(), Reason::HandoverCode, "{guess}");
    }
    assert_eq!(world.record.throttle().failures(), 4);
    assert_eq!(
        world.answer_with(&mut login, &any, Some(text)).reason(),
        Reason::Locked,
        "the right one is not looked at while locked"
    );
    world.tick(600);
    let _ = world.apply(Command::Expire);
    let (app, mut login) = world.begin(2);
    let right = app.code(world.now, 0);
    assert_eq!(
        world.answer(&mut login, &right).reason(),
        Reason::HandoverCode
    );
    assert!(
        world
            .answer_with(&mut login, &right, Some(text))
            .is_accepted()
    );
}

#[test]
fn hand_over_codes_hold_all_their_eighty_bits() {
    let shown = |handover: [u8; 10]| {
        let (mut world, _) = World::enrolled();
        let mut random = world.random();
        random.handover = handover;
        let context = twofa_lifecycle::Context {
            now: world.now,
            random: &random,
            vault: &world.vault,
            config: &world.config,
        };
        let reset = Command::Reset {
            grant: world.grant(),
            handover: Handover::Required,
        };
        let parts = twofa_lifecycle::step(&world.record, reset, &context)
            .unwrap()
            .into_parts();
        handover_code(parts.outcome)
            .unwrap()
            .expose_secret()
            .to_owned()
    };
    // RFC 4648 groups of five bits, most significant first, in an alphabet without I, O, 0 and 1.
    assert_eq!(shown([0; 10]), "AAAA-AAAA-AAAA-AAAA");
    assert_eq!(shown([0xff; 10]), "9999-9999-9999-9999");
    assert_eq!(
        shown([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]),
        "ABCD-EFGH-JKLM-NPQR"
    );
    let mut all = std::collections::BTreeSet::from([shown([0; 10])]);
    for bit in 0..80 {
        let mut random = [0; 10];
        random[bit / 8] |= 1 << (bit % 8);
        assert!(all.insert(shown(random)), "bit {bit} shows");
    }
}

#[test]
fn support_gets_a_factor_out_that_a_clock_once_wrongly_ahead_has_shut_in() {
    let (mut world, app) = World::enrolled();
    let truly = world.now;
    world.tick(10 * 365 * 86_400);
    assert!(world.challenge(&app, 0).is_accepted());
    world.now = truly;
    assert_eq!(world.challenge(&app, 0).reason(), Reason::ClockBehind);

    let grant = grant_for(world.record.generation(), world.now);
    let handover = Handover::NotRequired;
    let done = world.apply(Command::Reset { grant, handover });
    assert_eq!(done.reason(), Reason::ClockBehind);
    assert!(!done.wrote);

    let grant = support_grant_for(world.record.generation(), world.now);
    let done = world.apply(Command::Reset { grant, handover });
    assert!(matches!(done.outcome, Outcome::Reset { .. }));
    assert_eq!(world.record.last_event(), Some(truly));
    let app = world.enrol(1);
    world.tick(30);
    assert!(world.challenge(&app, 0).is_accepted());
}

#[test]
fn an_administrators_reset_moves_the_last_event_forward_only() {
    let (mut world, app) = World::enrolled();
    assert!(world.challenge(&app, 0).is_accepted());
    let latest = world.now;
    world.now = latest.saturating_sub(100);
    let _ = world.reset(Handover::NotRequired);
    assert_eq!(world.record.last_event(), Some(latest));
    world.now = latest.saturating_add(100);
    let _ = world.reset(Handover::NotRequired);
    assert_eq!(
        world.record.last_event(),
        Some(world.now),
        "and a second one makes a new mark"
    );
}

#[test]
fn refusals_are_told_even_while_the_clock_is_behind() {
    let (mut world, _) = World::enrolled();
    let latest = world.record.last_event();
    world.now = UnixTime::EPOCH;
    let actor = Actor::Member(user("eve"));
    let (actor, reason) = (Some(&actor), Reason::NotAnAdministrator);
    let state = world.record.state().clone();
    for (noted, kind) in [
        (
            Noted::ResetRefused { actor, reason },
            EventKind::ResetRefused,
        ),
        (
            Noted::AccessRefused { actor, reason },
            EventKind::AccessRefused,
        ),
    ] {
        let done = world.apply(Command::Note(noted));
        assert!(matches!(done.outcome, Outcome::Noted));
        assert_eq!(done.kinds(), [kind]);
        assert_eq!(done.events[0].reason, Some(reason));
        assert_eq!(done.events[0].actor.as_deref(), actor);
        assert_eq!(done.events[0].at, UnixTime::EPOCH);
        assert_eq!(world.record.last_event(), latest);
        assert_eq!(*world.record.state(), state);
    }
}
