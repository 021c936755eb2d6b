//! Every command in every state, at every kind of time: answered, without a panic, and within the laws.

use crate::world::{
    App, START, TestVault, World, grant_for, login_hash, recovery_by_ada, recovery_by_grace,
    support_grant_for, user,
};
use twofa_lifecycle::{
    AcceptedBy, Actor, ChainHead, Command, Config, Context, Damage, Event, EventKind, LoginEffect,
    LoginKind, Noted, Outcome, ParkedLogin, Random, Record, State, Throttle, Transition, step,
};
use twofa_policy::{Handover, ProjectSettings, Reason};
use twofa_totp::{Code, Params, Secret};
use twofa_types::UnixTime;

/// A record in one of its states, with the apps that hold its keys.
struct Case {
    name: String,
    record: Record,
    apps: Vec<App>,
    handover: Option<String>,
}

fn app_of(transition: &Transition) -> Option<App> {
    match transition.outcome() {
        Outcome::Enrolment { secret, params, .. } => Some(App::new(secret, *params)),
        _ => None,
    }
}

/// Every state, each open, locked for a while and locked until a reset.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, world: World, apps: Vec<App>, handover: Option<String>| {
        cases.push(Case {
            name: name.to_owned(),
            record: world.record,
            apps,
            handover,
        });
    };
    add("none", World::new(), vec![], None);
    let (mut world, app) = World::enrolled();
    let _ = world.reset(Handover::NotRequired);
    add("reset", world, vec![app], None);
    for required in [Handover::NotRequired, Handover::Required] {
        let (mut world, _) = World::enrolled();
        let Outcome::Reset { handover, .. } = world.reset(required).outcome else {
            panic!()
        };
        let text = handover.map(|code| code.expose_secret().to_owned());
        let (app, _) = world.begin(1);
        add("pending after a reset", world, vec![app], text);
    }
    let mut world = World::new();
    let (app, _) = world.begin(1);
    add("pending", world, vec![app], None);
    let (world, app) = World::enrolled();
    add("active", world, vec![app], None);
    let (mut world, app) = World::enrolled();
    let (new, _) = world.begin_replacement(1);
    add("active with a replacement", world, vec![app, new], None);
    let mut world = World::new();
    let secret = Secret::from_bytes(&[9; 20]).unwrap();
    let _ = world.apply(Command::Import {
        secret: &secret,
        params: Params::default(),
        by: None,
        again: false,
    });
    add(
        "imported",
        world,
        vec![App::new(&secret, Params::default())],
        None,
    );

    let mut all = Vec::new();
    for case in cases {
        for failures in [0_u32, 3, 8, 99, 100] {
            all.push(Case {
                name: format!("{}, {failures} failures", case.name),
                record: with_failures(&case.record, failures),
                apps: case.apps.clone(),
                handover: case.handover.clone(),
            });
        }
    }
    all
}

