//! Reading batches.

use thiserror::Error;
use twofa_totp::{Algorithm, Digits, Params, Secret};
use zeroize::Zeroizing;

use super::wire::{Fields, Malformed, Value};
use super::{MAX_ACCOUNTS_READ, MAX_BATCH_LEN, MAX_BATCHES, account, base64, field};
use crate::percent;
use crate::uri::{KeyUri, Kind, Notes, Warning, label};

/// Why a text is not an export batch, or several are not one export. Never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than [`MAX_BATCH_LEN`] bytes.
    #[error("the export batch is longer than {MAX_BATCH_LEN} bytes")]
    TooLong,
    /// Another beginning than `otpauth-migration://offline`.
    #[error("not an export batch: it must begin with otpauth-migration://offline?data=")]
    Scheme,
    /// No `data` parameter, or an empty one.
    #[error("the export batch holds no data")]
    DataMissing,
    /// The data are not base64.
    #[error("the export batch's data are not base64")]
    Base64,
    /// The data are not the message that they should be: cut off, perhaps.
    #[error("the export batch's data are cut off or malformed")]
    Malformed,
    /// More accounts than [`MAX_ACCOUNTS_READ`].
    #[error("the export batch holds more than {MAX_ACCOUNTS_READ} accounts")]
    TooManyAccounts,
    /// The batch says that it is one of none, of too many, or comes after the last.
    #[error("the export batch's place among the others makes no sense")]
    Part,
    /// Two batches of different exports.
    #[error("batch {position} belongs to another export than the first")]
    OtherExport {
        /// Which of the given texts, from 1.
        position: usize,
    },
    /// The same batch twice.
    #[error("batch {position} was given before")]
    Repeated {
        /// Which of the given texts, from 1.
        position: usize,
    },
    /// A batch of the export is missing.
    #[error("batch {} of {of} is missing: scan it as well", index + 1)]
    Missing {
        /// Which one, from 0.
        index: u16,
        /// How many there are.
        of: u16,
    },
}

impl From<Malformed> for DecodeError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Why one account of a batch cannot be used, while the others can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// No secret, or an empty one.
    #[error("the account has no secret")]
    SecretMissing,
    /// Name or issuer are not UTF-8.
    #[error("the account's name or issuer is not UTF-8")]
    Utf8,
    /// Name or issuer hold a control character.
    #[error("the account's name or issuer holds a control character")]
    Control,
    /// An algorithm other than SHA-1, SHA-256 and SHA-512 (MD5, for instance).
    #[error("the account's algorithm is not SHA1, SHA256 or SHA512")]
    Algorithm,
    /// Digits other than 6 and 8, the two that a batch can say.
    #[error("the account's digits are not known")]
    Digits,
    /// Neither clock nor counter.
    #[error("the account's kind of codes is not known")]
    Type,
    /// A negative counter.
    #[error("the account's counter is negative")]
    Counter,
}

/// The place of a batch in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Which batch this is, from 0.
    pub index: u16,
    /// How many there are, at least 1.
    pub of: u16,
    /// A number that the batches of one export share.
    pub id: i32,
}

/// An account that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Account {
    /// The key, with all that belongs to it.
    pub uri: KeyUri,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

/// A batch that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Batch {
    /// Its accounts in their order; one that cannot be used is an error in its place, and the others still land.
    pub accounts: Vec<Result<Account, AccountError>>,
    /// Its place in the export.
    pub part: Part,
}

/// Reads one batch.
///
/// # Errors
///
/// Says why it cannot be read as a whole; what is wrong with one account is said in its place.
///
/// ```
/// let met = "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZTAC";
/// let batch = twofa_otpauth::migration::decode(met)?;
/// let account = batch.accounts[0].as_ref().unwrap();
/// assert_eq!(account.uri.issuer(), Some("Example"));
/// assert_eq!(account.uri.account(), "alice@google.com");
/// # Ok::<(), twofa_otpauth::migration::DecodeError>(())
/// ```
pub fn decode(text: &str) -> Result<Batch, DecodeError> {
    if text.len() > MAX_BATCH_LEN {
        return Err(DecodeError::TooLong);
    }
    let (scheme, rest) = text.trim().split_once("://").ok_or(DecodeError::Scheme)?;
    if !scheme.eq_ignore_ascii_case("otpauth-migration") {
        return Err(DecodeError::Scheme);
    }
    let (host, query) = rest.split_once('?').ok_or(DecodeError::DataMissing)?;
    if !host.trim_end_matches('/').eq_ignore_ascii_case("offline") {
        return Err(DecodeError::Scheme);
    }
    let data = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("data="))
        .filter(|data| !data.is_empty())
        .ok_or(DecodeError::DataMissing)?;
    let data = percent::decode(data, false).ok_or(DecodeError::Base64)?;
    let payload = base64::decode(&data.text).ok_or(DecodeError::Base64)?;
    read_payload(&payload)
}

