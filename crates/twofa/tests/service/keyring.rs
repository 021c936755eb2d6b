//! Keyrings: text, the environment, rotation, and what is wrong with each.

use std::sync::atomic::{AtomicUsize, Ordering};

use twofa::testkit::{MemoryHarness, Site};
use twofa::{KeyId, KeySource, KeyState, Keyring, KeyringError, TwoFactor};
use zeroize::Zeroizing;

fn key(byte: u8) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([byte; 32]);
    key[0] = !byte;
    key
}

#[test]
fn text_reads_back_as_it_was_written() {
    let mut ring = Keyring::generate().unwrap();
    let (first, second) = (ring.active_id(), ring.add().unwrap());
    let text = ring.to_text();
    let read = Keyring::from_text(&text).unwrap();
    assert_eq!(read.active_id(), first);
    assert_eq!(read.state(second), Some(KeyState::Added));
    assert_eq!(read.ids().count(), 2);
    assert_eq!(*read.to_text(), *text);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("twofa-keyring 2"));
    for line in lines {
        let words: Vec<_> = line.split(' ').collect();
        let [key, id, state, hex] = words.as_slice() else {
            panic!("{} words", words.len());
        };
        assert_eq!((*key, id.len(), hex.len()), ("key", 8, 64));
        let expected = if *id == first.to_string() {
            "active"
        } else {
            "added"
        };
        assert_eq!(*state, expected);
    }
    let other = Keyring::generate().unwrap();
    assert_ne!(*other.to_text(), *Keyring::generate().unwrap().to_text());
}

#[test]
fn ids_are_drawn_and_not_counted() {
    let ids: std::collections::BTreeSet<_> = (0..1000)
        .map(|_| Keyring::generate().unwrap().active_id())
        .collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().any(|id| id.number() > u32::MAX / 2));
}

#[test]
fn text_may_be_annotated_and_spaced() {
    let hex = "00112233445566778899aabbccddeeff10112233445566778899AABBCCDDEEFF";
    let text = format!("twofa-keyring 1\r\n\n# made in 2026\n  key 7  {hex}\nactive 7\n");
    let ring = Keyring::from_text(&text).unwrap();
    assert_eq!(ring.active_id(), KeyId::from_number(7));
    let text = format!("twofa-keyring 2\r\n\n# made in 2026\n  key 0000000A  active  {hex}\n");
    let ring = Keyring::from_text(&text).unwrap();
    assert_eq!(ring.active_id(), KeyId::from_number(10));
}

#[test]
fn the_format_before_is_read_with_its_ids_as_they_are() {
    let hex = "00112233445566778899aabbccddeeff10112233445566778899aabbccddeeff";
    let text = format!(
        "twofa-keyring 1\nactive 2\nkey 1 {hex}\nkey 2 2{}\n",
        &hex[1..]
    );
    let ring = Keyring::from_text(&text).unwrap();
    let written = format!(
        "twofa-keyring 2\nkey 00000001 reading {hex}\nkey 00000002 active 2{}\n",
        &hex[1..]
    );
    assert_eq!(*ring.to_text(), written);
}