/// The same record after so many failures in a row: through its bytes, as a store would bring it.
fn with_failures(record: &Record, failures: u32) -> Record {
    let bytes = record.encode();
    // Version, generation (one byte here), failures, until, noted, then the rest.
    assert_eq!(bytes[2..5], [0, 0, 0], "no failures yet");
    let mut with = bytes[..2].to_vec();
    with.push(u8::try_from(failures).unwrap());
    if Throttle::wait_after(failures).is_some() && failures < Throttle::HARD_STOP {
        with.push(1);
        let mut rest = START.as_secs() + 500;
        while rest > 0x7f {
            with.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        with.push(u8::try_from(rest).unwrap());
    } else {
        with.push(0);
    }
    with.extend_from_slice(&bytes[4..]);
    Record::decode(&with).unwrap()
}

fn times(record: &Record) -> Vec<UnixTime> {
    let last = record.last_event().unwrap_or(START);
    let mut times: Vec<UnixTime> = vec![
        UnixTime::EPOCH,
        last.saturating_sub(121),
        last.saturating_sub(120),
        last.saturating_sub(1),
        last,
        last.saturating_add(1),
        last.saturating_add(499),
        last.saturating_add(500),
        last.saturating_add(599),
        last.saturating_add(600),
        last.saturating_add(4000),
        UnixTime::MAX,
    ];
    times.dedup();
    times
}

/// Where the chain of a damaged record is found.
const FOUND: ChainHead = ChainHead {
    seq: 41,
    mac: [7; 32],
};

/// Tries one command twice and holds what both answered against the laws.
fn check(
    case: &Case,
    now: UnixTime,
    answered: Option<(&ParkedLogin, bool)>,
    command: impl Fn() -> Command<'static>,
) {
    let (vault, config) = (TestVault::default(), Config::default());
    let random = || Random {
        secret: [3; 64],
        nonce: [4; 24],
        handover: [5; 10],
    };
    let run = || {
        let random = random();
        let context = Context {
            now,
            random: &random,
            vault: &vault,
            config: &config,
        };
        step(&case.record, command(), &context).unwrap()
    };
    let (first, second) = (run(), run());
    let what = format!(
        "{} at {now}, {:?}: {:?}",
        case.name,
        command(),
        first.outcome()
    );

    assert_eq!(first.record(), second.record(), "pure: {what}");
    assert_eq!(first.events(), second.events(), "pure: {what}");
    assert_eq!(
        first.record().is_some(),
        !first.events().is_empty(),
        "told: {what}"
    );

    let before = &case.record;
    let accepted = matches!(first.outcome(), Outcome::Accepted { .. });
    let reset = matches!(first.outcome(), Outcome::Reset { .. });
    let locked = before.view().lock.holds(now);
    assert!(!(accepted && locked), "{what}");
    if let Outcome::Accepted { by, .. } = first.outcome() {
        let (login, code_is_right) = answered.expect("only an answer is accepted");
        assert!(code_is_right && login.expires > now, "{what}");
        assert_eq!(login.generation, before.generation(), "{what}");
        let expected = match login.kind {
            LoginKind::Enrol => AcceptedBy::Confirmed,
            LoginKind::Challenge => AcceptedBy::Challenge,
            LoginKind::Replace => AcceptedBy::Replaced,
        };
        assert_eq!(*by, expected, "{what}");
        assert_eq!(first.login(), LoginEffect::End, "{what}");
    }
    if app_of(&first).is_some() {
        assert!(answered.is_none(), "an answer shows no secret: {what}");
        assert!(!locked, "{what}");
    }
    let behind = before.view().clock_behind(now);
    if behind {
        let told_only = first.events().iter().all(told_while_behind);
        assert!(!accepted && told_only, "{what}");
    }
    let Some(after) = first.record() else { return };
    if let Outcome::Recovered { .. } = first.outcome() {
        check_recovered(before, after, now, first.login(), &what);
        return;
    }

    assert_eq!(&Record::decode(&after.encode()).unwrap(), after, "{what}");
    assert!(
        first
            .events()
            .iter()
            .all(|event| event.at == now && event.generation == after.generation()),
        "{what}"
    );
    assert_eq!(
        after.generation(),
        before.generation() + u32::from(reset),
        "{what}"
    );
    assert_eq!(after.chain(), before.chain(), "{what}");
    let failed = first
        .events()
        .iter()
        .any(|event| event.kind == EventKind::Failed);
    let failures = match (accepted || reset, failed) {
        (true, _) => 0,
        (false, true) => before.throttle().failures() + 1,
        (false, false) => before.throttle().failures(),
    };
    assert_eq!(after.throttle().failures(), failures, "{what}");
    if let Outcome::Rejected(rejection) = first.outcome() {
        let expired = rejection.reason == Reason::Expired && answered.is_some();
        assert!(expired || after.state() == before.state(), "{what}");
    }
    if let (State::Active(then), State::Active(now)) = (before.state(), after.state())
        && then.key == now.key
    {
        assert!(now.last_step >= then.last_step, "{what}");
    }
}

/// Whether this may be told while the clock is behind.
fn told_while_behind(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::ResetRefused
            | EventKind::AccessRefused
            | EventKind::SettingsChanged
            | EventKind::Tampered
            | EventKind::SupportReset
    )
}

/// The laws of a recovery, which alone lets a record go on from elsewhere.
fn check_recovered(before: &Record, after: &Record, now: UnixTime, login: LoginEffect, what: &str) {
    assert_eq!(*before, Record::new(), "{what}");
    assert_eq!(&Record::decode(&after.encode()).unwrap(), after, "{what}");
    assert_eq!(after.chain(), FOUND, "{what}");
    assert!(after.generation() > 1, "{what}");
    assert!(after.generation() < u32::MAX, "{what}");
    assert!(after.voids_proof_of(now), "{what}");
    assert!(after.asks_for_handover(), "{what}");
    assert!((3..100).contains(&after.throttle().failures()), "{what}");
    assert_eq!(login, LoginEffect::EndAll, "{what}");
}

/// A value that lives as long as the test does, so that commands can be made again and again.
fn keep<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

