//! Bounds of names, and times over their whole range.
use proptest::prelude::*;
use twofa_types::{Name, NameError, ProjectId, UnixTime};

#[test]
fn times_print_as_rfc_3339() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_669_852_799, "2022-11-30T23:59:59Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (253_402_300_800, "253402300800"),
        (u64::MAX, "18446744073709551615"),
    ] {
        assert_eq!(UnixTime::from_secs(seconds).to_string(), text, "{seconds}");
    }
}

#[test]
fn arithmetic_saturates() {
    assert_eq!(UnixTime::MAX.saturating_add(1), UnixTime::MAX);
    assert_eq!(UnixTime::EPOCH.saturating_sub(1), UnixTime::EPOCH);
    assert_eq!(UnixTime::EPOCH.seconds_since(UnixTime::MAX), 0);
}

#[test]
fn what_misleads_the_eye_is_refused_by_name_and_place() {
    for bad in [
        "a\0",
        "a\nb",
        "a\u{7f}",
        "\u{200f}a",
        "x\u{202e}y",
        "\u{feff}x",
        "a\u{2066}b",
        "a\u{200b}b",
    ] {
        assert!(
            matches!(Name::new(bad), Err(NameError::Forbidden { .. })),
            "{bad:?}"
        );
    }
    for bad in [" a", "a ", "\u{a0}a"] {
        assert_eq!(Name::new(bad), Err(NameError::OuterSpace), "{bad:?}");
    }
    let message = Name::new("ab\u{202e}").unwrap_err().to_string();
    assert!(
        message.contains("202e") && message.contains("byte 2"),
        "{message}"
    );
}

#[test]
fn length_is_counted_in_bytes() {
    assert_eq!(Name::new(&"é".repeat(127)).unwrap().as_str().len(), 254);
    assert_eq!(
        Name::new(&"é".repeat(128)),
        Err(NameError::TooLong { bytes: 256 })
    );
}

proptest! {
    #[test]
    fn any_text_is_kept_exactly_or_refused(text in any::<String>()) {
        if let Ok(id) = ProjectId::new(&text) {
            prop_assert_eq!(id.as_str(), text.as_str());
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
