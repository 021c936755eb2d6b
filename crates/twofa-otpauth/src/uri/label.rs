//! The label of a key URI: an account, usually with an issuer and a colon before it.

use super::parse::Notes;
use super::{ParseError, Warning};
use crate::percent;

pub(super) struct Label {
    /// The issuer before the colon; never empty.
    pub(super) issuer: Option<String>,
    pub(super) account: String,
}

/// Splits a raw label. `issuer` is the parameter's value: it settles which of several colons separates.
pub(super) fn read(
    raw: &str,
    issuer: Option<&str>,
    notes: &mut Notes,
) -> Result<Label, ParseError> {
    let decoded = percent::decode(raw, false).ok_or(ParseError::LabelUtf8)?;
    notes.note_decoded(&decoded);
    if raw.contains('/') {
        notes.add(Warning::RawCharacter);
    }
    let whole = decoded.text.as_str();
    if whole.contains(char::is_control) {
        return Err(ParseError::LabelControl);
    }
    if whole.matches(':').count() > 1 {
        notes.add(Warning::LabelColon);
    }
    let (prefix, account) = split(raw, whole, issuer);
    let trimmed = account.trim_start_matches(' ');
    if trimmed.len() != account.len() {
        notes.add(Warning::SpaceAfterColon);
    }
    if trimmed.is_empty() {
        notes.add(Warning::AccountMissing);
    }
    if prefix == Some("") {
        notes.add(Warning::IssuerEmpty);
    }
    Ok(Label {
        issuer: prefix.filter(|p| !p.is_empty()).map(str::to_owned),
        account: trimmed.to_owned(),
    })
}

/// The colon that separates is, in this order: the one after the issuer that the parameter names; the first one
/// that stands raw, since `%3A` beside it is then part of a name; the first one.
fn split<'a>(raw: &str, whole: &'a str, issuer: Option<&str>) -> (Option<&'a str>, &'a str) {
    if let Some(issuer) = issuer
        && let Some(account) = whole
            .strip_prefix(issuer)
            .and_then(|rest| rest.strip_prefix(':'))
    {
        return (whole.get(..issuer.len()), account);
    }
    // The raw colon is the decoded text's colon number n, n being the encoded ones before it.
    let encoded_before = raw
        .split_once(':')
        .and_then(|(before, _)| percent::decode(before, false))
        .map_or(0, |before| before.text.matches(':').count());
    match whole.match_indices(':').nth(encoded_before) {
        Some((at, _)) => (whole.get(..at), whole.get(at + 1..).unwrap_or("")),
        None => (None, whole),
    }
}
