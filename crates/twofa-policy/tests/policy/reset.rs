//! The authority to reset, enumerated whole: the expected reason is the first of a list of checks, each told in
//! the terms of how the case was built and not of what the engine is given.

use twofa_policy::{
    Changer, FactorState, FactorView, Help, How, Lock, MissingKey, PasswordUnderSso,
    ProjectSettings, ProofFacts, Reason, Remedy, ResetActor, ResetRequest, Role, SelfReset, Sso,
    SupportResetRequest, Warning, authorize_reset, authorize_settings_change,
    authorize_support_reset,
};
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::space::{AHEAD, LAST_EVENTS, LOCKS, NOW, RESETS, ROLES, SSO, STATES};

pub(crate) fn project(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

const STEP_UP_AGE: u32 = 90;

/// How a proof's time lies to now, and whether that is acceptable, too old, or no time a proof can have.
const AGES: [(UnixTime, &str); 7] = [
    (NOW.saturating_add(121), "not yet"),
    (NOW.saturating_add(120), "fresh"),
    (AHEAD, "fresh"),
    (NOW, "fresh"),
    (NOW.saturating_sub(STEP_UP_AGE as u64), "fresh"),
    (NOW.saturating_sub(STEP_UP_AGE as u64 + 1), "old"),
    (UnixTime::EPOCH, "old"),
];

/// Generations in the proof and of the actor's record, and whether no reset lies between.
const GENERATIONS: [(u32, u32, bool); 6] = [
    (0, 0, true),
    (0, 1, true),
    (1, 0, true),
    (4, 4, true),
    (3, 4, false),
    (5, 4, false),
];

/// A kind of sign-in that shows a second factor in a project with this single sign-on.
pub(crate) fn shows_a_second_factor(how: How, sso: Sso) -> bool {
    match how {
        How::Password => false,
        How::Sso => sso != Sso::Off,
        How::Code => sso != Sso::On(PasswordUnderSso::Refuse),
    }
}

/// What a record is worth as that of somebody who acts, and of somebody who is acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// It was read, or there is none.
    Whole,
    /// It is there and cannot be read.
    Damaged,
    /// It is there and its key is missing.
    KeyMissing,
}

/// The actor's own factor, what could be read of it, and whether a code of it still proves anything.
pub(crate) fn actors() -> [(FactorView, Read, bool); 6] {
    let active = FactorView::active(NOW);
    let locked = FactorView {
        lock: Lock::UntilReset,
        ..active
    };
    let begun = FactorView {
        state: FactorState::Pending,
        ..active
    };
    [
        (active, Read::Whole, true),
        (locked, Read::Whole, true),
        (begun, Read::Whole, false),
        (FactorView::NONE, Read::Whole, false),
        (FactorView::UNREADABLE, Read::Damaged, false),
        (FactorView::KEY_MISSING, Read::KeyMissing, false),
    ]
}

/// Whether a proof that came in this way still counts beside its owner's factor.
pub(crate) fn still_counts(how: How, read: Read, code_counts: bool) -> bool {
    match how {
        How::Code => code_counts,
        How::Sso | How::Password => read == Read::Whole,
    }
}

/// Every factor, whether there is anything to reset, what could be read of its record, and whether that lies too far
/// ahead of the clock.
fn subjects() -> impl Iterator<Item = (FactorView, bool, Read, bool)> {
    let times = [(LAST_EVENTS[1], false), (LAST_EVENTS[5], true)];
    times.into_iter().flat_map(|(last_event, ahead)| {
        STATES.into_iter().flat_map(move |state| {
            LOCKS.into_iter().flat_map(move |lock| {
                RESETS.into_iter().map(move |reset_by| {
                    let anything = state != FactorState::None
                        || lock == Lock::UntilReset
                        || lock == Lock::Until(AHEAD);
                    let read = match state {
                        FactorState::None | FactorState::Pending | FactorState::Active => {
                            Read::Whole
                        }
                        FactorState::Unreadable => Read::Damaged,
                        FactorState::KeyMissing => Read::KeyMissing,
                    };
                    let view = FactorView {
                        state,
                        reset_by,
                        lock,
                        last_event,
                    };
                    (view, anything, read, ahead)
                })
            })
        })
    })
}

