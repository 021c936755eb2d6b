//! 200,000 steps of a small project's life, beside a simple model of it: people sign in from several browsers,
//! mistype, lose phones, are reset by whoever may and whoever may not; settings and roles change; clocks run
//! forward and back; the store crashes before and after it commits. Whatever the order, what is told and what is
//! on the record must be what the model says.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, and helpers of it"
)]

mod model;
mod ops;
mod system;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use twofa::policy::Reason;

use model::{Model, Told};
use ops::{NO_KEY, Op, Transition, Typed};
use system::System;

/// Where every life begins.
const START: u64 = 1_700_000_025;

/// What a transition is made of, each part given to `each`, which also runs it in the model.
fn parts(
    model: &mut Model,
    transition: Transition,
    mut each: impl FnMut(&mut Model, Part) -> Told,
) {
    match transition {
        Transition::Whole(op) => {
            each(model, Part::Whole(op));
        }
        Transition::Crash(op, fault) => {
            each(model, Part::Crash(op, fault));
        }
        Transition::Guess { user, times } => {
            for _ in 0..times {
                each(model, Part::Whole(Op::UntilUnlocked { user }));
                let begun = each(model, Part::Whole(Op::Begin { user, sso: false }));
                if begun != Told::Challenge {
                    break;
                }
                let login = model.logins.len() - 1;
                let typed = Typed::Code {
                    of: NO_KEY,
                    steps: 0,
                    handover: None,
                };
                each(model, Part::Whole(Op::Answer { login, typed }));
            }
        }
    }
}

/// An operation, whole or with a crash beside its write.
#[derive(Debug, Clone, Copy)]
enum Part {
    Whole(Op),
    Crash(Op, twofa::testkit::Fault),
}

impl Part {
    fn run(self, model: &mut Model) -> Told {
        match self {
            Self::Whole(op) => model.run(&op),
            Self::Crash(op, fault) => model.crash(&op, fault),
        }
    }
}

struct Life;

impl ReferenceStateMachine for Life {
    type State = Model;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new(START)).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Transition> {
        ops::transition(model)
    }

    fn apply(mut model: Model, transition: &Transition) -> Model {
        parts(&mut model, *transition, |model, part| part.run(model));
        model
    }
}

/// What was compared, and how often.
#[derive(Default)]
struct Seen {
    /// Transitions in which something was told.
    steps: u64,
    /// What was told of which operation.
    told: BTreeMap<String, u64>,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// The operation and what was told, without numbers.
fn named(part: Part, told: Told) -> String {
    let (Part::Whole(op) | Part::Crash(op, _)) = part;
    let word = |text: String| text.split([' ', '(']).next().unwrap_or_default().to_owned();
    let told = match told {
        Told::Accepted(by, _) => format!("Accepted {by:?}"),
        Told::Rejected {
            reason: Reason::Locked,
            retry_at: None,
            ..
        } => "Rejected Locked for good".to_owned(),
        Told::Rejected { reason, .. } => format!("Rejected {reason:?}"),
        Told::Enrol { reason, handover } => format!("Enrol {reason:?} {handover}"),
        Told::Swept(_) => "Swept".to_owned(),
        told => format!("{told:?}"),
    };
    format!("{}: {told}", word(format!("{op:?}")))
}

impl StateMachineTest for System {
    type SystemUnderTest = Self;
    type Reference = Life;

    fn init_test(model: &Model) -> Self {
        Self::new(model.now)
    }

    fn apply(mut system: Self, _: &Model, transition: Transition) -> Self {
        if system.is_void() {
            return system;
        }
        let mut some = false;
        let mut model = system.take_model();
        parts(&mut model, transition, |model, part| {
            let told = part.run(model);
            system.compare(model, part, told);
            if told != Told::Nothing {
                some = true;
                let name = named(part, told);
                SEEN.with_borrow_mut(|seen| *seen.told.entry(name).or_default() += 1);
            }
            told
        });
        system.keep_model(model);
        SEEN.with_borrow_mut(|seen| seen.steps += u64::from(some));
        system
    }

