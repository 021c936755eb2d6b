//! What may happen, and how often it is tried.

use proptest::prelude::*;
use twofa::policy::{Handover, Mandate, PasswordUnderSso, ProjectSettings, Role, Sso};
use twofa::testkit::{Fault, MANDATE};
use twofa::types::UnixTime;

use crate::model::{Kind, Model, USERS};

/// What is typed as an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// No code at all.
    Garbage,
    /// A code with fewer digits than this key's.
    TooShort,
    /// The code of a key, so many steps from now, with or without a hand-over code.
    Code {
        of: usize,
        steps: i64,
        handover: Option<usize>,
    },
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Begin { user: usize, sso: bool },
    Answer { login: usize, typed: Typed },
    Reset { pass: usize, subject: usize },
    ForgedReset { pass: usize, subject: usize },
    SupportReset { subject: usize, sound: bool },
    Replace { pass: usize },
    Recheck { pass: usize },
    Import { user: usize },
    SetRole { user: usize, role: Option<Role> },
    Settings(ProjectSettings),
    SettingsByMember(ProjectSettings),
    Tick(u64),
    TickBack(u64),
    UntilUnlocked { user: usize },
    Sweep,
    Restart,
}

/// A key that nobody has: its codes are wrong.
pub(crate) const NO_KEY: usize = usize::MAX;

/// One transition of the machine: an operation, whole or with a crash beside its write; or a burst of guesses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transition {
    Whole(Op),
    Crash(Op, Fault),
    /// So many wrong codes for a person, each as soon as it is looked at.
    Guess {
        user: usize,
        times: u32,
    },
}

fn user() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(1_usize), 2 => 0..USERS]
}

fn settings() -> impl Strategy<Value = ProjectSettings> {
    let mandate = prop_oneof![
        4 => Just(Mandate::From(MANDATE)),
        1 => Just(Mandate::Optional),
        1 => (1_700_000_000..1_700_100_000_u64)
            .prop_map(|at| Mandate::From(UnixTime::from_secs(at))),
    ];
    let sso = prop_oneof![
        6 => Just(Sso::Off),
        1 => Just(Sso::On(PasswordUnderSso::Exempt)),
        2 => Just(Sso::On(PasswordUnderSso::Challenge)),
        1 => Just(Sso::On(PasswordUnderSso::Refuse)),
    ];
    (mandate, sso, any::<bool>()).prop_map(|(mandate, sso, handover)| {
        let settings = ProjectSettings::new().with_mandate(mandate).with_sso(sso);
        if handover {
            settings.with_handover(Handover::Required)
        } else {
            settings
        }
    })
}

/// A login: mostly one of the last.
fn login(model: &Model) -> BoxedStrategy<usize> {
    let count = model.logins.len();
    prop_oneof![
        5 => Just(count - 1),
        4 => count.saturating_sub(4)..count,
        1 => 0..count,
    ]
    .boxed()
}

fn pass(model: &Model) -> BoxedStrategy<usize> {
    let count = model.passes.len();
    prop_oneof![3 => count.saturating_sub(3)..count, 1 => 0..count].boxed()
}

/// What may be typed into a login: mostly the right code.
fn typed(model: &Model, login: usize) -> BoxedStrategy<Typed> {
    let parked = model.logins[login];
    let own = match parked.kind {
        Kind::Challenge => model.factors[parked.user].key,
        Kind::Enrol | Kind::Replace => parked.key,
    };
    let own = own.unwrap_or(NO_KEY);
    let any_key = 0..model.keys.len().max(1);
    let of = prop_oneof![12 => Just(own), 1 => Just(NO_KEY), 1 => any_key];
    let steps = prop_oneof![
        8 => Just(0_i64),
        2 => -1..=1_i64,
        1 => Just(-8_i64),
        1 => Just(8_i64),
        1 => Just(500_i64),
    ];
    let last = model.handovers.checked_sub(1);
    let handover = prop_oneof![
        4 => Just(last),
        1 => Just(None),
        1 => (0..model.handovers.max(1)).prop_map(Some),
    ];
    let code = (of, steps, handover).prop_map(|(of, steps, handover)| Typed::Code {
        of,
        steps,
        handover,
    });
    prop_oneof![20 => code, 1 => Just(Typed::Garbage), 1 => Just(Typed::TooShort)].boxed()
}

fn role() -> impl Strategy<Value = Option<Role>> {
    prop_oneof![
        3 => Just(Some(Role::Administrator)),
        3 => Just(Some(Role::Member)),
        1 => Just(None),
    ]
}

fn op(model: &Model) -> BoxedStrategy<Op> {
    let begin =
        (user(), proptest::bool::weighted(0.1)).prop_map(|(user, sso)| Op::Begin { user, sso });
    let mut choices = vec![
        (16, begin.boxed()),
        (
            1,
            (user(), role())
                .prop_map(|(user, role)| Op::SetRole { user, role })
                .boxed(),
        ),
        (1, settings().prop_map(Op::Settings).boxed()),
        (1, settings().prop_map(Op::SettingsByMember).boxed()),
        (9, (1..70_u64).prop_map(Op::Tick).boxed()),
        (1, (70..4_000_u64).prop_map(Op::Tick).boxed()),
        (1, (1..=120_u64).prop_map(Op::TickBack).boxed()),
        (1, (1..=400_u64).prop_map(Op::TickBack).boxed()),
        (
            4,
            user().prop_map(|user| Op::UntilUnlocked { user }).boxed(),
        ),
        (1, Just(Op::Sweep).boxed()),
        (1, Just(Op::Restart).boxed()),
        (1, user().prop_map(|user| Op::Import { user }).boxed()),
        (
            1,
            (user(), proptest::bool::weighted(0.8))
                .prop_map(|(subject, sound)| Op::SupportReset { subject, sound })
                .boxed(),
        ),
    ];
    if !model.logins.is_empty() {
        let model = model.clone();
        let answer = login(&model).prop_flat_map(move |login| {
            typed(&model, login).prop_map(move |typed| Op::Answer { login, typed })
        });
        choices.push((32, answer.boxed()));
    }
    if !model.passes.is_empty() {
        let with_subject = || (pass(model), user());
        choices.extend([
            (
                5,
                with_subject()
                    .prop_map(|(pass, subject)| Op::Reset { pass, subject })
                    .boxed(),
            ),
            (
                1,
                with_subject()
                    .prop_map(|(pass, subject)| Op::ForgedReset { pass, subject })
                    .boxed(),
            ),
            (3, pass(model).prop_map(|pass| Op::Replace { pass }).boxed()),
            (3, pass(model).prop_map(|pass| Op::Recheck { pass }).boxed()),
        ]);
    }
    proptest::strategy::Union::new_weighted(choices).boxed()
}

pub(crate) fn transition(model: &Model) -> BoxedStrategy<Transition> {
    let fault = prop_oneof![Just(Fault::Before), Just(Fault::After)];
    prop_oneof![
        40 => op(model).prop_map(Transition::Whole),
        4 => (op(model), fault).prop_map(|(op, fault)| Transition::Crash(op, fault)),
        1 => (user(), 3..60_u32).prop_map(|(user, times)| Transition::Guess { user, times }),
    ]
    .boxed()
}
