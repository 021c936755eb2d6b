//! What the audit is told, and what it must never be told.

use crate::world::{World, user};
use twofa_lifecycle::{Actor, ChainHead, Command, Detail, EventKind, LoginKind, Noted, Record};
use twofa_policy::{Handover, Mandate, PasswordUnderSso, ProjectSettings, Reason, SelfReset, Sso};
use twofa_types::UnixTime;

#[test]
fn kinds_have_distinct_stable_names() {
    let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(
        names,
        [
            "enrolment-begun",
            "enrolment-confirmed",
            "enrolment-expired",
            "passed",
            "refused",
            "accepted",
            "failed",
            "replayed",
            "throttled",
            "locked",
            "reset-granted",
            "reset-refused",
            "access-refused",
            "support-reset",
            "replacement-begun",
            "replaced",
            "imported",
            "logins-ended",
            "sessions-ended",
            "settings-changed",
            "member-added",
            "role-changed",
            "member-removed",
            "tampered",
            "recovered",
        ]
    );
    for kind in EventKind::ALL {
        assert_eq!(EventKind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(EventKind::from_code("Accepted"), None);
    let told: Vec<&str> = EventKind::ALL
        .iter()
        .filter(|kind| kind.notice())
        .map(|kind| kind.code())
        .collect();
    assert_eq!(
        told,
        [
            "enrolment-confirmed",
            "locked",
            "reset-granted",
            "support-reset",
            "replaced",
            "imported",
            "recovered"
        ]
    );
    for kind in [LoginKind::Enrol, LoginKind::Challenge, LoginKind::Replace] {
        assert_eq!(LoginKind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(LoginKind::from_code("login"), None);
}

#[test]
fn a_change_of_settings_is_told_with_both() {
    let from = ProjectSettings::new();
    let to = from
        .with_mandate(Mandate::From(UnixTime::from_secs(1_669_852_800)))
        .with_sso(Sso::On(PasswordUnderSso::Challenge))
        .with_handover(Handover::Required)
        .with_self_reset(SelfReset::Allowed);
    let mut world = World::new();
    let actor = Actor::Member(user("olga"));
    assert_eq!(actor.to_string(), "olga");
    let noted = Noted::SettingsChanged {
        actor: Some(&actor),
        from,
        to,
    };
    let done = world.apply(Command::Note(noted));
    assert_eq!(done.kinds(), [EventKind::SettingsChanged]);
    assert_eq!(done.events[0].actor.as_deref(), Some(&actor));
    assert_eq!(
        done.events[0].detail.unwrap().to_string(),
        "from mandate=optional sso=off step-up=300 \
         to mandate=2022-12-01T00:00:00Z sso=challenge handover self-reset step-up=300"
    );
    let done = world.apply(Command::Note(Noted::Tampered));
    assert_eq!(done.kinds(), [EventKind::Tampered]);
    assert_eq!(world.record.last_event(), Some(world.now));
    let actor = Actor::Operator {
        name: "grace".parse().unwrap(),
        ticket: Some("T-9".parse().unwrap()),
    };
    let done = world.apply(Command::Note(Noted::Recovered { actor: &actor }));
    assert_eq!(done.kinds(), [EventKind::Recovered]);
    assert_eq!(done.events[0].actor.as_deref(), Some(&actor));
}

#[test]
fn details_read_the_same_for_ever() {
    let texts = [
        Detail::Offset(-1),
        Detail::ClockOff(-90),
        Detail::Failures(4),
        Detail::Replacement,
    ];
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        ["offset=-1", "clock=-90", "failures=4", "replacement"]
    );
}

#[test]
fn an_accepted_code_is_told_by_its_offset() {
    let (mut world, app) = World::enrolled();
    let done = world.challenge(&app, -1);
    assert_eq!(done.events[0].detail, Some(Detail::Offset(-1)));
    assert_eq!(done.events[0].reason, None);
    assert_eq!(done.events[0].actor, None);
    assert_eq!(done.events[0].at, world.now);
}

#[test]
fn f26_neither_events_nor_debug_output_hold_a_code_or_a_secret() {
    let mut world = World::new();
    let random = world.random();
    let secret = random.secret;
    assert_eq!(format!("{random:?}"), "Random(..)");
    let context = twofa_lifecycle::Context {
        now: world.now,
        random: &random,
        vault: &world.vault,
        config: &world.config,
    };
    let begin = Command::BeginEnrolment {
        login: crate::world::login_hash(1),
    };
    let mut shown = format!("{begin:?} {context:?}");
    let transition = twofa_lifecycle::step(&world.record, begin, &context).unwrap();
    shown += &format!("{transition:?}");
    let parts = transition.into_parts();
    shown += &format!("{parts:?}");
    let twofa_lifecycle::Outcome::Enrolment {
        secret: made,
        params,
        ..
    } = &parts.outcome
    else {
        panic!()
    };
    let app = crate::world::App::new(made, *params);
    world.record = parts.record.unwrap();
    let mut login = world.park(1, LoginKind::Enrol);
    let mut codes = Vec::new();
    for steps in [5_i64, 0] {
        let code = app.code(world.now, steps);
        codes.push(code.expose().to_string());
        let done = world.answer(&mut login, &code);
        shown += &format!("{:?} {:?}", done.outcome, done.events);
    }
    assert_eq!(
        world.reset(Handover::Required).kinds(),
        [EventKind::ResetGranted]
    );
    shown += &format!("{:?} {:?}", world.record, world.events);
    let hex: String = secret[..20].iter().map(|b| format!("{b:02x}")).collect();
    let list: String = secret[..20].iter().map(|b| format!("{b}, ")).collect();
    for hidden in [
        hex.as_str(),
        &hex.to_uppercase(),
        list.trim_end_matches(", "),
    ] {
        assert!(!shown.contains(hidden));
    }
    for code in codes {
        assert!(!shown.contains(&code), "{code}");
    }
    assert!(shown.contains("ClockOff"), "the search looked at something");
}

#[test]
fn the_chain_is_carried_along_untouched() {
    let (mut world, app) = World::enrolled();
    let head = ChainHead {
        seq: 41,
        mac: [7; 32],
    };
    world.record.set_chain(head);
    assert!(world.challenge(&app, 0).is_accepted());
    assert_eq!(world.record.chain(), head);
    let _ = world.reset(Handover::NotRequired);
    assert_eq!(world.record.chain(), head);
    assert_eq!(Record::new().chain(), ChainHead::default());
}

#[test]
fn reasons_of_refusals_are_told_with_the_event() {
    let (mut world, app) = World::enrolled();
    world.fail(&app, 1);
    let failed = world.events.last().unwrap();
    assert_eq!(
        (failed.kind, failed.reason),
        (EventKind::Failed, Some(Reason::WrongCode))
    );
    assert_eq!(failed.detail, Some(Detail::Failures(1)));
}
