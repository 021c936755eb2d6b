//! Codes are a contract: their texts are pinned, and the page that documents them is current.

use std::collections::HashSet;

use twofa_policy::{Reason, Remedy, Warning};
use twofa_types::UnixTime;

/// The codes as published. A line may be added; none may change or go within a major version.
const PUBLISHED: &str = "
sso-not-enabled sso-supersedes sso-required locked factor-active reset-by-admin reset-by-support
sso-password-challenged mandatory not-yet-mandatory optional clock-behind record-unreadable
wrong-code code-already-used clock-off malformed expired superseded unknown-login handover-code
unknown-project proof-invalid proof-too-old not-an-administrator self-reset nothing-to-reset key-missing
nothing-to-replace already-set-up already-reset operator-only operator-missing ticket-missing
";

fn remedies() -> Vec<Remedy> {
    vec![
        Remedy::SetUp,
        Remedy::EnterCode,
        Remedy::SignInThroughSso,
        Remedy::SignInWithPassword,
        Remedy::WaitUntil(UnixTime::EPOCH),
        Remedy::AskAdministrator,
        Remedy::OpenSupportTicket,
        Remedy::NameOperator,
        Remedy::NameTicket,
        Remedy::GiveKeyUp,
    ]
}

#[test]
fn codes_are_the_published_ones() {
    let codes: Vec<_> = Reason::ALL.iter().map(|r| r.code()).collect();
    let published: Vec<_> = PUBLISHED.split_whitespace().collect();
    assert_eq!(codes, published);
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        assert_eq!(reason.to_string(), reason.code());
    }
    assert_eq!(Reason::from_code(""), None);
    assert_eq!(Reason::from_code("mandatory "), None);
    let codes: Vec<_> = remedies().iter().map(|r| r.code()).collect();
    assert_eq!(
        codes.join(" "),
        "set-up enter-code sign-in-through-sso sign-in-with-password wait-until ask-administrator \
         open-support-ticket name-operator name-ticket give-key-up"
    );
    assert_eq!(Remedy::SetUp.to_string(), "set-up");
    let codes: Vec<_> = Warning::ALL.iter().map(|w| w.code()).collect();
    assert_eq!(
        codes.join(" "),
        "single-administrator no-enrolled-administrator password-exempt-under-sso administrator-could-reset"
    );
    assert_eq!(
        Warning::SingleAdministrator.to_string(),
        "single-administrator"
    );
}

#[test]
fn codes_are_kebab_case_and_sentences_are_sentences() {
    let mut seen = HashSet::new();
    let warnings = Warning::ALL.iter().map(|w| (w.code(), w.sentence()));
    let reasons = Reason::ALL.iter().map(|r| (r.code(), r.sentence()));
    let remedies = remedies().into_iter().map(|r| (r.code(), r.sentence()));
    for (code, sentence) in reasons.chain(remedies).chain(warnings) {
        assert!(
            code.split('-')
                .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase())),
            "{code}"
        );
        assert!(seen.insert(code), "{code} twice");
        assert!(seen.insert(sentence), "{sentence} twice");
        assert!(
            sentence.starts_with(|c: char| c.is_ascii_uppercase()),
            "{sentence}"
        );
        assert!(sentence.ends_with('.'), "{sentence}");
    }
    for reason in Reason::ALL {
        assert!(reason.who_can_change().ends_with('.'), "{reason}");
    }
}

/// Every code has its row in the page, with the texts that the crate gives, and the page has no other code.
#[test]
fn the_page_of_reasons_is_current() {
    let page = include_str!("../../../../docs/REASONS.md");
    let rows: HashSet<&str> = page.lines().filter(|l| l.starts_with("| `")).collect();
    let reasons = Reason::ALL.iter().map(|r| {
        format!(
            "| `{}` | {} | {} |",
            r.code(),
            r.sentence(),
            r.who_can_change()
        )
    });
    let remedies = remedies()
        .into_iter()
        .map(|r| format!("| `{}` | {} |", r.code(), r.sentence()));
    let warnings = Warning::ALL
        .iter()
        .map(|w| format!("| `{}` | {} |", w.code(), w.sentence()));
    let current: Vec<_> = reasons.chain(remedies).chain(warnings).collect();
    for row in &current {
        assert!(
            rows.contains(row.as_str()),
            "docs/REASONS.md lacks the row\n{row}"
        );
    }
    assert_eq!(
        rows.len(),
        current.len(),
        "docs/REASONS.md has rows of codes that do not exist"
    );
}
