//! Deciding, explaining, and folding over a large project. Peers that also decide are in `peers/`, a workspace of
//! its own.
#![expect(clippy::print_stdout, reason = "printing figures is what it is for")]

use std::{hint::black_box, time::Instant};

use twofa_benches::{header, measure};
use twofa_policy::{
    FactorState, FactorView, Lock, Mandate, PasswordUnderSso, ProjectSettings, ResetBy, Role,
    SignInMethod, Sso, Summary, decide, impact_of,
};
use twofa_types::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// Members of the large project.
const MEMBERS: u32 = 1_000_000;

type Case = (ProjectSettings, SignInMethod, FactorView);

/// Sign-ins of every kind, in an order that a processor cannot guess.
fn cases() -> Vec<Case> {
    let ahead = NOW.saturating_add(1000);
    let active = FactorView::active(NOW);
    let factors = [
        FactorView::NONE,
        FactorView {
            state: FactorState::Pending,
            ..FactorView::NONE
        },
        FactorView {
            reset_by: Some(ResetBy::Support),
            ..FactorView::NONE
        },
        active,
        FactorView {
            lock: Lock::Until(ahead),
            ..active
        },
        FactorView::active(ahead),
    ];
    let mut cases = Vec::new();
    for sso in [
        Sso::Off,
        Sso::supersedes(),
        Sso::On(PasswordUnderSso::Challenge),
        Sso::On(PasswordUnderSso::Refuse),
    ] {
        for mandate in [Mandate::Optional, Mandate::From(NOW), Mandate::From(ahead)] {
            for method in [SignInMethod::Password, SignInMethod::Sso] {
                let settings = ProjectSettings::new().with_sso(sso).with_mandate(mandate);
                cases.extend(factors.map(|factor| (settings, method, factor)));
            }
        }
    }
    let count = cases.len();
    (0..count)
        .filter_map(|i| cases.get(i * 101 % count).copied())
        .collect()
}

/// The member of this number: most have a factor, some do not, a few are administrators.
fn member(number: u32) -> (Role, FactorView) {
    let role = if number.is_multiple_of(1000) {
        Role::Administrator
    } else {
        Role::Member
    };
    let factor = match number.wrapping_mul(2_654_435_761) >> 28 {
        0..4 => FactorView::NONE,
        4 => FactorView {
            state: FactorState::Pending,
            ..FactorView::NONE
        },
        5 => FactorView {
            reset_by: Some(ResetBy::Administrator),
            ..FactorView::NONE
        },
        6 => FactorView {
            lock: Lock::UntilReset,
            ..FactorView::active(NOW)
        },
        _ => FactorView::active(NOW),
    };
    (role, factor)
}

fn main() {
    header("policy: one decision, on average over sign-ins of every kind");
    let cases = cases();
    let mut turn = cases.iter().cycle();
    measure("decide", 1, || {
        turn.next()
            .map(|(settings, method, factor)| decide(black_box(settings), *method, factor, NOW))
    });
    let mut turn = cases.iter().cycle();
    measure("decide, reason code, whole trail, all remedies", 1, || {
        turn.next().map(|(settings, method, factor)| {
            let decision = decide(black_box(settings), *method, factor, NOW);
            let looked_at: u32 = decision.trail().iter().map(|t| u32::from(t.rule)).sum();
            (
                decision.reason().code(),
                looked_at,
                decision.remedies().iter().count(),
            )
        })
    });

    let (today, then) = (ProjectSettings::new(), ProjectSettings::mandatory_from(NOW));
    let start = Instant::now();
    let mut summary = Summary::new();
    for number in 0..MEMBERS {
        let (role, factor) = member(black_box(number));
        summary.add(
            role,
            &factor,
            &impact_of(&today, &then, SignInMethod::Password, &factor, NOW),
        );
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "impact over {MEMBERS} members, the fold alone: {seconds:.3} s in {} bytes",
        size_of_val(&summary)
    );
    assert_eq!(summary.members(), u64::from(MEMBERS));
    println!(
        "  of them {} would be asked to set up, {} stay as they are",
        summary.then().enrol,
        summary.members() - summary.changed()
    );
}
