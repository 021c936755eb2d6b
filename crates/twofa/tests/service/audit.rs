//! The audit finds every kind of tampering, and names the first bad place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use twofa::policy::Reason;
use twofa::testkit::{MemoryHarness, Site, fine, refused, service_over};
use twofa::types::UnixTime;
use twofa::{AuditRow, BadPlace, Events, Fault, MemoryStore, Store, Stored, Subject};

use crate::doctored::Doctored;

/// Ann with six events, Bob with two, and what verifying finds after `edit`.
struct Scene<'h> {
    site: Site<'h, MemoryHarness>,
    ann: Subject,
    bob: Subject,
}

fn scene(harness: &MemoryHarness) -> Scene<'_> {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.fail(&site.ann, &phone, 3);
    site.sign_in(&site.ann, &phone);
    site.enrol(&site.bob);
    assert_eq!(site.events(&site.ann).len(), 6);
    assert_eq!(site.events(&site.bob).len(), 2);
    site.audit_is_whole();
    Scene {
        ann: Subject::member(&site.project, &site.ann),
        bob: Subject::member(&site.project, &site.bob),
        site,
    }
}

fn rows(events: Vec<twofa::SubjectEvent>) -> Vec<AuditRow> {
    events.into_iter().map(|event| event.row).collect()
}

impl Scene<'_> {
    fn store(&self) -> Arc<MemoryStore> {
        self.site.open().0
    }

    /// Ada, who signs in, and her record from before.
    fn before_a_sign_in(&self) -> (Subject, Stored) {
        let phone = self.site.enrol(&self.site.ada);
        let ada = Subject::member(&self.site.project, &self.site.ada);
        let before = fine(self.site.wait(self.store().load(&ada)))
            .stored
            .unwrap();
        self.site.sign_in(&self.site.ada, &phone);
        (ada, before)
    }

    fn verify(&self, store: Doctored) -> Option<BadPlace> {
        let directory = self.site.open().1;
        let service = service_over(store, directory, &self.site.keyring(), &self.site.clock);
        fine(self.site.wait(service.audit_verify(None))).first_bad
    }

    /// What is found when Ann's chain is edited.
    fn edited(
        &self,
        edit: impl Fn(&mut Vec<AuditRow>) + Send + Sync + 'static,
    ) -> Option<(Option<u64>, Fault)> {
        let ann = self.ann.clone();
        let found = self.verify(Doctored::chains(self.store(), move |subject, mut rows| {
            if *subject == ann {
                edit(&mut rows);
            }
            rows
        }));
        if let Some(found) = &found {
            assert_eq!(found.subject, self.ann, "the chain at fault is named");
        }
        found.map(|found| (found.seq, found.fault))
    }
}

#[test]
fn an_untouched_audit_is_whole_and_counted() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    assert_eq!(scene.edited(|_| {}), None);
    let found = fine(scene.site.wait(scene.site.service().audit_verify(None)));
    assert_eq!((found.factors, found.events), (2, 8));
}

#[test]
fn every_edited_field_of_every_row_is_found() {
    type Edit = fn(&mut AuditRow);
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let edits: [(&str, Edit); 10] = [
        ("at", |row| row.at = row.at.saturating_add(1)),
        ("event", |row| row.event = "accepted ".to_owned()),
        ("reason gone or come", |row| {
            row.reason = row.reason.is_none().then(|| "wrong-code".to_owned());
        }),
        ("reason moved into actor", |row| {
            row.actor = row.reason.take().or(Some(String::new()));
        }),
        ("actor", |row| row.actor = Some("mallory".to_owned())),
        ("detail", |row| row.detail = Some("offset=9".to_owned())),
        ("generation", |row| row.generation += 1),
        ("notice", |row| row.notice = !row.notice),
        ("mac", |row| row.mac[31] ^= 1),
        ("key id", |row| row.key_id = 2),
    ];
    for at in 0..6_usize {
        for (what, edit) in edits {
            let found = scene.edited(move |rows| edit(&mut rows[at]));
            let seq = u64::try_from(at).unwrap() + 1;
            let expected = Some((Some(seq), Fault::EventAltered));
            assert_eq!(found, expected, "{what} of event {seq}");
        }
    }
}

#[test]
fn a_removed_row_is_missed() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    for at in 0..5_usize {
        let found = scene.edited(move |rows| drop(rows.remove(at)));
        let next = u64::try_from(at).unwrap() + 2;
        assert_eq!(found, Some((Some(next), Fault::EventMissing)));
        // Numbered anew, so that no gap shows: then the first that moved up does not fit.
        let found = scene.edited(move |rows| {
            rows.remove(at);
            for row in &mut rows[at..] {
                row.seq -= 1;
            }
        });
        assert_eq!(found, Some((Some(next - 1), Fault::EventAltered)));
    }
}

#[test]
fn a_cut_end_is_missed() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    for left in 0..6_usize {
        let found = scene.edited(move |rows| rows.truncate(left));
        let missing = u64::try_from(left).unwrap() + 1;
        assert_eq!(found, Some((Some(missing), Fault::ChainCut)), "{left} left");
    }
}

