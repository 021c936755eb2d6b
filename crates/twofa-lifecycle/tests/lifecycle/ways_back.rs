//! Ways back in forget nothing: an import after a reset, logins and sessions that were ended.

use crate::world::{App, World};
use twofa_lifecycle::{Actor, Command, EventKind, LoginKind, Outcome};
use twofa_policy::{Handover, Reason};
use twofa_totp::{Params, Secret};
use twofa_types::Name;

fn import<'a>(secret: &'a Secret, by: Option<&'a Actor>) -> Command<'a> {
    Command::Import {
        secret,
        params: Params::default(),
        by,
        again: by.is_some(),
    }
}

/// An import that is run once more after a reset: the lost phone stays lost.
#[test]
fn an_import_does_not_undo_a_reset() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let other = Secret::from_bytes(b"another secret of 20").unwrap();
    let operator = Actor::Operator {
        name: Name::new("op").unwrap(),
        ticket: Some(Name::new("T-7").unwrap()),
    };
    for handover in [Handover::Required, Handover::NotRequired] {
        let mut world = World::new();
        let _ = world.apply(import(&secret, None));
        let grant = world.support_grant();
        let Outcome::Reset {
            handover: given, ..
        } = world.apply(Command::Reset { grant, handover }).outcome
        else {
            panic!("support resets");
        };
        let before = world.record.clone();
        for refused in [
            import(&secret, None),
            import(&other, None),
            import(&secret, Some(&operator)),
        ] {
            assert_eq!(world.apply(refused).reason(), Reason::AlreadyReset);
            assert_eq!(world.record, before);
        }
        // Nor after a set-up that ran out of time.
        let mut later = World::new();
        later.record = before.clone();
        later.now = world.now;
        later.begin(1);
        later.tick(600);
        assert_eq!(
            later.apply(import(&secret, None)).reason(),
            Reason::AlreadyReset
        );
        // Another key, by somebody who answers for it: behind the hand-over code.
        let done = world.apply(import(&other, Some(&operator)));
        let Outcome::Imported {
            handover: fresh, ..
        } = &done.outcome
        else {
            panic!("{done:?}");
        };
        assert_eq!(fresh.is_some(), given.is_none(), "one code, and not two");
        assert_eq!(done.events[0].actor.as_deref(), Some(&operator));
        let code = fresh.as_ref().or(given.as_ref()).unwrap();
        let app = App::new(&other, Params::default());
        assert!(world.record.asks_for_handover());
        assert_eq!(world.challenge(&app, 0).reason(), Reason::HandoverCode);
        let right = code.expose_secret().to_owned();
        let mut login = world.park(7, LoginKind::Challenge);
        let typed = app.code(world.now, 0);
        let done = world.answer_with(&mut login, &typed, Some(&right));
        assert!(done.is_accepted());
        assert!(!world.record.asks_for_handover());
        world.tick(30);
        assert!(world.challenge(&app, 0).is_accepted());
    }
}

#[test]
fn ended_sessions_void_proofs_of_up_to_that_second() {
    let (mut world, _) = World::enrolled();
    let now = world.now;
    assert!(!world.record.voids_proof_of(now));
    assert_eq!(world.record.time_of_proof(now), now);
    let done = world.apply(Command::EndSessions);
    assert_eq!(done.kinds(), [EventKind::SessionsEnded]);
    assert!(world.record.voids_proof_of(now));
    let next = now.saturating_add(1);
    assert_eq!(
        world.record.time_of_proof(now),
        next,
        "who signs in at once"
    );
    assert!(!world.record.voids_proof_of(next));
    let done = world.apply(Command::EndLogins);
    assert_eq!(done.kinds(), [EventKind::LoginsEnded]);
    assert_eq!(world.record.epoch(), Some(now));
}