#[test]
fn bad_text_is_refused_by_line() {
    let hex = "00112233445566778899aabbccddeeff10112233445566778899aabbccddeeff";
    let cases = [
        ("", 1),
        ("twofa-keyring 3\nactive 1\n", 1),
        ("twofa-keyring 2\nactive 1\n", 2),
        ("twofa-keyring 2\nkey 1 active 0011\n", 2),
        ("twofa-keyring 2\nkey 0000000g active 0011\n", 2),
        ("twofa-keyring 2\nkey +0000001 active 0011\n", 2),
        ("twofa-keyring 2\nkey 00000001 retired 0011\n", 2),
        ("twofa-keyring 2\nkey 00000001 active 0011\n", 2),
        ("twofa-keyring 2\nkey 00000001 active\n", 2),
        ("active 1\n", 1),
        ("twofa-keyring 1\n", 1),
        ("twofa-keyring 1\nactive one\n", 2),
        ("twofa-keyring 1\nactive 4294967296\n", 2),
        ("twofa-keyring 1\nactive 1 1\n", 2),
        ("twofa-keyring 1\nactive 1\nkey 1 0011\n", 3),
        ("twofa-keyring 1\nactive 1\nkey 1 zz\n", 3),
        ("twofa-keyring 1\nactive 1\nsecret 1 0011\n", 3),
    ];
    for (text, line) in cases {
        match Keyring::from_text(text) {
            Err(KeyringError::Malformed { line: at, .. }) => assert_eq!(at, line, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
    let long = format!("twofa-keyring 1\nactive 1\nkey 1 {hex}00\n");
    assert!(matches!(
        Keyring::from_text(&long),
        Err(KeyringError::Malformed { line: 3, .. })
    ));
    let twice = format!("twofa-keyring 1\nactive 1\nkey 1 {hex}\nkey 1 {hex}\n");
    assert!(matches!(
        Keyring::from_text(&twice),
        Err(KeyringError::DuplicateId { id }) if id.number() == 1
    ));
    let absent = format!("twofa-keyring 1\nactive 2\nkey 1 {hex}\n");
    assert!(matches!(
        Keyring::from_text(&absent),
        Err(KeyringError::ActiveMissing { id }) if id.number() == 2
    ));
    let blank = format!("twofa-keyring 1\nactive 1\nkey 1 {}\n", "0".repeat(64));
    assert!(matches!(
        Keyring::from_text(&blank),
        Err(KeyringError::WeakKey { id }) if id.number() == 1
    ));
    let none = format!("twofa-keyring 2\nkey 00000001 reading {hex}\n");
    let none = Keyring::from_text(&none);
    assert!(matches!(none, Err(KeyringError::NoActive)), "{none:?}");
    let both = format!("twofa-keyring 2\nkey 00000001 active {hex}\nkey 00000002 active {hex}\n");
    let both = Keyring::from_text(&both);
    assert!(
        matches!(both, Err(KeyringError::TwoActive { .. })),
        "{both:?}"
    );
    let two = format!("twofa-keyring 1\nactive 1\nkey 1 {hex}\nkey 2 {hex}\nactive 2\n");
    let two = Keyring::from_text(&two);
    assert!(
        matches!(two, Err(KeyringError::Malformed { line: 5, .. })),
        "{two:?}"
    );
}

#[test]
fn no_message_holds_a_key() {
    let hex = "c0ffee11223344556677889900aabbccddeeff00112233445566778899aabbcc";
    for text in [
        format!("twofa-keyring 1\nactive 1\nkey 1 {hex}0\n"),
        format!("twofa-keyring 1\nactive 1\nkey 1 {hex} extra\n"),
        format!("twofa-keyring 1\nactive {hex}\n"),
        format!("{hex}\n"),
    ] {
        let error = Keyring::from_text(&text).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("c0ffee"), "{said}");
    }
    let ring = Keyring::from_text(&format!("twofa-keyring 1\nactive 1\nkey 1 {hex}\n")).unwrap();
    assert_eq!(
        format!("{ring:?}"),
        "Keyring { active: 00000001, ids: [00000001], .. }"
    );
}

#[test]
fn keys_of_the_applications_own() {
    let id = KeyId::from_number;
    let ring = Keyring::from_keys(id(9), [(id(3), key(1)), (id(9), key(2))]).unwrap();
    assert_eq!(ring.active_id(), id(9));
    assert_eq!(ring.state(id(3)), Some(KeyState::Reading));
    assert!(matches!(
        Keyring::from_keys(id(1), []),
        Err(KeyringError::ActiveMissing { id }) if id.number() == 1
    ));
    for weak in [
        [7; 32],
        *b"0123456789abcdef0123456789abcdef",
        *b"correct horse battery staple ...",
    ] {
        let weak = Keyring::from_keys(id(1), [(id(1), Zeroizing::new(weak))]);
        assert!(matches!(weak, Err(KeyringError::WeakKey { .. })));
    }
    let many = (0_u32..1025).map(|number| {
        let mut key = key(1);
        key[1..5].copy_from_slice(&number.to_be_bytes());
        (id(number), key)
    });
    let mut full = Keyring::from_keys(id(0), many.clone().take(1024)).unwrap();
    assert!(matches!(full.add(), Err(KeyringError::Full)));
    assert!(matches!(
        Keyring::from_keys(id(0), many),
        Err(KeyringError::Full)
    ));
}

#[test]
fn the_active_key_is_not_removed() {
    let mut ring = Keyring::generate().unwrap();
    let active = ring.active_id();
    assert!(matches!(
        ring.remove(active),
        Err(KeyringError::RetiresActive { id }) if id == active
    ));
    let added = ring.add().unwrap();
    ring.remove(added).unwrap();
    assert!(matches!(
        ring.remove(added),
        Err(KeyringError::Unknown { id }) if id == added
    ));
    assert_eq!(ring.ids().collect::<Vec<_>>(), [active]);
}

/// Reads what its parent, the test below, put into the environment.
#[test]
fn environment_child() {
    if std::env::var_os("TWOFA_TEST_CHILD").is_some() {
        let ring = Keyring::from_env("TWOFA_TEST_KEYRING").unwrap();
        assert_eq!(ring.ids().count(), 2);
    }
}

#[test]
fn a_keyring_comes_from_the_environment() {
    let absent = Keyring::from_env("TWOFA_TEST_NO_SUCH_VARIABLE").unwrap_err();
    assert!(matches!(&absent, KeyringError::NotInEnvironment { name } if name.contains("NO_SUCH")));
    let mut ring = Keyring::generate().unwrap();
    ring.add().unwrap();
    let child = |text: &str| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "keyring::environment_child"])
            .env("TWOFA_TEST_CHILD", "1")
            .env("TWOFA_TEST_KEYRING", text)
            .output()
            .unwrap()
    };
    let read = child(&ring.to_text());
    assert!(read.status.success());
    assert!(String::from_utf8(read.stdout).unwrap().contains("1 passed"));
    assert!(!child("nothing").status.success());
}

