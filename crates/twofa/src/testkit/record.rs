//! The record of what happened: nobody's refusals are in another's way, a follower misses nothing, and what was put
//! back behind a head shows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use twofa_policy::Reason;

use super::site::{accepted, fine, granted};
use super::{Harness, Site};
use crate::{Check, Events, Fault};

/// A member who asks for resets, and for the list, as fast as can be: each sign-in of the administrator goes through,
/// and the refusals are few, counted, on the chain of whoever asked.
pub fn a_flood_of_refusals_stops_no_sign_in<H: Harness>(harness: &H) {
    const FLOOD: usize = 16;
    let site = Site::new(harness);
    let (phone, member) = (site.enrol(&site.ada), site.enrol(&site.bob));
    let proof = site.sign_in(&site.bob, &member);
    let over = AtomicBool::new(false);
    site.at_once(FLOOD + 1, |number| {
        if number > 0 {
            let mut asked = 0;
            while asked < 3 || !over.load(Ordering::Relaxed) {
                asked += 1;
                let refused = site.reset(&proof, &site.ada).err();
                assert_eq!(refused, Some(Reason::NotAnAdministrator));
                let list = fine(site.wait(site.service().factors(&proof, None, 9)));
                assert_eq!(granted(list).err(), Some(Reason::NotAnAdministrator));
            }
            return;
        }
        for _ in 0..8 {
            site.clock.forward(30);
            // A thread that read the clock before this should have been heard before it moves on.
            thread::sleep(Duration::from_millis(20));
            let login = site.challenge(&site.ada);
            let _pass = accepted(site.answer(&login, &phone.code(site.now())));
        }
        over.store(true, Ordering::Relaxed);
    });
    let theirs = ["reset-refused", "access-refused"].map(|event| site.count(&site.bob, event));
    // In 240 seconds one of each kind a minute, and the first; and one more of each thread that read the clock and was
    // heard minutes later.
    assert!(
        theirs.iter().all(|count| (1..=6 + FLOOD).contains(count)),
        "broken promise: alike refusals are counted, not repeated: {theirs:?}"
    );
    assert_eq!(
        site.count(&site.ada, "reset-refused"),
        0,
        "broken promise: they are not on the chain of whoever they were about"
    );
    let project = Events::Project(&site.project);
    let all = fine(site.wait(site.service().events(project, 0, 1_000)));
    let counted = all
        .iter()
        .filter_map(|event| event.row.detail.as_deref())
        .any(|detail| detail.ends_with(" more before"));
    assert!(counted, "broken promise: how many there were is said");
    site.audit_is_whole();
}

/// A head is the same for whoever looks, stays true while events come, and is not that of another history.
pub fn a_head_stands_for_what_was_there<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let before = fine(site.wait(site.service().audit_head()));
    assert_eq!(before, fine(site.wait(site.another().audit_head())));
    site.enrol(&site.bob);
    site.sign_in(&site.ann, &phone);
    let after = fine(site.wait(site.service().audit_head()));
    assert!(
        after.events() > before.events() && after.subjects() > before.subjects(),
        "broken promise: a head counts what is there"
    );
    let look = |from| {
        let check = Check {
            from: Some(from),
            ..Check::default()
        };
        let mut faults = Vec::new();
        let mut told = |bad: &crate::BadPlace| faults.push(bad.fault);
        let found = fine(site.wait(site.service().audit_check(&check, &mut told)));
        assert_eq!(found.head, Some(after));
        faults
    };
    assert_eq!(
        look(&before),
        [],
        "broken promise: what came since is no fault"
    );
    assert_eq!(look(&after), []);
    let text = after.to_string();
    let (kept, digest) = text.split_at(text.len() - 1);
    let other = if digest == "0" { "1" } else { "0" };
    let forged = fine(format!("{kept}{other}").parse());
    assert_eq!(
        look(&forged),
        [Fault::StoreRolledBack],
        "broken promise: another history is found"
    );
}
