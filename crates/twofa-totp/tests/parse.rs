//! What people type as a code, and what is no code.

use proptest::prelude::*;
use twofa_totp::{Code, MalformedCode};

#[test]
fn every_way_of_typing_is_one_code() {
    for typed in [
        "012345",
        " 012345 ",
        "012 345",
        "01-23-45",
        "0 1 2 3 4 5",
        "012\u{a0}345",
        "０１２３４５",
        "０１２　３４５".replace('　', " ").as_str(),
        "٠١٢٣٤٥",
        "۰۱۲۳۴۵",
        "0１٢۳45",
    ] {
        let code = Code::parse(typed).unwrap();
        assert_eq!(code.expose().as_ref(), "012345", "{typed:?}");
        assert_eq!(code.digits().get(), 6, "{typed:?}");
    }
}

#[test]
fn leading_zeros_count() {
    for (typed, digits) in [
        ("000000", 6),
        ("0000000", 7),
        ("00000000", 8),
        ("00000001", 8),
    ] {
        let code = Code::parse(typed).unwrap();
        assert_eq!(
            (code.expose().as_ref(), code.digits().get()),
            (typed, digits)
        );
    }
    assert_eq!(
        Code::parse("99999999").unwrap().expose().as_ref(),
        "99999999"
    );
}

#[test]
fn anything_else_is_malformed() {
    let character = |at| MalformedCode::Character { at };
    let digits = |count| MalformedCode::Digits { count };
    for (typed, why) in [
        ("", digits(0)),
        (" -\u{a0}", digits(0)),
        ("12345", digits(5)),
        ("123456789", digits(9)),
        ("123456\n", character(6)),
        ("\t123456", character(0)),
        ("+12345", character(0)),
        ("12345a", character(5)),
        ("123.456", character(3)),
        ("123–456", character(3)),        // en dash
        ("123\u{3000}456", character(3)), // ideographic space
        ("123\u{2009}456", character(3)), // thin space
        ("१२३४५६", character(0)),         // Devanagari
        ("①②③④⑤⑥", character(0)),
        ("𝟏𝟐𝟑𝟒𝟓𝟔", character(0)),          // mathematical bold
        ("1234５\u{200b}6", character(7)), // zero width space
    ] {
        assert_eq!(Code::parse(typed).unwrap_err(), why, "{typed:?}");
    }
    let long = "1".repeat(Code::MAX_INPUT_BYTES);
    assert_eq!(Code::parse(&long).unwrap_err(), digits(64));
    assert_eq!(
        Code::parse(&format!("{long} ")).unwrap_err(),
        MalformedCode::TooLong
    );
    assert_eq!(
        Code::parse(&" ".repeat(1 << 20)).unwrap_err(),
        MalformedCode::TooLong
    );
}

#[test]
fn neither_debug_nor_an_error_shows_what_was_typed() {
    let code = Code::parse("271828").unwrap();
    let shown = format!("{code:?} {:?}", code.expose());
    assert_eq!(shown, "Code(..) CodeText(..)");
    for wrong in ["271828271828", "271828x", "2718"] {
        let error = Code::parse(wrong).unwrap_err();
        let shown = format!("{error:?} {error}");
        assert!(!shown.contains("2718"), "{shown}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_code_or_an_error(text in ".{0,80}") {
        if let Ok(code) = Code::parse(&text) {
            let exposed = code.expose();
            prop_assert_eq!(exposed.as_ref().len(), usize::from(code.digits().get()));
            // Parsing what is shown gives the same code again.
            let again = Code::parse(exposed.as_ref()).unwrap();
            prop_assert_eq!(again.expose().to_string(), exposed.to_string());
        }
    }

    #[test]
    fn digits_survive_any_separators(
        code in "[0-9]{6,8}",
        gaps in prop::collection::vec("[ \u{a0}-]{0,2}", 9),
    ) {
        let mut typed = String::new();
        for (gap, digit) in gaps.iter().zip(code.chars()) {
            typed.push_str(gap);
            typed.push(digit);
        }
        typed.push_str(&gaps[8]);
        prop_assert_eq!(Code::parse(&typed).unwrap().expose().to_string(), code);
    }
}
