//! The parameters of a key URI, each at most once.

use super::parse::Notes;
use super::{Parameter, ParseError, Warning};
use crate::percent::{self, Text};

/// The raw values of the parameters that the format knows.
#[derive(Default)]
pub(super) struct Query<'a> {
    pub(super) secret: Option<Text<'a>>,
    pub(super) issuer: Option<Text<'a>>,
    pub(super) algorithm: Option<Text<'a>>,
    pub(super) digits: Option<Text<'a>>,
    pub(super) period: Option<Text<'a>>,
    pub(super) counter: Option<Text<'a>>,
    pub(super) encoder: Option<Text<'a>>,
}

impl<'a> Query<'a> {
    pub(super) fn read(query: &'a str, notes: &mut Notes) -> Result<Self, ParseError> {
        let mut values = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = key
                .strip_prefix("amp;")
                .inspect(|_| notes.add(Warning::HtmlAmpersand))
                .unwrap_or(key);
            let Some(parameter) = Parameter::named(key) else {
                notes.add(Warning::ParameterUnknown);
                continue;
            };
            if key != parameter.name() {
                notes.add(Warning::ParameterCase);
            }
            let decoded = percent::decode(value, true).ok_or(ParseError::Utf8(parameter))?;
            notes.note_decoded(&decoded);
            let slot = values.slot(parameter);
            match slot {
                // Programs differ in which of two values they take, and would show different codes.
                Some(before) if **before != *decoded.text => {
                    return Err(ParseError::Conflict(parameter));
                }
                Some(_) => notes.add(Warning::ParameterRepeated),
                None => *slot = Some(decoded.text),
            }
        }
        Ok(values)
    }

    fn slot(&mut self, parameter: Parameter) -> &mut Option<Text<'a>> {
        match parameter {
            Parameter::Secret => &mut self.secret,
            Parameter::Issuer => &mut self.issuer,
            Parameter::Algorithm => &mut self.algorithm,
            Parameter::Digits => &mut self.digits,
            Parameter::Period => &mut self.period,
            Parameter::Counter => &mut self.counter,
            Parameter::Encoder => &mut self.encoder,
        }
    }
}

/// A decimal number of ASCII digits and nothing else: `+6`, ` 6` and `-1` are not numbers here.
pub(super) fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}
