//! Published failures of other systems, each by its number, as far as rules alone can prevent it.

use twofa_policy::{
    Decision, FactorState, FactorView, How, Mandate, Next, PasswordUnderSso, ProjectSettings,
    ProofFacts, Proven, Reason, Recheck, Remedy, ResetRequest, Role, SignInMethod, Sso, Summary,
    Warning, authorize_reset, decide, impact_of, recheck,
};
use twofa_types::{ProjectId, UserId};

use crate::reset::{project, user};
use crate::space::{AHEAD, NOW, cases};

fn sign_in(settings: &ProjectSettings, method: SignInMethod, factor: &FactorView) -> Decision {
    decide(settings, method, factor, NOW)
}

fn asked<'a>(
    settings: &'a ProjectSettings,
    at: &'a ProjectId,
    proof: Option<ProofFacts<'a>>,
    role: Option<Role>,
    subject: &'a UserId,
) -> ResetRequest<'a> {
    ResetRequest {
        settings: Some(settings),
        project: at,
        proof,
        actor_factor: FactorView::active(NOW),
        actor_generation: 1,
        actor_role: role,
        subject,
        subject_factor: FactorView::active(NOW),
        subject_generation: 1,
        now: NOW,
    }
}

fn proof<'a>(project: &'a ProjectId, user: &'a UserId) -> ProofFacts<'a> {
    ProofFacts {
        project,
        user,
        when: NOW,
        how: How::Code,
        generation: 1,
    }
}

fn reason(request: &ResetRequest<'_>) -> Reason {
    authorize_reset(request).unwrap_err().reason()
}

#[test]
fn f16_a_sign_in_through_sso_does_not_slip_past_the_mandate_where_sso_is_off() {
    let settings = ProjectSettings::mandatory_from(NOW);
    for factor in [FactorView::NONE, FactorView::active(NOW)] {
        let decision = sign_in(&settings, SignInMethod::Sso, &factor);
        assert_eq!(
            (decision.next(), decision.reason()),
            (Next::Refuse, Reason::SsoNotEnabled)
        );
    }
}

#[test]
fn f17_nobody_is_refused_without_a_way_to_satisfy_the_rules() {
    for case in cases() {
        let decision = sign_in(&case.settings, case.method, &case.factor);
        assert_eq!(
            decision.remedies().is_empty(),
            decision.next() == Next::Allow,
            "{case:?}"
        );
    }
    // The person of the report: of a project with single sign-on, under a mandate, with a password.
    let settings = ProjectSettings::mandatory_from(NOW).with_sso(Sso::On(PasswordUnderSso::Refuse));
    let stopped = sign_in(&settings, SignInMethod::Password, &FactorView::NONE);
    assert!(stopped.remedies().contains(Remedy::SignInThroughSso));
    assert_eq!(
        sign_in(&settings, SignInMethod::Sso, &FactorView::NONE).next(),
        Next::Allow
    );
}

#[test]
fn f18_a_local_password_beside_sso_passes_only_where_that_was_chosen() {
    let enrolled = FactorView::active(NOW);
    let settings = ProjectSettings::mandatory_from(NOW);
    for (password, without, with) in [
        (
            PasswordUnderSso::Exempt,
            Reason::SsoSupersedes,
            Reason::SsoSupersedes,
        ),
        (
            PasswordUnderSso::Challenge,
            Reason::SsoPasswordChallenged,
            Reason::FactorActive,
        ),
        (
            PasswordUnderSso::Refuse,
            Reason::SsoRequired,
            Reason::SsoRequired,
        ),
    ] {
        let settings = settings.with_sso(Sso::On(password));
        for factor in [FactorView::NONE, enrolled] {
            let through_sso = sign_in(&settings, SignInMethod::Sso, &factor);
            assert_eq!(through_sso.reason(), Reason::SsoSupersedes);
        }
        let bare = sign_in(&settings, SignInMethod::Password, &FactorView::NONE);
        assert_eq!(bare.reason(), without);
        assert_eq!(
            sign_in(&settings, SignInMethod::Password, &enrolled).reason(),
            with
        );
        let exempt = password == PasswordUnderSso::Exempt;
        assert_eq!(bare.next() == Next::Allow, exempt);
        assert_eq!(
            settings
                .warnings()
                .contains(Warning::PasswordExemptUnderSso),
            exempt
        );
    }
}

#[test]
fn f19_a_changed_requirement_is_met_at_once_also_by_open_sessions() {
    let session = Proven {
        how: How::Password,
        generation: 0,
    };
    let before = ProjectSettings::new();
    let after = before.with_mandate(Mandate::From(NOW));
    assert_eq!(
        sign_in(&before, SignInMethod::Password, &FactorView::NONE).next(),
        Next::Allow
    );
    assert_eq!(
        sign_in(&after, SignInMethod::Password, &FactorView::NONE).next(),
        Next::Enrol
    );
    assert_eq!(
        recheck(&before, session, &FactorView::NONE, 0, NOW),
        Recheck::Continue
    );
    let Recheck::SignInAgain(met) = recheck(&after, session, &FactorView::NONE, 0, NOW) else {
        panic!("the session outlives the mandate")
    };
    assert_eq!(met.reason(), Reason::Mandatory);

    let over_sso = Proven {
        how: How::Sso,
        generation: 0,
    };
    let on = before.with_sso(Sso::supersedes());
    assert_eq!(
        recheck(&on, over_sso, &FactorView::NONE, 0, NOW),
        Recheck::Continue
    );
    let Recheck::SignInAgain(met) = recheck(&before, over_sso, &FactorView::NONE, 0, NOW) else {
        panic!("the session outlives single sign-on")
    };
    assert_eq!(met.reason(), Reason::SsoNotEnabled);
}