fn expected_remedies(reason: Reason, sso: Sso, actor: Read) -> &'static [&'static str] {
    let codes = sso == Sso::Off || sso == Sso::On(PasswordUnderSso::Challenge);
    match reason {
        Reason::UnknownProject | Reason::ClockBehind | Reason::KeyMissing => {
            &["open-support-ticket"]
        }
        // No sign-in mends what cannot be read.
        Reason::ProofInvalid if actor == Read::Damaged => {
            &["ask-administrator", "open-support-ticket"]
        }
        Reason::ProofInvalid if actor == Read::KeyMissing => &["open-support-ticket"],
        Reason::ProofInvalid if sso == Sso::Off => &["set-up", "enter-code"],
        Reason::ProofInvalid if codes => &["set-up", "enter-code", "sign-in-through-sso"],
        Reason::ProofTooOld if sso == Sso::Off => &["enter-code"],
        Reason::ProofTooOld if codes => &["enter-code", "sign-in-through-sso"],
        Reason::ProofInvalid | Reason::ProofTooOld => &["sign-in-through-sso"],
        Reason::NotAnAdministrator | Reason::SelfReset => {
            &["ask-administrator", "open-support-ticket"]
        }
        Reason::NothingToReset => &["set-up"],
        other => panic!("{other} is not for a reset"),
    }
}

#[test]
fn a_reset_by_an_administrator_agrees_with_the_checks_in_order_on_every_input() {
    let (acme, other) = (project("acme"), project("other"));
    let (ada, bob) = (user("ada"), user("bob"));
    let mut count = 0_u32;
    let mut granted = 0_u32;
    let asked: Vec<_> = ROLES
        .into_iter()
        .flat_map(|role| [(&ada, true), (&bob, false)].map(|who| (role, who)))
        .flat_map(|(role, who)| subjects().map(move |factor| (role, who, factor)))
        .collect();
    for sso in SSO {
        for self_reset in [SelfReset::Refused, SelfReset::Allowed] {
            let known = ProjectSettings::new()
                .with_sso(sso)
                .with_self_reset(self_reset)
                .with_step_up_age(STEP_UP_AGE);
            for settings in [Some(&known), None] {
                for (proof, actor) in proofs([&acme, &other], &ada)
                    .into_iter()
                    .flat_map(|p| actors().map(|a| (p, a)))
                {
                    let (facts, current, same, age) = proof;
                    let (actor_factor, actor_read, code_counts) = actor;
                    let good_proof = facts.is_some_and(|p| {
                        p.project == &acme
                            && shows_a_second_factor(p.how, sso)
                            && still_counts(p.how, actor_read, code_counts)
                    }) && same
                        && age != "not yet";
                    for &(actor_role, (subject, themselves), (factor, anything, read, ahead)) in
                        &asked
                    {
                        let request = ResetRequest {
                            settings,
                            project: &acme,
                            proof: facts,
                            actor_factor,
                            actor_generation: current,
                            actor_role,
                            subject,
                            subject_factor: factor,
                            subject_generation: 9,
                            now: NOW,
                        };
                        let checks = [
                            (settings.is_none(), Reason::UnknownProject),
                            (!good_proof, Reason::ProofInvalid),
                            (age == "old", Reason::ProofTooOld),
                            (
                                actor_role != Some(Role::Administrator),
                                Reason::NotAnAdministrator,
                            ),
                            (
                                themselves && self_reset == SelfReset::Refused,
                                Reason::SelfReset,
                            ),
                            (!anything, Reason::NothingToReset),
                            (read == Read::KeyMissing, Reason::KeyMissing),
                            (ahead, Reason::ClockBehind),
                        ];
                        let expected = checks.into_iter().find_map(|(fails, r)| fails.then_some(r));
                        count += 1;
                        match authorize_reset(&request) {
                            Ok(grant) => {
                                assert_eq!(None, expected, "{request:?}");
                                assert_eq!(grant.project(), &acme);
                                assert_eq!(grant.subject(), subject);
                                assert_eq!(grant.by(), ResetActor::Administrator(&ada));
                                assert_eq!(grant.generation(), 9);
                                assert_eq!(grant.recovers(), read == Read::Damaged);
                                assert_eq!(grant.expires(), NOW.saturating_add(60));
                                granted += 1;
                            }
                            Err(refusal) => {
                                assert_eq!(Some(refusal.reason()), expected, "{request:?}");
                                let ways = refusal.remedies().iter().map(Remedy::code);
                                let expected = expected_remedies(refusal.reason(), sso, actor_read);
                                assert!(ways.eq(expected.iter().copied()), "{request:?}");
                                assert!(!refusal.remedies_with(Help::SupportOnly).is_empty());
                            }
                        }
                    }
                }
            }
        }
    }
    println!("reset by an administrator: {count} cases, all agree, {granted} granted");
    assert!(granted > 0 && granted < count / 10);
}

const MISSING_KEYS: [MissingKey; 2] = [MissingKey::MayComeBack, MissingKey::GivenUp];

type Proof<'a> = (Option<ProofFacts<'a>>, u32, bool, &'static str);

/// Every proof of `user`, and none, with the generation now, whether it is the same, and how old the proof is.
fn proofs<'a>(projects: [&'a ProjectId; 2], user: &'a UserId) -> Vec<Proof<'a>> {
    let mut all = vec![(None, 1, true, "fresh")];
    for project in projects {
        for how in [How::Code, How::Sso, How::Password] {
            for (generation, current, same) in GENERATIONS {
                for (when, age) in AGES {
                    let facts = ProofFacts {
                        project,
                        user,
                        when,
                        how,
                        generation,
                    };
                    all.push((Some(facts), current, same, age));
                }
            }
        }
    }
    all
}