#[test]
fn an_inserted_row_is_found() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    for at in 0..6_usize {
        let found = scene.edited(move |rows| {
            let mut copy = rows[at].clone();
            for row in &mut rows[at..] {
                row.seq += 1;
            }
            copy.detail = Some("made up".to_owned());
            rows.insert(at, copy);
        });
        let seq = u64::try_from(at).unwrap() + 1;
        assert_eq!(found, Some((Some(seq), Fault::EventAltered)));
    }
    // Behind the last, where it continues the numbers: the record's head does not know it.
    let found = scene.edited(|rows| {
        let mut copy = rows[5].clone();
        copy.seq = 7;
        rows.push(copy);
    });
    assert_eq!(found, Some((Some(7), Fault::RecordRolledBack)));
}

#[test]
fn reordered_rows_are_found() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    for at in 0..5_usize {
        let found = scene.edited(move |rows| {
            rows.swap(at, at + 1);
            let (first, second) = (rows[at].seq, rows[at + 1].seq);
            (rows[at].seq, rows[at + 1].seq) = (second, first);
        });
        let seq = u64::try_from(at).unwrap() + 1;
        assert_eq!(found, Some((Some(seq), Fault::EventAltered)));
    }
}

#[test]
fn a_row_moved_between_people_is_found() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let theirs = rows(fine(scene.site.wait(scene.store().chain(&scene.bob, 0, 9))));
    let moved = theirs[1].clone();
    assert_eq!(moved.seq, 2);
    let found = scene.edited(move |rows| rows[1] = moved.clone());
    assert_eq!(found, Some((Some(2), Fault::EventAltered)));
    // The first of a chain, which continues nothing, belongs to its subject all the same.
    let moved = theirs[0].clone();
    let found = scene.edited(move |rows| rows[0] = moved.clone());
    assert_eq!(found, Some((Some(1), Fault::EventAltered)));
}

/// The same person, keyring and project in another store, as after a backup was restored beside the original:
/// every row there is genuine, and none belongs here.
#[test]
fn a_genuine_row_of_another_history_is_found() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let elsewhere = Arc::new(MemoryStore::new());
    let directory = scene.site.open().1;
    let keyring = scene.site.keyring();
    let other = service_over(
        Arc::clone(&elsewhere),
        directory,
        &keyring,
        &scene.site.clock,
    );
    let sign_in = |user| twofa::SignIn::password(&scene.site.project, user);
    for _ in 0..3 {
        let begun = scene.site.wait(other.begin(sign_in(&scene.site.ann)));
        assert!(matches!(begun, Ok(twofa::Begin::Enrol(_))));
    }
    let theirs = rows(fine(scene.site.wait(elsewhere.chain(&scene.ann, 0, 9))));
    for at in 1..3_usize {
        let row = theirs[at].clone();
        let seq = u64::try_from(at).unwrap() + 1;
        assert_eq!(row.seq, seq);
        let found = scene.edited(move |rows| rows[at] = row.clone());
        assert_eq!(
            found,
            Some((Some(seq), Fault::EventAltered)),
            "it follows another row"
        );
    }
    // Where it follows the same as the one it replaces, the record's head knows better.
    let ada = Subject::member(&scene.site.project, &scene.site.ada);
    let _here = scene.site.set_up(&scene.site.ada);
    scene.site.clock.forward(1);
    let begun = scene.site.wait(other.begin(sign_in(&scene.site.ada)));
    assert!(begun.is_ok());
    let theirs = rows(fine(scene.site.wait(elsewhere.chain(&ada, 0, 9))));
    let exchanged = {
        let ada = ada.clone();
        Doctored::chains(scene.store(), move |subject, rows| {
            if *subject == ada {
                theirs.clone()
            } else {
                rows
            }
        })
    };
    let expected = BadPlace {
        subject: ada,
        seq: Some(1),
        fault: Fault::EventAltered,
        acknowledged: None,
    };
    assert_eq!(scene.verify(exchanged), Some(expected));
}

#[test]
fn a_record_that_was_put_back_is_found_and_goes_no_further() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let (ada, before) = scene.before_a_sign_in();
    let put_back = {
        let (ada, before) = (ada.clone(), before.clone());
        move |subject: &Subject, stored: Stored| {
            Some(if *subject == ada {
                before.clone()
            } else {
                stored
            })
        }
    };
    let found = scene.verify(Doctored::records(scene.store(), put_back));
    let expected = BadPlace {
        subject: ada.clone(),
        seq: Some(3),
        fault: Fault::RecordRolledBack,
        acknowledged: None,
    };
    assert_eq!(found, Some(expected));
    // Under a later version, so that it would stand: it is bound to the version it was written at.
    let later = {
        let ada = ada.clone();
        move |subject: &Subject, stored: Stored| {
            let mut stored = stored;
            if *subject == ada {
                stored.record.clone_from(&before.record);
            }
            Some(stored)
        }
    };
    let found = scene.verify(Doctored::records(scene.store(), later));
    assert_eq!(
        found.map(|found| (found.subject, found.fault)),
        Some((ada, Fault::RecordAltered))
    );
}

