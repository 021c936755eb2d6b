//! Deciding, explaining and granting reach no allocator, over every kind of answer.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::hint::black_box;

use twofa_policy::{
    FactorState, FactorView, How, Lock, Mandate, PasswordUnderSso, ProjectSettings, ProofFacts,
    Proven, ResetBy, ResetRequest, Role, SignInMethod, Sso, Summary, authorize_reset, decide,
    impact_of, recheck,
};
use twofa_types::{ProjectId, UnixTime, UserId};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn everything() -> u64 {
    let mut seen = 0;
    let mut summary = Summary::new();
    let settings = [
        ProjectSettings::new(),
        ProjectSettings::mandatory_from(NOW),
        ProjectSettings::mandatory_from(NOW.saturating_add(1)),
        ProjectSettings::new().with_sso(Sso::On(PasswordUnderSso::Challenge)),
        ProjectSettings::new().with_sso(Sso::On(PasswordUnderSso::Refuse)),
        ProjectSettings::new()
            .with_mandate(Mandate::From(NOW))
            .with_sso(Sso::supersedes()),
    ];
    let reset = FactorView {
        reset_by: Some(ResetBy::Support),
        ..FactorView::NONE
    };
    let pending = FactorView {
        state: FactorState::Pending,
        ..FactorView::NONE
    };
    let active = FactorView::active(NOW);
    let locked = FactorView {
        lock: Lock::Until(NOW.saturating_add(9)),
        ..active
    };
    let damaged = FactorView::UNREADABLE;
    let behind = FactorView::active(NOW.saturating_add(999));
    for settings in &settings {
        for factor in [
            FactorView::NONE,
            reset,
            pending,
            active,
            locked,
            behind,
            damaged,
        ] {
            for method in [SignInMethod::Password, SignInMethod::Sso] {
                let decision = decide(settings, method, &factor, NOW);
                seen += decision
                    .trail()
                    .iter()
                    .map(|t| u64::from(t.rule))
                    .sum::<u64>();
                seen += decision
                    .remedies()
                    .iter()
                    .map(|r| r.code().len() as u64)
                    .sum::<u64>();
                seen += decision.reason().sentence().len() as u64;
                let impact = impact_of(settings, &ProjectSettings::new(), method, &factor, NOW);
                summary.add(Role::Member, &factor, &impact);
            }
            let proven = Proven {
                how: How::Code,
                generation: 1,
            };
            let _ = black_box(recheck(settings, proven, &factor, 1, NOW));
        }
        seen += summary.warnings(settings).iter().count() as u64;
    }
    let (project, ada, bob) = (
        ProjectId::new("p").unwrap(),
        UserId::new("ada").unwrap(),
        UserId::new("bob").unwrap(),
    );
    let proof = ProofFacts {
        project: &project,
        user: &ada,
        when: NOW,
        how: How::Code,
        generation: 1,
    };
    let request = ResetRequest {
        settings: settings.first(),
        project: &project,
        proof: Some(proof),
        actor_factor: active,
        actor_generation: 1,
        actor_role: Some(Role::Administrator),
        subject: &bob,
        subject_factor: active,
        subject_generation: 1,
        now: NOW,
    };
    let granted = authorize_reset(black_box(&request));
    seen + u64::from(granted.is_ok())
}

#[test]
fn nothing_allocates() {
    let control = allocation_counter::measure(|| drop(black_box(Box::new(1))));
    assert_eq!(control.count_total, 1, "the counter counts");
    let counted = allocation_counter::measure(|| {
        assert!(black_box(everything()) > 0);
    });
    assert_eq!(counted.count_total, 0);
}