/// Reads all batches of an export, in any order, and joins them in theirs.
///
/// # Errors
///
/// As [`decode`]; also when a batch is missing, given twice, or of another export.
pub fn decode_all<'a>(
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Result<Account, AccountError>>, DecodeError> {
    let mut found: Vec<Batch> = Vec::new();
    for (at, text) in texts.into_iter().enumerate() {
        let (batch, position) = (decode(text)?, at + 1);
        if found
            .iter()
            .any(|b| (b.part.id, b.part.of) != (batch.part.id, batch.part.of))
        {
            return Err(DecodeError::OtherExport { position });
        }
        // Since places are bounded and no place is taken twice, so is what is gathered here.
        if found.iter().any(|b| b.part.index == batch.part.index) {
            return Err(DecodeError::Repeated { position });
        }
        found.push(batch);
    }
    found.sort_by_key(|batch| batch.part.index);
    let of = found.first().map_or(0, |batch| batch.part.of);
    for index in 0..of {
        if found
            .get(usize::from(index))
            .is_none_or(|batch| batch.part.index != index)
        {
            return Err(DecodeError::Missing { index, of });
        }
    }
    Ok(found.into_iter().flat_map(|batch| batch.accounts).collect())
}

fn read_payload(payload: &[u8]) -> Result<Batch, DecodeError> {
    let mut accounts = Vec::new();
    let (mut size, mut index, mut id) = (0, 0, 0);
    for item in Fields::of(payload) {
        match item? {
            (field::ACCOUNT, Value::Bytes(message)) => {
                if accounts.len() == MAX_ACCOUNTS_READ {
                    return Err(DecodeError::TooManyAccounts);
                }
                accounts.push(read_account(message)?);
            }
            (field::BATCH_SIZE, Value::Varint(value)) => size = value,
            (field::BATCH_INDEX, Value::Varint(value)) => index = value,
            (field::BATCH_ID, Value::Varint(value)) => id = value,
            (field::ACCOUNT | field::BATCH_SIZE | field::BATCH_INDEX | field::BATCH_ID, _) => {
                return Err(DecodeError::Malformed);
            }
            // The version, and whatever later versions add.
            _ => {}
        }
    }
    // Programs that write a single batch often leave all of this out.
    let narrow = |value| u16::try_from(value).map_err(|_| DecodeError::Part);
    let (of, index) = (narrow(size)?.max(1), narrow(index)?);
    if usize::from(of) > MAX_BATCHES || index >= of {
        return Err(DecodeError::Part);
    }
    Ok(Batch {
        accounts,
        part: Part {
            index,
            of,
            id: low_32(id),
        },
    })
}

/// An int32 is written as the varint of its 64-bit form: its low 32 bits are the number.
fn low_32(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// What an account's message says, uninterpreted.
#[derive(Default)]
struct Raw<'a> {
    secret: &'a [u8],
    name: &'a [u8],
    issuer: &'a [u8],
    algorithm: u64,
    digits: u64,
    kind: u64,
    counter: u64,
}

fn read_account(message: &[u8]) -> Result<Result<Account, AccountError>, Malformed> {
    let mut raw = Raw::default();
    for item in Fields::of(message) {
        match item? {
            (account::SECRET, Value::Bytes(bytes)) => raw.secret = bytes,
            (account::NAME, Value::Bytes(bytes)) => raw.name = bytes,
            (account::ISSUER, Value::Bytes(bytes)) => raw.issuer = bytes,
            (account::ALGORITHM, Value::Varint(value)) => raw.algorithm = value,
            (account::DIGITS, Value::Varint(value)) => raw.digits = value,
            (account::TYPE, Value::Varint(value)) => raw.kind = value,
            (account::COUNTER, Value::Varint(value)) => raw.counter = value,
            (account::SECRET..=account::COUNTER, _) => return Err(Malformed),
            _ => {}
        }
    }
    Ok(raw.interpret())
}

impl Raw<'_> {
    fn interpret(&self) -> Result<Account, AccountError> {
        let mut notes = Notes::default();
        // 0 is "unspecified" in each of these, and stands for the default.
        let algorithm = match self.algorithm {
            0 | 1 => Algorithm::Sha1,
            2 => Algorithm::Sha256,
            3 => Algorithm::Sha512,
            _ => return Err(AccountError::Algorithm),
        };
        let digits = match self.digits {
            0 | 1 => Digits::Six,
            2 => Digits::Eight,
            _ => return Err(AccountError::Digits),
        };
        let kind = match self.kind {
            0 | 2 => Kind::Totp,
            1 if self.counter >> 63 == 0 => Kind::Hotp {
                counter: self.counter,
            },
            1 => return Err(AccountError::Counter),
            _ => return Err(AccountError::Type),
        };
        let secret = Secret::from_bytes(self.secret)
            .or_else(|_| {
                notes.add(Warning::SecretReduced);
                Secret::reduce(self.secret, algorithm)
            })
            .map_err(|_| AccountError::SecretMissing)?;
        notes.note_secret_len(self.secret.len());
        let name = text(self.name)?;
        let issuer = text(self.issuer)?;
        if issuer.contains(char::is_control) {
            return Err(AccountError::Control);
        }
        let issuer = Some(issuer.as_str()).filter(|issuer| !issuer.is_empty());
        let label = label::read_plain(&name, issuer, &mut notes).ok_or(AccountError::Control)?;
        let issuer = notes
            .settle_issuer(issuer, label.issuer.as_deref())
            .map(str::to_owned);
        let params = Params::default()
            .with_algorithm(algorithm)
            .with_digits(digits);
        Ok(Account {
            uri: KeyUri::from_parts(kind, issuer, label.account, secret, params),
            warnings: notes.warnings,
        })
    }
}

fn text(bytes: &[u8]) -> Result<Zeroizing<String>, AccountError> {
    let text = core::str::from_utf8(bytes).map_err(|_| AccountError::Utf8)?;
    Ok(Zeroizing::new(text.to_owned()))
}
