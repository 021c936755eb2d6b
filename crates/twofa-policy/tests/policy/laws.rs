//! The laws of the rules, each over the whole input space.

use twofa_policy::{
    Decision, FactorState, FactorView, Handover, Help, How, Lock, Mandate, MissingKey, Next,
    ProjectSettings, ProofFacts, Proven, Reason, Recheck, Remedy, ResetActor, ResetRequest, Role,
    SelfReset, SignInMethod, SupportResetRequest, authorize_reset, authorize_support_reset, decide,
    recheck,
};
use twofa_types::UnixTime;

use crate::reset::{project, user};
use crate::space::{Case, LAST_EVENTS, MANDATES, NOW, ROLES, cases, factors, settings};

fn at(case: &Case, now: UnixTime) -> Decision {
    decide(&case.settings, case.method, &case.factor, now)
}

/// Equal inputs, equal answers, in whatever order and however often they are asked.
#[test]
fn law_1_deciding_is_pure() {
    let there: Vec<_> = cases().map(|c| (c, at(&c, NOW))).collect();
    for (case, first) in there.iter().rev() {
        let untouched = *case;
        assert_eq!(at(case, NOW), *first, "{case:?}");
        assert_eq!(*case, untouched);
    }
}

/// Whatever is asked or refused while 2FA is optional is asked or refused, for the same reason, under any mandate.
#[test]
fn law_2_a_mandate_never_turns_a_question_into_a_pass() {
    for case in cases().filter(|c| c.settings.mandate() == Mandate::Optional) {
        let optional = at(&case, NOW);
        for mandate in MANDATES {
            let under = Case {
                settings: case.settings.with_mandate(mandate),
                ..case
            };
            let decision = at(&under, NOW);
            if optional.next() == Next::Allow {
                assert!(
                    matches!(decision.next(), Next::Allow | Next::Enrol),
                    "{under:?}"
                );
            } else {
                assert_eq!(decision, optional, "{under:?}");
            }
        }
    }
}

/// What a person can show: single sign-on where the project has it, a factor where one is due, a code, a proof, a
/// role. Without it, nobody gets further.
#[test]
fn law_3_taking_evidence_away_never_helps() {
    for case in cases() {
        let with = at(&case, NOW);
        if case.method == SignInMethod::Sso && case.settings.sso().is_on() {
            let without = at(
                &Case {
                    method: SignInMethod::Password,
                    ..case
                },
                NOW,
            );
            assert!(
                with.next() == Next::Allow || without.next() == Next::Refuse,
                "{case:?}"
            );
        }
        // A sign-in through single sign-on that the project does not have is no evidence.
        if case.method == SignInMethod::Sso && !case.settings.sso().is_on() {
            assert_eq!(with.next(), Next::Refuse, "{case:?}");
        }
        let due = matches!(case.settings.mandate(), Mandate::From(from) if from <= NOW);
        if case.factor.state == FactorState::Active && due && with.next() != Next::Allow {
            let less = [
                FactorState::None,
                FactorState::Pending,
                FactorState::Unreadable,
                FactorState::KeyMissing,
            ];
            for state in less {
                let factor = FactorView {
                    state,
                    ..case.factor
                };
                assert_ne!(
                    at(&Case { factor, ..case }, NOW).next(),
                    Next::Allow,
                    "{case:?}"
                );
            }
        }
        for generation in [0, 1, 2] {
            let goes_on = |how| {
                let proven = Proven { how, generation };
                recheck(&case.settings, proven, &case.factor, 1, NOW) == Recheck::Continue
            };
            assert!(goes_on(How::Code) || !goes_on(How::Password), "{case:?}");
            if case.settings.sso().is_on() {
                assert!(goes_on(How::Sso) || !goes_on(How::Password), "{case:?}");
            }
        }
    }
    for_every_reset(|request| {
        let without = [
            ResetRequest {
                settings: None,
                ..*request
            },
            ResetRequest {
                proof: None,
                ..*request
            },
            ResetRequest {
                actor_role: None,
                ..*request
            },
            ResetRequest {
                actor_role: Some(Role::Member),
                ..*request
            },
            ResetRequest {
                proof: request.proof.map(|p| ProofFacts {
                    how: How::Password,
                    ..p
                }),
                ..*request
            },
        ];
        for less in without {
            assert!(authorize_reset(&less).is_err(), "{less:?}");
        }
        for actor_factor in [FactorView::UNREADABLE, FactorView::KEY_MISSING] {
            let less = ResetRequest {
                actor_factor,
                ..*request
            };
            assert!(authorize_reset(&less).is_err(), "{less:?}");
        }
        if request.proof.is_some_and(|p| p.how == How::Code) {
            let less = ResetRequest {
                actor_factor: FactorView::NONE,
                ..*request
            };
            assert!(authorize_reset(&less).is_err(), "{less:?}");
        }
    });
}

