//! Our symbols are `qrcodegen`'s, module for module, mask included.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests"
)]

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};
use twofa_otpauth::{Qr, QrError, qr};

fn reference(text: &str) -> QrCode {
    QrCode::encode_segments_advanced(
        &QrSegment::make_segments(text),
        QrCodeEcc::Medium,
        Version::new(1),
        Version::new(qr::MAX_VERSION),
        None,
        false,
    )
    .unwrap()
}

fn assert_same(text: &str) -> u8 {
    let (ours, theirs) = (Qr::encode(text).unwrap(), reference(text));
    assert_eq!(i32::from(ours.size()), theirs.size(), "{text:?}");
    assert_eq!(ours.version(), theirs.version().value());
    for y in 0..ours.size() {
        for x in 0..ours.size() {
            assert_eq!(
                ours.is_dark(x, y),
                theirs.get_module(x.into(), y.into()),
                "module ({x}, {y}), qrcodegen's mask {}, of {text:?}",
                theirs.mask().value()
            );
        }
    }
    theirs.mask().value()
}

/// A small generator (`SplitMix64`), so that the texts are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn text(&mut self, length: usize, alphabet: &[char]) -> String {
        (0..length)
            .map(|_| alphabet[self.next() as usize % alphabet.len()])
            .collect()
    }
}

#[test]
fn equal_over_two_thousand_texts() {
    let mut random = Random(1);
    let base32: Vec<char> = ('A'..='Z').chain('2'..='7').collect();
    let mixed: Vec<char> = (' '..='~').chain("äéλЖ漢字🙂".chars()).collect();
    let alphabets: [&[char]; 4] = [&base32, &mixed, &['0', '1', '7'], &['a']];
    let mut masks = [0; 8];
    for i in 0..2000 {
        // Mostly the lengths of key URIs, and every version up to the last.
        let longest = if i % 10 == 0 { 700 } else { 160 };
        let length = random.next() as usize % longest;
        let mut text = random.text(length, alphabets[i % 4]);
        while text.len() > 1125 {
            text.pop();
        }
        let mask = assert_same(&text);
        masks[usize::from(mask)] += 1;
    }
    assert!(
        masks.iter().all(|&count| count > 20),
        "masks that were chosen: {masks:?}"
    );
}

#[test]
fn equal_in_every_version() {
    let mut random = Random(2);
    let letters: Vec<char> = ('a'..='z').collect();
    let mut versions = Vec::new();
    for length in (5..=1125).step_by(7) {
        let text = random.text(length, &letters);
        assert_same(&text);
        versions.push(Qr::encode(&text).unwrap().version());
    }
    versions.dedup();
    assert_eq!(versions, (1..=qr::MAX_VERSION).collect::<Vec<_>>());
}

#[test]
fn too_dense_is_refused_and_says_so() {
    assert_eq!(Qr::encode(&"x".repeat(1125)).unwrap().version(), 27);
    let refused = Qr::encode(&"x".repeat(1126)).unwrap_err();
    assert_eq!(refused, QrError::TooDense { bytes: 1126 });
    assert!(
        refused
            .to_string()
            .contains("too dense to scan off a screen")
    );
    assert_eq!(Qr::version_for(&"x".repeat(1126)), Err(refused));
}
