//! Listing a project's factors and replacing one's own key, over every proof and role.

use twofa_policy::{
    AccessRequest, FactorState, How, PasswordUnderSso, ProjectSettings, ProofFacts, Reason, Remedy,
    Role, Sso, authorize_list, authorize_replacement, no_proof,
};
use twofa_types::UnixTime;

use crate::reset::{Read, actors, project, shows_a_second_factor, still_counts, user};
use crate::space::{NOW, ROLES, SSO};

const STEP_UP_AGE: u32 = 90;
const LIST_AGE: u64 = 43_200;

/// When a proof was given, and whether that time is possible, fresh enough for a list, and for a replacement.
const AGES: [(UnixTime, bool, bool, bool); 7] = [
    (NOW.saturating_add(121), false, true, true),
    (NOW.saturating_add(120), true, true, true),
    (NOW, true, true, true),
    (NOW.saturating_sub(STEP_UP_AGE as u64), true, true, true),
    (
        NOW.saturating_sub(STEP_UP_AGE as u64 + 1),
        true,
        true,
        false,
    ),
    (NOW.saturating_sub(LIST_AGE), true, true, false),
    (NOW.saturating_sub(LIST_AGE + 1), true, false, false),
];

fn first(checks: &[(bool, Reason)]) -> Option<Reason> {
    checks
        .iter()
        .find_map(|(fails, reason)| fails.then_some(*reason))
}

#[test]
fn access_agrees_with_the_checks_in_order_on_every_input() {
    let (acme, other, ada) = (project("acme"), project("other"), user("ada"));
    let (mut count, mut listed, mut replaced) = (0_u32, 0_u32, 0_u32);
    for sso in SSO {
        let known = ProjectSettings::new()
            .with_sso(sso)
            .with_step_up_age(STEP_UP_AGE);
        for (settings, role, (factor, read, code_counts)) in [Some(&known), None]
            .into_iter()
            .flat_map(|s| ROLES.map(|r| (s, r)))
            .flat_map(|(s, r)| actors().map(|a| (s, r, a)))
        {
            for how in [None, Some(How::Code), Some(How::Sso), Some(How::Password)] {
                for (proof_for, generation, same) in [
                    (&acme, 1, true),
                    (&acme, 0, true),
                    (&acme, 2, false),
                    (&other, 1, false),
                ] {
                    for (when, possible, lists, replaces) in AGES {
                        let proof = how.map(|how| ProofFacts {
                            project: proof_for,
                            user: &ada,
                            when,
                            how,
                            generation,
                        });
                        let request = AccessRequest {
                            settings,
                            project: &acme,
                            proof,
                            factor,
                            generation: 1,
                            role,
                            now: NOW,
                        };
                        let good = possible
                            && same
                            && how.is_some_and(|how| {
                                shows_a_second_factor(how, sso)
                                    && still_counts(how, read, code_counts)
                            });
                        let unknown = (settings.is_none(), Reason::UnknownProject);

                        let list = [
                            unknown,
                            (!good, Reason::ProofInvalid),
                            (!lists, Reason::ProofTooOld),
                            (
                                role != Some(Role::Administrator),
                                Reason::NotAnAdministrator,
                            ),
                        ];
                        let answer = authorize_list(&request).map_err(|r| r.reason()).err();
                        assert_eq!(answer, first(&list), "{request:?}");
                        listed += u32::from(answer.is_none());

                        let by_code = good && how == Some(How::Code) && role.is_some();
                        let replace = [
                            unknown,
                            (!by_code, Reason::ProofInvalid),
                            (!replaces, Reason::ProofTooOld),
                        ];
                        let answer = authorize_replacement(&request).err();
                        assert_eq!(answer.map(|r| r.reason()), first(&replace), "{request:?}");
                        replaced += u32::from(answer.is_none());
                        if let Some(refusal) = answer.filter(|_| settings.is_some()) {
                            let asked =
                                [Sso::Off, Sso::On(PasswordUnderSso::Challenge)].contains(&sso);
                            // Whoever has a key proves it, whoever has none sets one up.
                            let enrolled = factor.state == FactorState::Active;
                            let mut ways = Vec::new();
                            match read {
                                Read::Whole if asked && enrolled => ways.push(Remedy::EnterCode),
                                Read::Whole if asked => ways.push(Remedy::SetUp),
                                Read::Whole | Read::Damaged | Read::KeyMissing => {}
                            }
                            if read != Read::KeyMissing {
                                ways.push(Remedy::AskAdministrator);
                            }
                            ways.push(Remedy::OpenSupportTicket);
                            let given: Vec<_> = refusal.remedies().iter().collect();
                            assert_eq!(given, ways, "{request:?}");
                        }
                        count += 1;
                    }
                }
            }
        }
    }
    println!("access: {count} cases, all agree; {listed} list, {replaced} replace");
    assert!(listed > 0 && replaced > 0);
}

#[test]
fn a_proof_that_nobody_can_open_is_refused_with_ways_out() {
    assert_eq!(no_proof().reason(), Reason::ProofInvalid);
    assert!(
        no_proof()
            .remedies()
            .iter()
            .eq([Remedy::SetUp, Remedy::EnterCode])
    );
}

#[test]
fn a_key_is_replaceable_while_it_works() {
    use twofa_policy::replaceable;
    use twofa_policy::{CLOCK_TOLERANCE_SECS, FactorView, Lock, Refusal};

    let now = UnixTime::from_secs(1_700_000_000);
    let active = FactorView::active(now);
    let why = |view: FactorView, now| {
        let refused = replaceable(&view, now).err();
        assert!(refused.is_none_or(|refusal| !refusal.remedies().is_empty()));
        let until = |refusal: &Refusal| {
            let wait = |remedy| match remedy {
                Remedy::WaitUntil(end) => Some(end),
                _ => None,
            };
            refusal.remedies().into_iter().find_map(wait)
        };
        refused.map(|refusal| (refusal.reason(), until(&refusal)))
    };
    let locked = |lock| FactorView { lock, ..active };
    let later = now.saturating_add(1);
    assert_eq!(why(active, now), None);
    assert_eq!(why(locked(Lock::Until(now)), now), None);
    assert_eq!(
        why(locked(Lock::Until(later)), now),
        Some((Reason::Locked, Some(later)))
    );
    assert_eq!(
        why(locked(Lock::UntilReset), now),
        Some((Reason::Locked, None))
    );
    for state in [FactorState::None, FactorState::Pending] {
        let view = FactorView {
            state,
            ..locked(Lock::UntilReset)
        };
        assert_eq!(why(view, now), Some((Reason::NothingToReplace, None)));
    }
    for view in [FactorView::UNREADABLE, FactorView::KEY_MISSING] {
        assert_eq!(why(view, now), Some((Reason::RecordUnreadable, None)));
        let ways = replaceable(&view, now).unwrap_err().remedies();
        let damaged = view.state == FactorState::Unreadable;
        assert_eq!(ways.contains(Remedy::AskAdministrator), damaged);
        assert_eq!(ways.len(), 1 + usize::from(damaged));
    }
    let back = now.saturating_sub(CLOCK_TOLERANCE_SECS);
    assert_eq!(why(active, back), None);
    let too_far = why(active, back.saturating_sub(1));
    assert_eq!(too_far, Some((Reason::ClockBehind, None)));
}