/// From the mandate's date on, at whatever later time, nobody gets `not-yet-mandatory` unless settings change; and
/// a clock that has run back past the date, beyond a correction, lets nobody with a record through either.
#[test]
fn law_4_after_from_nobody_falls_back() {
    const LATER: [u64; 6] = [0, 1, 119, 120, 121, 86_400 * 365];
    for case in cases() {
        let Mandate::From(from) = case.settings.mandate() else {
            continue;
        };
        for later in LATER {
            let decision = at(&case, from.saturating_add(later));
            assert_ne!(decision.reason(), Reason::NotYetMandatory, "{case:?}");
        }
        assert_ne!(
            at(&case, UnixTime::MAX).reason(),
            Reason::NotYetMandatory,
            "{case:?}"
        );
        let seen = FactorView {
            last_event: Some(from),
            ..case.factor
        };
        let run_back = at(
            &Case {
                factor: seen,
                ..case
            },
            from.saturating_sub(121),
        );
        assert_eq!(run_back.reason(), Reason::ClockBehind, "{case:?}");
    }
}

/// Whoever is not let through has a way out, and every way out that is named leads on: it is taken here.
#[test]
fn law_5_every_refusal_has_a_remedy_that_can_be_taken() {
    let mut taken = 0_u32;
    for case in cases() {
        let decision = at(&case, NOW);
        if decision.next() == Next::Allow {
            assert!(decision.remedies().is_empty(), "{case:?}");
            continue;
        }
        for help in [Help::AdministratorOrSupport, Help::SupportOnly] {
            let ways = decision.remedies_with(help);
            assert!(!ways.is_empty(), "{case:?}");
            assert!(
                help == Help::AdministratorOrSupport || !ways.contains(Remedy::AskAdministrator)
            );
            for remedy in ways {
                assert!(leads_on(remedy, &case, &decision), "{remedy:?} in {case:?}");
                taken += 1;
            }
        }
    }
    println!("remedies: {taken} taken");
}

/// Takes a way out and tells whether the person is further than before.
fn leads_on(remedy: Remedy, case: &Case, decision: &Decision) -> bool {
    match remedy {
        Remedy::SetUp => decision.next() == Next::Enrol,
        Remedy::EnterCode => decision.next() == Next::Challenge,
        Remedy::SignInThroughSso => {
            at(
                &Case {
                    method: SignInMethod::Sso,
                    ..*case
                },
                NOW,
            )
            .next()
                == Next::Allow
        }
        Remedy::SignInWithPassword => {
            let again = at(
                &Case {
                    method: SignInMethod::Password,
                    ..*case
                },
                NOW,
            );
            again.reason() != decision.reason() && again.reason() != Reason::SsoRequired
        }
        Remedy::WaitUntil(end) => {
            let then = at(case, end);
            end > NOW && then.reason() != Reason::Locked
        }
        // After a reset that asked for a hand-over code, they are asked for the code or for another reset; the
        // set-up that the decision offers is under way by then.
        Remedy::AskAdministrator => administrator_can_reset(&begun(case, decision)),
        Remedy::OpenSupportTicket if decision.reason() == Reason::ClockBehind => {
            let right = case.factor.last_event.unwrap();
            at(case, right).reason() != Reason::ClockBehind
        }
        Remedy::OpenSupportTicket => support_can_reset(&begun(case, decision)),
        Remedy::NameOperator | Remedy::NameTicket | Remedy::GiveKeyUp => false,
    }
}

fn begun(case: &Case, decision: &Decision) -> Case {
    let mut case = *case;
    if decision.next() == Next::Enrol {
        case.factor.state = FactorState::Pending;
    }
    case
}

fn unlocked_and_asked_to_set_up(case: &Case, by: twofa_policy::ResetBy) -> bool {
    let factor = FactorView {
        state: FactorState::None,
        reset_by: Some(by),
        lock: Lock::Open,
        last_event: Some(NOW),
    };
    at(&Case { factor, ..*case }, NOW).next() == Next::Enrol
}

fn administrator_can_reset(case: &Case) -> bool {
    let (acme, ada, bob) = (project("acme"), user("ada"), user("bob"));
    let how = if case.settings.sso().is_on() {
        How::Sso
    } else {
        How::Code
    };
    let request = ResetRequest {
        settings: Some(&case.settings),
        project: &acme,
        proof: Some(ProofFacts {
            project: &acme,
            user: &ada,
            when: NOW,
            how,
            generation: 1,
        }),
        actor_factor: FactorView::active(NOW),
        actor_generation: 1,
        actor_role: Some(Role::Administrator),
        subject: &bob,
        subject_factor: case.factor,
        subject_generation: 1,
        now: NOW,
    };
    authorize_reset(&request).is_ok()
        && unlocked_and_asked_to_set_up(case, twofa_policy::ResetBy::Administrator)
}