#[test]
fn a_keyring_of_another_store_is_noticed_at_the_start() {
    use twofa::testkit::{MemoryHarness, Site, service_over};

    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let with = |text: &str| {
        let (store, directory) = site.open();
        let service = service_over(store, directory, text, &site.clock);
        let checked = site.wait(service.check_keyring());
        checked.map_err(|error| error.code())
    };
    let other = Keyring::generate().unwrap().to_text();
    assert_eq!(
        with(&other),
        Ok(()),
        "a store without records goes with any keyring"
    );
    site.enrol(&site.ann);
    assert_eq!(with(&site.keyring()), Ok(()));
    assert_eq!(with(&other), Err("keyring-mismatch"));
    let copy = site.keyring();
    let mut added = site.ring().ring();
    added.add().unwrap();
    assert_eq!(with(&added.to_text()), Ok(()));
    site.activate_new_key();
    assert_eq!(with(&site.keyring()), Ok(()));
    assert_eq!(with(&copy), Err("key-missing"));
}

/// A rotation that is whole between the two looks, at the store's record and at the ring, is no other store's ring.
#[test]
fn a_rotation_between_record_and_ring_is_no_mismatch() {
    let harness: &'static MemoryHarness = Box::leak(Box::default());
    let site: &'static Site<'static, MemoryHarness> = Box::leak(Box::new(Site::new(harness)));
    site.enrol(&site.ann);
    let reads = AtomicUsize::new(0);
    let source = KeySource::closure(move || {
        // The first is the builder's; the second comes after the record was read.
        if reads.fetch_add(1, Ordering::Relaxed) == 1 {
            site.activate_new_key();
        }
        Ok(site.ring().ring())
    });
    let (store, directory) = site.open();
    let builder = TwoFactor::builder(store, directory, source);
    let service = builder.clock(site.clock.reading()).build().unwrap();
    let checked = site.wait(service.check_keyring());
    assert!(checked.is_ok(), "{checked:?}");
}