/// A sign-in between the page of records and the chain is not a hand in the database.
#[test]
fn a_record_that_goes_on_meanwhile_is_looked_at_again() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let (ada, before) = scene.before_a_sign_in();
    let first = AtomicBool::new(true);
    let meanwhile = Doctored::records(scene.store(), move |subject, stored| {
        let early = *subject == ada && first.swap(false, Ordering::Relaxed);
        Some(if early { before.clone() } else { stored })
    });
    assert_eq!(scene.verify(meanwhile), None);
}

#[test]
fn every_byte_of_a_record_counts() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let len = fine(scene.site.wait(scene.store().load(&scene.ann)))
        .stored
        .unwrap()
        .record
        .len();
    for at in (0..len).step_by(3).chain(0..36) {
        let ann = scene.ann.clone();
        let edit = move |subject: &Subject, mut stored: Stored| {
            if *subject == ann {
                stored.record[at] ^= 4;
            }
            Some(stored)
        };
        let found = scene
            .verify(Doctored::records(scene.store(), edit))
            .unwrap();
        assert_eq!(found.subject, scene.ann);
        assert_eq!(found.fault, Fault::RecordAltered, "byte {at}");
    }
    for left in [0, 3, 4, 35, 36, len - 1] {
        let ann = scene.ann.clone();
        let cut = move |subject: &Subject, mut stored: Stored| {
            if *subject == ann {
                stored.record.truncate(left);
            }
            Some(stored)
        };
        let found = scene.verify(Doctored::records(scene.store(), cut)).unwrap();
        assert_eq!(found.fault, Fault::RecordAltered, "{left} bytes left");
    }
}

#[test]
fn events_without_a_record_are_orphans() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let ann = scene.ann.clone();
    let gone = move |subject: &Subject, stored: Stored| (*subject != ann).then_some(stored);
    let found = scene.verify(Doctored::records(scene.store(), gone));
    let expected = BadPlace {
        subject: scene.ann,
        seq: None,
        fault: Fault::RecordMissing,
        acknowledged: None,
    };
    assert_eq!(found, Some(expected));
}

#[test]
fn faults_have_codes_of_their_own() {
    let all = [
        Fault::EventAltered,
        Fault::EventMissing,
        Fault::ChainCut,
        Fault::RecordRolledBack,
        Fault::RecordAltered,
        Fault::RecordMissing,
        Fault::RowForeign,
        Fault::ListAltered,
        Fault::EventMoved,
        Fault::NoticeMoved,
        Fault::NoticesDiffer,
        Fault::StoreRolledBack,
        Fault::NotAsExported,
    ];
    let codes: std::collections::BTreeSet<_> = all.map(Fault::code).into_iter().collect();
    assert_eq!(codes.len(), all.len());
}

#[test]
fn a_tampered_record_is_noted_once_in_a_row() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let ann = scene.ann.clone();
    let edit = move |subject: &Subject, mut stored: Stored| {
        if *subject == ann {
            stored.record[40] ^= 1;
        }
        Some(stored)
    };
    let directory = scene.site.open().1;
    let store = Doctored::records(scene.store(), edit);
    let service = service_over(store, directory, &scene.site.keyring(), &scene.site.clock);
    let sign_in = || twofa::SignIn::password(&scene.site.project, &scene.site.ann);
    for _ in 0..5 {
        let begun = fine(scene.site.wait(service.begin(sign_in())));
        assert_eq!(refused(begun), Reason::RecordUnreadable);
    }
    let of = Events::Project(&scene.site.project);
    let noted = fine(scene.site.wait(scene.site.service().events(of, 0, 99)));
    let tampered: Vec<_> = noted
        .iter()
        .filter(|event| event.row.event == "tampered")
        .collect();
    assert_eq!(tampered.len(), 1, "trying again fills nothing");
    assert_eq!(tampered[0].row.at, scene.site.now());
    assert!(scene.site.now() > UnixTime::EPOCH);
    scene.site.audit_is_whole();
}

/// Record and events of an administrator are gone together: nothing is left to find it by, and the proof from before is
/// of a generation that is current again.
#[test]
fn a_proof_of_a_factor_that_is_gone_proves_nothing() {
    let harness = MemoryHarness::default();
    let scene = scene(&harness);
    let phone = scene.site.enrol(&scene.site.ada);
    let proof = scene.site.sign_in(&scene.site.ada, &phone);
    let ada = Subject::member(&scene.site.project, &scene.site.ada);
    let gone = {
        let (one, other) = (ada.clone(), ada);
        Doctored::both(
            scene.store(),
            move |subject, stored| (*subject != one).then_some(stored),
            move |subject, rows| if *subject == other { Vec::new() } else { rows },
        )
    };
    let directory = scene.site.open().1;
    let service = service_over(gone, directory, &scene.site.keyring(), &scene.site.clock);
    assert!(scene.site.wait(service.recheck(&proof)).is_err());
    let refused = fine(scene.site.wait(service.reset(&proof, &scene.site.ann)));
    let Err(reason) = twofa::testkit::granted(refused) else {
        panic!("a reset by nobody");
    };
    assert_eq!(reason.code(), "proof-invalid");
}