fn support_can_reset(case: &Case) -> bool {
    let (acme, bob) = (project("acme"), user("bob"));
    let request = SupportResetRequest {
        settings: Some(&case.settings),
        project: &acme,
        operator: "grace",
        ticket: "T-1",
        subject: &bob,
        subject_factor: case.factor,
        subject_generation: 1,
        missing_key: MissingKey::GivenUp,
        help: Help::SupportOnly,
        now: NOW,
    };
    authorize_support_reset(&request).is_ok()
        && unlocked_and_asked_to_set_up(case, twofa_policy::ResetBy::Support)
}

/// Calls `check` for resets asked for by every kind of actor for every subject in every project.
fn for_every_reset(check: impl Fn(&ResetRequest<'_>)) {
    let (acme, other) = (project("acme"), project("other"));
    let (ada, bob) = (user("ada"), user("bob"));
    for settings in settings().filter(|s| s.handover() == Handover::NotRequired) {
        for factor in factors().filter(|f| f.last_event == LAST_EVENTS[1]) {
            for (role, subject, proof_for) in ROLES.into_iter().flat_map(|r| {
                [&ada, &bob]
                    .into_iter()
                    .flat_map(move |s| [true, false].into_iter().map(move |p| (r, s, p)))
            }) {
                for how in [How::Code, How::Sso, How::Password] {
                    for when in [NOW, NOW.saturating_sub(301), NOW.saturating_add(121)] {
                        let project = if proof_for { &acme } else { &other };
                        check(&ResetRequest {
                            settings: Some(&settings),
                            project: &acme,
                            proof: Some(ProofFacts {
                                project,
                                user: &ada,
                                when,
                                how,
                                generation: 1,
                            }),
                            actor_factor: FactorView::active(NOW),
                            actor_generation: 1,
                            actor_role: role,
                            subject,
                            subject_factor: factor,
                            subject_generation: 1,
                            now: NOW,
                        });
                    }
                }
            }
        }
    }
}

/// A reset that is granted names another person (unless the project allows a self-reset), the same project, an
/// administrator, and rests on a fresh proof of a second factor.
#[test]
fn law_6_a_granted_reset_is_another_persons_by_a_fresh_administrator_of_the_same_project() {
    let granted = std::cell::Cell::new(0_u32);
    for_every_reset(|request| {
        let Ok(grant) = authorize_reset(request) else {
            return;
        };
        granted.set(granted.get() + 1);
        let (settings, proof) = (request.settings.unwrap(), request.proof.unwrap());
        let ResetActor::Administrator(by) = grant.by() else {
            panic!("{grant:?}")
        };
        assert_eq!(by, proof.user);
        assert!(by != grant.subject() || settings.self_reset() == SelfReset::Allowed);
        assert_eq!(grant.project(), proof.project);
        assert_eq!(grant.project(), request.project);
        assert_eq!(request.actor_role, Some(Role::Administrator));
        assert_ne!(proof.how, How::Password);
        assert!(request.now.seconds_since(proof.when) <= u64::from(settings.step_up_age()));
        assert!(grant.is_current(NOW));
        assert_eq!(grant.recovers(), !request.subject_factor.is_readable());
    });
    assert!(granted.get() > 0);
}

/// What cannot be read or trusted is never a pass: a clock that has run back, a lock, a record that is damaged or
/// whose key is missing, a claim of single sign-on that the project does not know, a project that is not known.
#[test]
fn law_7_doubt_is_never_a_pass() {
    let no_settings = ProjectSettings::new();
    for case in cases() {
        let decision = at(&case, NOW);
        let unread =
            [FactorState::Unreadable, FactorState::KeyMissing].contains(&case.factor.state);
        let clock = case
            .factor
            .last_event
            .is_some_and(|l| l > NOW.saturating_add(120));
        let claim = case.method == SignInMethod::Sso && case.settings.sso() == no_settings.sso();
        let superseded = decision.reason() == Reason::SsoSupersedes;
        if clock || claim || ((unread || case.factor.lock.holds(NOW)) && !superseded) {
            assert_eq!(decision.next(), Next::Refuse, "{case:?}");
        }
        if decision.next() == Next::Allow {
            let why = [
                Reason::SsoSupersedes,
                Reason::NotYetMandatory,
                Reason::Optional,
            ];
            assert!(why.contains(&decision.reason()), "{case:?}");
        }
    }
    for_every_reset(|request| {
        let unknown = ResetRequest {
            settings: None,
            ..*request
        };
        assert_eq!(
            authorize_reset(&unknown).unwrap_err().reason(),
            Reason::UnknownProject
        );
    });
}