#[test]
fn every_command_is_answered_in_every_state() {
    let mut pairs = 0_u32;
    let secret: &'static Secret = keep(Secret::from_bytes(&[8; 20]).unwrap());
    let actor: &'static Actor = keep(Actor::Member(user("ada")));
    for case in &cases() {
        for now in times(&case.record) {
            let mut plain = |command: &dyn Fn() -> Command<'static>| {
                check(case, now, None, command);
                pairs += 1;
            };
            for n in [1, 2] {
                plain(&|| Command::BeginEnrolment {
                    login: login_hash(n),
                });
                plain(&|| Command::BeginReplacement {
                    login: login_hash(n),
                });
            }
            plain(&|| Command::Import {
                secret,
                params: Params::default(),
                by: None,
                again: false,
            });
            plain(&|| Command::Expire);
            let settings = ProjectSettings::new();
            plain(&|| Command::Note(Noted::Tampered));
            plain(&|| {
                Command::Note(Noted::ResetRefused {
                    actor: Some(actor),
                    reason: Reason::ProofTooOld,
                })
            });
            plain(&|| {
                Command::Note(Noted::AccessRefused {
                    actor: None,
                    reason: Reason::ProofTooOld,
                })
            });
            plain(&|| {
                Command::Note(Noted::SettingsChanged {
                    actor: None,
                    from: settings,
                    to: settings,
                })
            });
            for handover in [Handover::NotRequired, Handover::Required] {
                for generation in [case.record.generation(), case.record.generation() + 1] {
                    for ago in [0, 59, 60] {
                        let granted = now.saturating_sub(ago);
                        plain(&|| Command::Reset {
                            grant: grant_for(generation, granted),
                            handover,
                        });
                        plain(&|| Command::Reset {
                            grant: support_grant_for(generation, granted),
                            handover,
                        });
                        plain(&|| Command::Reset {
                            grant: recovery_by_ada(generation, granted),
                            handover,
                        });
                    }
                }
            }
            for floor in [0, 1, 7, u32::MAX - 1, u32::MAX] {
                for failures_floor in [0, 3, 4, 100, u32::MAX] {
                    for ago in [0, 59, 60] {
                        let granted = now.saturating_sub(ago);
                        let found = Damage {
                            listed: None,
                            generation_floor: floor,
                            chain: FOUND,
                            failures_floor,
                        };
                        for grant in [recovery_by_ada, recovery_by_grace, grant_for] {
                            plain(&|| Command::Recover {
                                grant: grant(floor, granted),
                                found,
                            });
                        }
                    }
                }
            }
            pairs += answers(case, now);
        }
    }
    // 40 records at 11 or 12 times; the figure is the enumeration's own.
    assert!(pairs > 300_000, "{pairs}");
    println!("{pairs} commands answered");
}

/// Every kind of answer: kinds of login, its age, its failures, and every kind of code and hand-over code.
fn answers(case: &Case, now: UnixTime) -> u32 {
    let mut pairs = 0;
    let last = case.record.last_event().unwrap_or(START);
    let mut codes: Vec<Code> = vec![Code::parse("00000000").unwrap()];
    let mut right: Vec<String> = Vec::new();
    for app in &case.apps {
        for steps in [-3_i64, -1, 0, 1] {
            if app
                .0
                .step_at(now)
                .value()
                .checked_add_signed(steps)
                .is_some()
            {
                let code = app.code(now, steps);
                codes.push(code);
                if steps != -3 {
                    right.push(code.expose().to_string());
                }
            }
        }
        codes.push(app.wrong(now, 25));
    }
    let handovers: Vec<Option<&'static str>> = match &case.handover {
        Some(text) => vec![None, Some("WRONG"), Some(keep(text.clone()).as_str())],
        None => vec![None],
    };
    for kind in [LoginKind::Enrol, LoginKind::Challenge, LoginKind::Replace] {
        for id in [1, 2] {
            for older in [0, 1] {
                for expires in [last, last.saturating_add(600), UnixTime::MAX] {
                    for failures in [0, 4, 5] {
                        let login: &'static ParkedLogin = keep(ParkedLogin {
                            id: login_hash(id),
                            kind,
                            generation: case.record.generation() - older,
                            parked: last,
                            expires,
                            failures,
                        });
                        for code in &codes {
                            let is_right = right.contains(&code.expose().to_string());
                            let code: &'static Code = keep(*code);
                            for handover in &handovers {
                                let handover = *handover;
                                check(case, now, Some((login, is_right)), || Command::Answer {
                                    login,
                                    code,
                                    handover,
                                });
                                pairs += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    pairs
}