#[test]
fn a_reset_by_support_agrees_with_the_checks_in_order_on_every_input() {
    let (acme, ada) = (project("acme"), user("ada"));
    let long = "x".repeat(256);
    let texts = [
        ("grace", true),
        ("", false),
        (" \t", false),
        (" grace ", true),
        ("a\u{202e}b", false),
        (&long, false),
    ];
    let known = ProjectSettings::new();
    let mut count = 0_u32;
    for settings in [Some(&known), None] {
        for (operator, operator_named) in texts {
            for (ticket, ticket_named) in texts {
                // Support heals what a clock set ahead has left behind.
                for (subject_factor, anything, read, _) in subjects() {
                    for (help, missing_key) in [Help::AdministratorOrSupport, Help::SupportOnly]
                        .into_iter()
                        .flat_map(|h| MISSING_KEYS.map(|k| (h, k)))
                    {
                        let request = SupportResetRequest {
                            settings,
                            project: &acme,
                            operator,
                            ticket,
                            subject: &ada,
                            subject_factor,
                            subject_generation: 2,
                            missing_key,
                            help,
                            now: NOW,
                        };
                        let checks = [
                            (
                                settings.is_none(),
                                Reason::UnknownProject,
                                "open-support-ticket",
                            ),
                            (!operator_named, Reason::OperatorMissing, "name-operator"),
                            (
                                !ticket_named,
                                Reason::TicketMissing,
                                "open-support-ticket,name-ticket",
                            ),
                            (!anything, Reason::NothingToReset, "set-up"),
                            (
                                read == Read::KeyMissing && missing_key == MissingKey::MayComeBack,
                                Reason::KeyMissing,
                                "give-key-up",
                            ),
                        ];
                        let expected = checks.into_iter().find(|c| c.0);
                        count += 1;
                        match authorize_support_reset(&request) {
                            Ok((grant, warnings)) => {
                                assert_eq!(None, expected, "{request:?}");
                                assert_eq!((grant.project(), grant.subject()), (&acme, &ada));
                                assert_eq!(grant.generation(), 2);
                                assert_eq!(grant.recovers(), read != Read::Whole);
                                let ResetActor::Support {
                                    operator: o,
                                    ticket: t,
                                } = grant.by()
                                else {
                                    panic!("{:?}", grant.by())
                                };
                                assert_eq!((o.as_str(), t.as_str()), ("grace", "grace"));
                                let could = help == Help::AdministratorOrSupport
                                    && read != Read::KeyMissing;
                                assert_eq!(
                                    warnings.contains(Warning::AdministratorCouldReset),
                                    could
                                );
                                assert_eq!(warnings.is_empty(), !could);
                            }
                            Err(refusal) => {
                                let (_, reason, ways) = expected.unwrap();
                                assert_eq!(refusal.reason(), reason, "{request:?}");
                                let codes: Vec<_> =
                                    refusal.remedies().iter().map(Remedy::code).collect();
                                assert_eq!(codes.join(","), ways);
                            }
                        }
                    }
                }
            }
        }
    }
    println!("reset by support: {count} cases, all agree");
}

#[test]
fn settings_are_changed_by_operators_only() {
    for role in [Role::Member, Role::Administrator] {
        let refusal = authorize_settings_change(Changer::Member(role)).unwrap_err();
        assert_eq!(refusal.reason(), Reason::OperatorOnly);
        assert!(refusal.remedies().iter().eq([Remedy::OpenSupportTicket]));
    }
    assert!(authorize_settings_change(Changer::Operator).is_ok());
}

#[test]
fn a_grant_lasts_a_minute_and_no_longer() {
    let (acme, ada, bob) = (project("acme"), user("ada"), user("bob"));
    let settings = ProjectSettings::new();
    let proof = ProofFacts {
        project: &acme,
        user: &ada,
        when: NOW,
        how: How::Code,
        generation: 1,
    };
    let grant = authorize_reset(&ResetRequest {
        settings: Some(&settings),
        project: &acme,
        proof: Some(proof),
        actor_factor: FactorView::active(NOW),
        actor_generation: 1,
        actor_role: Some(Role::Administrator),
        subject: &bob,
        subject_factor: FactorView::active(NOW),
        subject_generation: 1,
        now: NOW,
    })
    .unwrap();
    assert!(grant.is_current(NOW));
    assert!(grant.is_current(NOW.saturating_add(59)));
    assert!(!grant.is_current(NOW.saturating_add(60)));
    assert!(grant.is_current(NOW.saturating_sub(120)));
    assert!(!grant.is_current(NOW.saturating_sub(121)));
}
