//! Proofs: what they open, and what opens nothing.

use std::collections::BTreeSet;

use twofa::policy::{How, ProjectSettings, Reason, Recheck, Sso};
use twofa::testkit::{MANDATE, MemoryHarness, Site, allowed, fine, granted, project, service_over};
use twofa::types::UnixTime;
use twofa::{Keyring, Proof, SignIn};

#[test]
fn a_proof_is_text_that_reads_back() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ann, &phone);
    let text = proof.as_str().to_owned();
    assert!(text.len() <= Proof::MAX_BYTES);
    let read: Proof = text.parse().unwrap();
    assert_eq!(
        fine(site.wait(site.service().recheck(&read))),
        Recheck::Continue
    );
    assert_eq!(format!("{read:?}"), "Proof(..)");
    let again = site.sign_in(&site.ann, &phone);
    assert_ne!(again.as_str(), text, "no two proofs are alike");
    assert!(!text.contains("ann") && !text.contains("acme"));
}

#[test]
fn a_proof_of_the_longest_names_is_within_its_bound() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let long = "x".repeat(255);
    let (project, user) = (project(&long), twofa::testkit::user(&long));
    site.set_of(&project, ProjectSettings::new());
    site.member_of(&project, &user, Some(twofa::policy::Role::Member));
    let begun = fine(site.wait(site.service().begin(SignIn::password(&project, &user))));
    let proof = site.proof(&allowed(begun));
    let read: Proof = proof.as_str().parse().unwrap();
    assert_eq!(
        fine(site.wait(site.service().recheck(&read))),
        Recheck::Continue
    );
}

#[test]
fn text_that_cannot_be_a_proof_is_refused_at_once() {
    let long = "0".repeat(Proof::MAX_BYTES + 1);
    for text in ["", "x", "0G", "AB", " 00", "00\n", "ü", long.as_str()] {
        assert!(text.parse::<Proof>().is_err(), "{text:?}");
    }
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    for text in ["0", "00", "00000001", &"00".repeat(28), &"00".repeat(900)] {
        let made_up: Proof = text.parse().unwrap();
        let error = site.wait(site.service().recheck(&made_up)).unwrap_err();
        assert_eq!(error.code(), "proof-invalid");
    }
}

#[test]
fn every_digit_of_a_proof_counts() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let text = site.sign_in(&site.ann, &phone).as_str().to_owned();
    for at in 0..text.len() {
        let mut digits = text.clone().into_bytes();
        digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
        let altered: Proof = String::from_utf8(digits).unwrap().parse().unwrap();
        let error = site.wait(site.service().recheck(&altered)).unwrap_err();
        assert_eq!(error.code(), "proof-invalid", "digit {at}");
    }
    let longer: Proof = format!("{text}00").parse().unwrap();
    assert!(site.wait(site.service().recheck(&longer)).is_err());
}

#[test]
fn another_keyring_opens_nothing_and_a_rotated_one_everything() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ann, &phone);
    site.activate_new_key();
    let with = site.another();
    assert_eq!(fine(site.wait(with.recheck(&proof))), Recheck::Continue);
    let (store, directory) = site.open();
    let other = Keyring::generate().unwrap().to_text();
    let other = service_over(store, directory, &other, &site.clock);
    assert_eq!(
        site.wait(other.recheck(&proof)).unwrap_err().code(),
        "keyring-mismatch"
    );
}

#[test]
fn a_sealed_secret_is_no_proof() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let subject = twofa::Subject::member(&site.project, &site.ann);
    let stored = fine(site.wait(twofa::Store::load(site.service().store(), &subject)))
        .stored
        .unwrap();
    // Every run of the record's bytes that begins with the key's id may be a sealed thing.
    let key = site.ring().ring().active_id().number().to_be_bytes();
    let mut tried = 0;
    for at in 36..stored.record.len() {
        if stored.record[at..].starts_with(&key) {
            for end in at + 44..=stored.record.len() {
                let hex = base16ct::lower::encode_string(&stored.record[at..end]);
                let proof: Proof = hex.parse().unwrap();
                assert!(site.wait(site.service().recheck(&proof)).is_err());
                tried += 1;
            }
        }
    }
    assert!(tried > 10, "the sealed secret was among them: {tried}");
    drop(phone);
}

#[test]
fn how_and_when_and_whose_it_was_counts() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let listed =
        |proof: &Proof| granted(fine(site.wait(site.service().factors(proof, None, 9)))).err();
    let proof = site.sign_in(&site.ada, &phone);
    assert_eq!(listed(&proof), None);
    site.clock.forward(301);
    assert_eq!(listed(&proof), None, "the list asks for less than a reset");
    assert_eq!(
        site.reset(&proof, &site.ann).err(),
        Some(Reason::ProofTooOld)
    );
    site.clock.forward(12 * 3_600);
    assert_eq!(listed(&proof), Some(Reason::ProofTooOld));

    // Through single sign-on, while that is on; it replaces no key.
    site.set(ProjectSettings::mandatory_from(MANDATE).with_sso(Sso::supersedes()));
    let pass = allowed(site.begin_sso(&site.ada));
    assert_eq!(pass.how(), How::Sso);
    let through_sso = site.proof(&pass);
    assert_eq!(listed(&through_sso), None);
    assert_eq!(site.replace(&through_sso).err(), Some(Reason::ProofInvalid));
    assert_eq!(site.reset(&through_sso, &site.ann).err(), None);
    site.set(ProjectSettings::mandatory_from(MANDATE));
    assert_eq!(listed(&through_sso), Some(Reason::ProofInvalid));

    // From a clock that was ahead by more than a correction.
    site.clock.forward(1_000);
    let ahead = site.sign_in(&site.ada, &phone);
    site.clock.back(121);
    assert_eq!(listed(&ahead), Some(Reason::ProofInvalid));
}

#[test]
fn step_up_age_is_the_projects() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &phone);
    site.set(ProjectSettings::mandatory_from(MANDATE).with_step_up_age(60));
    site.clock.forward(61);
    assert_eq!(
        site.reset(&proof, &site.ann).err(),
        Some(Reason::ProofTooOld)
    );
    site.clock.back(1);
    assert!(site.reset(&proof, &site.ann).is_ok());
}

#[test]
fn login_ids_are_text_of_32_digits_and_all_different() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    site.enrol(&site.ann);
    let ids: BTreeSet<_> = (0..200)
        .map(|_| site.challenge(&site.ann).to_string())
        .collect();
    assert_eq!(ids.len(), 200);
    for id in &ids {
        assert_eq!(id.len(), 32);
        let read: twofa::LoginId = id.parse().unwrap();
        assert_eq!(read.to_string(), *id);
        assert_eq!(format!("{read:?}"), "LoginId(..)");
    }
    for text in [
        "",
        "0",
        &"0".repeat(31),
        &"0".repeat(33),
        &"g".repeat(32),
        &"0".repeat(64),
    ] {
        assert!(text.parse::<twofa::LoginId>().is_err(), "{text:?}");
    }
    let never: twofa::LoginId = "00112233445566778899aabbccddeeff".parse().unwrap();
    assert_eq!(
        twofa::testkit::reason(site.answer(&never, "123456")),
        Reason::UnknownLogin
    );
    assert!(site.now() > UnixTime::EPOCH);
}
