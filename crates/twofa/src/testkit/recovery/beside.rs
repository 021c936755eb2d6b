//! One record that cannot be read is in nobody else's way.

use twofa_lifecycle::Summary;
use twofa_policy::{ProjectSettings, Reason, SignInMethod};

use super::{damage, flip, lying, member, put, tamper, verify};
use crate::testkit::site::{fine, granted};
use crate::testkit::{Hand, Harness, Site};
use crate::{Fault, Store, Stored, Subject};

/// What an operator does over the whole store, and other people's sign-ins. Says how many would be refused, and how
/// many records could not be resealed.
fn everything<H: Harness>(site: &Site<'_, H>) -> (u64, u64) {
    let phone = site.enrol(&site.bob);
    let _proof = site.sign_in(&site.bob, &phone);
    assert!(site.support_reset(&site.bob).is_ok());
    let service = site.another();
    assert!(site.wait(service.check_keyring()).is_ok());
    let (then, method) = (ProjectSettings::new(), SignInMethod::Password);
    let impact = fine(site.wait(service.impact(&site.project, &then, method, |_| {})));
    let _keys = site.activate_new_key();
    let done = fine(site.wait(service.reseal(|_| {})));
    assert!(done.resealed > 0, "broken promise: the rest is resealed");
    assert!(site.wait(service.list_keys()).is_ok());
    let listed = site.open().0;
    assert!(site.wait(listed.factors(&site.project, None, 99)).is_ok());
    (impact.summary.now().refuse, done.unreadable)
}

/// Dry runs, rotations, lists and everybody else's sign-ins go on; whoever acts with a damaged record of their own is
/// refused, which is no error.
pub fn everything_goes_on_beside_a_damaged_record<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    if !damage(&site, "altered", &lying(&site, &member(&site, &site.ann))) {
        return;
    }
    assert_eq!(everything(&site), (1, 1));
    let ada = member(&site, &site.ada);
    let mut damaged = lying(&site, &ada);
    flip(&mut damaged, 50);
    put(&site, &ada, Some(&damaged));
    let listed = granted(fine(site.wait(site.service().factors(&proof, None, 9))));
    assert_eq!(listed.err(), Some(Reason::ProofInvalid));
    let own = site.reset(&proof, &site.ann).err();
    assert_eq!(
        own,
        Some(Reason::ProofInvalid),
        "broken promise: a damaged record grants nothing, and is no error"
    );
    let _phone = phone;
    for user in [&site.ann, &site.ada] {
        assert!(site.support_reset(user).is_ok());
    }
    let (whole, places) = verify(&site);
    assert!(whole && places.len() == 2, "broken promise: {places:?}");
}

/// A row whose keys are no ids is named by verify, and breaks nothing else.
pub fn a_row_that_is_nobodys_breaks_nothing<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let _phone = site.enrol(&site.ann);
    let stored = Stored {
        version: 1,
        record: vec![7; 60],
    };
    let mut rows = Vec::new();
    for (project, user) in [("acme", "a\u{1b}"), ("a\u{7f}", "ann"), ("", "ann")] {
        let row = Subject::from_keys(project, user);
        if !tamper(&site, Hand::Record(&row, Some(&stored), Summary::NONE)) {
            return;
        }
        rows.push(row);
    }
    assert_eq!(everything(&site), (0, 3));
    let (whole, places) = verify(&site);
    rows.sort();
    let named: Vec<_> = places.into_iter().map(|p| (p.subject, p.fault)).collect();
    let expected: Vec<_> = rows.into_iter().map(|r| (r, Fault::RowForeign)).collect();
    assert!(
        !whole && named == expected,
        "broken promise: verify names such rows: {named:?}"
    );
}
