//! Events whose record is gone.

use twofa_lifecycle::Summary;
use twofa_types::ProjectId;

use super::values::{Draft, member};
use super::{commit, open, wait};
use crate::testkit::Hand;
use crate::testkit::harness::Harness;
use crate::testkit::site::project;
use crate::{Store, Subject};

/// Events whose record another hand removed are found: those of one project, or all, page by page, and no others.
/// Without a [`Hand`] nothing can remove a record, and this shows nothing.
pub fn events_without_a_record_are_found<H: Harness>(harness: &H) {
    let store = open(harness);
    let whole = [member("acme", "whole"), member("beta", "whole")];
    let gone = [
        member("acme", "ann"),
        member("acme", "zoe"),
        member("beta", "ann"),
    ];
    for subject in whole.iter().chain(&gone) {
        commit(
            harness,
            &store,
            &Draft::new(subject, 0).events(1..=2).change(),
        );
    }
    let orphans = |of: Option<&ProjectId>, after: Option<&Subject>, limit| {
        wait(harness, store.orphans(of, after, limit))
    };
    assert_eq!(
        orphans(None, None, 9),
        [],
        "broken promise: events with a record are not listed"
    );
    for subject in &gone {
        if !harness.block_on(harness.tamper(Hand::Record(subject, None, Summary::NONE))) {
            return;
        }
    }
    let [ann, zoe, other] = &gone;
    assert_eq!(
        orphans(None, None, 9),
        gone,
        "broken promise: events without a record are found"
    );
    assert_eq!(
        orphans(Some(&project("acme")), None, 9),
        [ann.clone(), zoe.clone()],
        "broken promise: of one project, those of another are not listed"
    );
    let mut listed = orphans(None, None, 2);
    assert_eq!(
        listed.len(),
        2,
        "broken promise: a page has at most its limit"
    );
    listed.extend(orphans(None, listed.last().cloned().as_ref(), 2));
    assert_eq!(listed, gone, "broken promise: pages go on after a subject");
    assert_eq!(orphans(None, Some(other), 9), []);
}