    fn teardown(system: Self, model: Model) {
        if !system.is_void() {
            system.tells_the_whole_story(&model);
        }
    }
}

/// What a good many lives must have met, each at least this often, for them to say something.
const MET: [(&str, u64); 53] = [
    ("Begin: Enrol Mandatory false", 100),
    ("Begin: Enrol ResetByAdmin false", 20),
    ("Begin: Enrol ResetByAdmin true", 20),
    ("Begin: Enrol ResetBySupport true", 20),
    ("Begin: Enrol SsoPasswordChallenged false", 20),
    ("Begin: Challenge", 1_000),
    ("Begin: Refused(Locked)", 100),
    ("Begin: Refused(ClockBehind)", 50),
    ("Begin: Refused(SsoNotEnabled)", 100),
    ("Begin: Refused(SsoRequired)", 50),
    ("Begin: Allowed(Sso, SsoSupersedes)", 20),
    ("Begin: Allowed(Password, SsoSupersedes)", 20),
    ("Begin: Allowed(Password, Optional)", 20),
    ("Begin: Allowed(Password, NotYetMandatory)", 20),
    ("Begin: Error(\"unknown-member\")", 50),
    ("Begin: Error(\"store\")", 100),
    ("Answer: Accepted Challenge", 1_000),
    ("Answer: Accepted Confirmed", 1_000),
    ("Answer: Accepted Replaced", 50),
    ("Answer: Rejected WrongCode", 1_000),
    ("Answer: Rejected ClockOff", 100),
    ("Answer: Rejected CodeAlreadyUsed", 500),
    ("Answer: Rejected Malformed", 100),
    ("Answer: Rejected Expired", 50),
    ("Answer: Rejected Superseded", 50),
    ("Answer: Rejected UnknownLogin", 500),
    ("Answer: Rejected Locked", 100),
    ("Answer: Rejected Locked for good", 20),
    ("Answer: Rejected HandoverCode", 20),
    ("Answer: Rejected ClockBehind", 20),
    ("Answer: Rejected SsoRequired", 20),
    ("Answer: Error(\"store\")", 200),
    ("Answer: Error(\"unknown-member\")", 20),
    ("Reset: Reset { handover: false }", 20),
    ("Reset: Reset { handover: true }", 20),
    ("Reset: Refused(ProofInvalid)", 50),
    ("Reset: Refused(ProofTooOld)", 50),
    ("Reset: Refused(NotAnAdministrator)", 50),
    ("Reset: Refused(SelfReset)", 20),
    ("Reset: Refused(NothingToReset)", 20),
    ("Reset: Error(\"store\")", 20),
    ("SupportReset: Reset { handover: false }", 20),
    ("ForgedReset: Refused(ProofInvalid)", 50),
    ("Replace: Replacing", 100),
    ("Replace: Refused(ProofInvalid)", 20),
    ("Replace: Refused(ProofTooOld)", 20),
    ("Replace: Refused(Locked)", 5),
    ("Recheck: Continue", 100),
    ("Recheck: SignInAgain(FactorActive)", 50),
    ("Recheck: SignInAgain(ResetByAdmin)", 5),
    ("Import: Done", 50),
    ("Import: Error(\"already-set-up\")", 50),
    ("SettingsByMember: Refused(OperatorOnly)", 50),
];

/// Two halves, so that two processors share them: each lives so many lives of 100 steps.
const LIVES: u32 = 1_050;

fn live(seed: u64) {
    let config = Config {
        cases: LIVES,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config.clone());
    let strategy = Life::sequential_strategy(100..=100);
    let lived = runner.run(&strategy, |(model, transitions, seen)| {
        System::test_sequential(config.clone(), model, transitions, seen);
        Ok(())
    });
    if let Err(error) = lived {
        panic!("{error}");
    }
    SEEN.with_borrow(|seen| {
        assert!(seen.steps >= 100_000, "{} steps were compared", seen.steps);
        for (what, least) in MET {
            let met = seen.told.get(what).copied().unwrap_or_default();
            assert!(met >= least, "{what}: {met} of {:#?}", seen.told);
        }
    });
}

#[test]
fn a_thousand_lives_are_as_the_model_says() {
    live(1);
}

#[test]
fn a_thousand_other_lives_are_as_the_model_says() {
    live(2);
}
