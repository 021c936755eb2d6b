//! Base32 of secrets, strict and lenient.

use proptest::prelude::*;
use twofa_otpauth::base32::{DecodeError, MAX_TEXT_LEN, decode_lenient, decode_strict, encode};

#[test]
fn the_vectors_of_rfc_4648_section_10_without_padding() {
    for (bytes, text) in [
        ("f", "MY"),
        ("fo", "MZXQ"),
        ("foo", "MZXW6"),
        ("foob", "MZXW6YQ"),
        ("fooba", "MZXW6YTB"),
        ("foobar", "MZXW6YTBOI"),
    ] {
        assert_eq!(encode(bytes.as_bytes()).expose_secret(), text);
        assert_eq!(&decode_strict(text).unwrap()[..], bytes.as_bytes());
    }
}

#[test]
fn strict_reads_the_canonical_text_alone() {
    for (text, expected) in [
        ("", DecodeError::Empty),
        ("A", DecodeError::Empty),
        ("MZXW6===", DecodeError::Character { at: 5 }),
        ("mzxw6", DecodeError::Character { at: 0 }),
        ("MZXW 6", DecodeError::Character { at: 4 }),
        ("MZXW6Y", DecodeError::Length),
        ("MZXW6YQA1", DecodeError::Character { at: 8 }),
        ("MZXW7", DecodeError::TrailingBits),
        ("MZ", DecodeError::TrailingBits),
    ] {
        assert_eq!(decode_strict(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn lenient_reads_what_people_type() {
    for text in ["mzxw6", "MZXW6===", "M Z-X W6", "MZXW6YA", "mzxw 6==="] {
        let (bytes, met) = decode_lenient(text).unwrap();
        assert!(
            bytes.starts_with(b"foo") && !(met.is_canonical() && text != "MZXW6YA"),
            "{text}"
        );
    }
    for text in ["0", "1", "8", "9", "MZXW6=A", "M_ZX", "MZXÅ", "MZXW6\n"] {
        assert!(
            matches!(decode_lenient(text), Err(DecodeError::Character { .. })),
            "{text}"
        );
    }
    assert_eq!(
        decode_lenient(&"A".repeat(MAX_TEXT_LEN + 1)).unwrap_err(),
        DecodeError::TooLong
    );
}

proptest! {
    #[test]
    fn both_ways(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let text = encode(&bytes);
        prop_assert_eq!(&decode_strict(text.expose_secret()).unwrap()[..], &bytes[..]);
        let (again, met) = decode_lenient(&text.expose_secret().to_lowercase()).unwrap();
        prop_assert_eq!(&again[..], &bytes[..]);
        prop_assert!(!met.trailing_bits && !met.padding && !met.separators);
    }

    #[test]
    fn strict_takes_exactly_what_is_written(text in "[A-Z2-7]{1,40}") {
        if let Ok(bytes) = decode_strict(&text) {
            prop_assert!(encode(&bytes).expose_secret() == text);
        }
    }

    #[test]
    fn any_text(text in "\\PC{0,60}") {
        let _ = (decode_strict(&text), decode_lenient(&text));
    }
}