#[test]
fn f20_an_administrator_of_one_project_reaches_no_factor_of_another() {
    let (a, b, ada, bob) = (project("a"), project("b"), user("ada"), user("bob"));
    let settings = ProjectSettings::new();
    let grant = authorize_reset(&asked(
        &settings,
        &a,
        Some(proof(&a, &ada)),
        Some(Role::Administrator),
        &bob,
    ))
    .unwrap();
    assert_eq!(
        grant.project(),
        &a,
        "and so never the factor of the same person in b"
    );
    let role_in_b = None;
    let elsewhere = asked(&settings, &b, Some(proof(&a, &ada)), role_in_b, &bob);
    assert_eq!(reason(&elsewhere), Reason::ProofInvalid);
    let with_proof_for_b = asked(&settings, &b, Some(proof(&b, &ada)), role_in_b, &bob);
    assert_eq!(reason(&with_proof_for_b), Reason::NotAnAdministrator);
}

#[test]
fn f21_members_others_administrators_stale_and_forged_proofs_reset_nobody() {
    let (a, b, ada, bob) = (project("a"), project("b"), user("ada"), user("bob"));
    let settings = ProjectSettings::new();
    let administrator = Some(Role::Administrator);
    let good = proof(&a, &ada);
    let member = asked(&settings, &a, Some(good), Some(Role::Member), &bob);
    assert_eq!(reason(&member), Reason::NotAnAdministrator);
    let of_another = asked(&settings, &a, Some(proof(&b, &ada)), administrator, &bob);
    assert_eq!(reason(&of_another), Reason::ProofInvalid);
    let when = NOW.saturating_sub(301);
    let stale = asked(
        &settings,
        &a,
        Some(ProofFacts { when, ..good }),
        administrator,
        &bob,
    );
    assert_eq!(reason(&stale), Reason::ProofTooOld);
    let forged = asked(&settings, &a, None, administrator, &bob);
    assert_eq!(reason(&forged), Reason::ProofInvalid);
    let no_second_factor = ProofFacts {
        how: How::Password,
        ..good
    };
    let password = asked(&settings, &a, Some(no_second_factor), administrator, &bob);
    assert_eq!(reason(&password), Reason::ProofInvalid);
}

#[test]
fn f22_a_demoted_administrator_is_refused_at_execution() {
    let (a, ada, bob) = (project("a"), user("ada"), user("bob"));
    let settings = ProjectSettings::new();
    let at_the_click = asked(
        &settings,
        &a,
        Some(proof(&a, &ada)),
        Some(Role::Administrator),
        &bob,
    );
    assert!(authorize_reset(&at_the_click).is_ok());
    for now in [Some(Role::Member), None] {
        let at_execution = ResetRequest {
            actor_role: now,
            ..at_the_click
        };
        assert_eq!(reason(&at_execution), Reason::NotAnAdministrator);
    }
}

#[test]
fn f23_a_reset_voids_proofs_and_sessions_of_whoever_was_reset() {
    let (a, ada, bob) = (project("a"), user("ada"), user("bob"));
    let settings = ProjectSettings::mandatory_from(NOW);
    let set_up_since = FactorView::active(NOW);
    for how in [How::Code, How::Sso] {
        for sso in [Sso::Off, Sso::supersedes()] {
            let settings = settings.with_sso(sso);
            let session = Proven { how, generation: 1 };
            let answer = recheck(&settings, session, &set_up_since, 2, NOW);
            assert!(matches!(answer, Recheck::SignInAgain(_)), "{how:?} {sso:?}");
        }
    }
    let request = asked(
        &settings,
        &a,
        Some(proof(&a, &ada)),
        Some(Role::Administrator),
        &bob,
    );
    let after_their_own_reset = ResetRequest {
        actor_generation: 2,
        ..request
    };
    assert_eq!(reason(&after_their_own_reset), Reason::ProofInvalid);
}

#[test]
fn f34_a_mandate_without_an_enrolled_administrator_is_warned_of_before() {
    let (today, then) = (ProjectSettings::new(), ProjectSettings::mandatory_from(NOW));
    let fold = |members: &[(Role, FactorView)]| {
        let mut summary = Summary::new();
        for (role, factor) in members {
            let impact = impact_of(&today, &then, SignInMethod::Password, factor, NOW);
            summary.add(*role, factor, &impact);
        }
        summary.warnings(&then)
    };
    let enrolled = FactorView::active(NOW);
    let begun = FactorView {
        state: FactorState::Pending,
        last_event: Some(AHEAD),
        ..FactorView::NONE
    };
    let turned_on_by_someone_without = fold(&[
        (Role::Administrator, begun),
        (Role::Administrator, FactorView::NONE),
        (Role::Member, enrolled),
    ]);
    assert!(
        turned_on_by_someone_without
            .iter()
            .eq([Warning::NoEnrolledAdministrator])
    );
    let one = fold(&[(Role::Administrator, enrolled), (Role::Member, enrolled)]);
    assert!(one.iter().eq([Warning::SingleAdministrator]));
    let well_prepared = fold(&[
        (Role::Administrator, enrolled),
        (Role::Administrator, enrolled),
    ]);
    assert!(well_prepared.is_empty());
}
