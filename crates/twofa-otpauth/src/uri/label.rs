//! The label of a key URI: an account, usually with an issuer and a colon before it.

use super::parse::Notes;
use super::{ParseError, Warning};
use crate::percent;

pub(crate) struct Label {
    /// The issuer before the colon; never empty.
    pub(crate) issuer: Option<String>,
    pub(crate) account: String,
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
    // A raw colon is the decoded text's colon number n, n being the encoded ones before it.
    let encoded_before = raw
        .split_once(':')
        .and_then(|(before, _)| percent::decode(before, false))
        .map_or(0, |before| before.text.matches(':').count());
    separate(&decoded.text, encoded_before, issuer, notes).ok_or(ParseError::LabelControl)
}

/// Splits a label that carries no escapes, as export batches hold it. `None` where it has a control character.
pub(crate) fn read_plain(name: &str, issuer: Option<&str>, notes: &mut Notes) -> Option<Label> {
    separate(name, 0, issuer, notes)
}

fn separate(
    whole: &str,
    encoded_before: usize,
    issuer: Option<&str>,
    notes: &mut Notes,
) -> Option<Label> {
    if whole.contains(char::is_control) {
        return None;
    }
    if whole.matches(':').count() > 1 {
        notes.add(Warning::LabelColon);
    }
    let (prefix, account) = split(whole, encoded_before, issuer);
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
    Some(Label {
        issuer: prefix.filter(|p| !p.is_empty()).map(str::to_owned),
        account: trimmed.to_owned(),
    })
}

/// The colon that separates is, in this order: the one after the issuer that the parameter names; the first one
/// that stands raw, since `%3A` before it is then part of a name; the first one.
fn split<'a>(
    whole: &'a str,
    encoded_before: usize,
    issuer: Option<&str>,
) -> (Option<&'a str>, &'a str) {
    if let Some(issuer) = issuer
        && let Some(account) = whole
            .strip_prefix(issuer)
            .and_then(|rest| rest.strip_prefix(':'))
    {
        return (whole.get(..issuer.len()), account);
    }
    match whole.match_indices(':').nth(encoded_before) {
        Some((at, _)) => (whole.get(..at), whole.get(at + 1..).unwrap_or("")),
        None => (None, whole),
    }
}
