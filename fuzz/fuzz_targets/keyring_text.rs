//! A keyring's text: what is read is written and read back alike, and no key shows in what is printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa::Keyring;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let ring = match Keyring::from_text(text) {
        Ok(ring) => ring,
        Err(error) => {
            // The message goes to a log: none of the text's keys may be in it.
            let told = error.to_string().to_ascii_lowercase();
            let long =
                |word: &&str| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(
                !text
                    .to_ascii_lowercase()
                    .split_ascii_whitespace()
                    .filter(long)
                    .any(|key| told.contains(key))
            );
            return;
        }
    };
    assert!(
        ring.ids().any(|id| id == ring.active_id()),
        "the active key is in the ring"
    );
    let written = ring.to_text();
    let again = Keyring::from_text(&written).expect("what was written is read");
    assert_eq!(*again.to_text(), *written);
    assert_eq!(
        (again.active_id(), again.ids().count()),
        (ring.active_id(), ring.ids().count())
    );
    let shown = format!("{ring:?}");
    assert!(
        written
            .lines()
            .filter_map(|line| line.split(' ').nth(3))
            .all(|key| !shown.contains(key))
    );
});
