//! Writing batches.

use thiserror::Error;
use twofa_totp::{Algorithm, Digits, Period};
use zeroize::Zeroizing;

use super::wire::{put_bytes, put_number};
use super::{MAX_ACCOUNTS_WRITTEN, MAX_BATCHES, account, base64, field};
use crate::uri::{KeyUri, Kind};
use crate::{SecretText, percent};

const PREFIX: &str = "otpauth-migration://offline?data=";

/// Bytes of accounts that one batch takes, so that its QR code stays easy to scan: with base64 and percent-encoding
/// around them they make a symbol of version 17 or thereabouts.
const MAX_PAYLOAD: usize = 350;

/// Why keys cannot be exported. `position` counts the given keys from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More batches than [`MAX_BATCHES`] would be needed.
    #[error("too many keys for one export: at most {MAX_BATCHES} batches")]
    TooMany,
    /// A batch cannot say a period, and whoever reads it takes 30 seconds.
    #[error("key {position} has a period other than 30 seconds, which an export batch cannot say")]
    Period {
        /// Which key.
        position: usize,
    },
    /// A batch can say 6 and 8 digits only.
    #[error("key {position} has 7 digits, which an export batch cannot say")]
    Digits {
        /// Which key.
        position: usize,
    },
    /// A batch can say counters up to 2^63 - 1.
    #[error("key {position} has a counter that an export batch cannot say")]
    Counter {
        /// Which key.
        position: usize,
    },
    /// A batch cannot say Steam.
    #[error("key {position} makes Steam's codes, which an export batch cannot say")]
    Steam {
        /// Which key.
        position: usize,
    },
}

/// Writes keys as batches: as many as are needed for each to fit a QR code that scans easily, at most
/// [`MAX_ACCOUNTS_WRITTEN`] keys in each. No keys, no batches.
///
/// `id` is what marks the batches as parts of one export: take a random number.
///
/// # Errors
///
/// Refuses a key that a batch cannot express, since another app would make wrong codes of it.
///
/// ```
/// use twofa_otpauth::{KeyUri, migration};
/// use twofa_totp::{Params, Secret};
///
/// let secret = Secret::from_bytes(b"12345678901234567890")?;
/// let key = KeyUri::totp("ACME", "jo@example.com", secret, Params::default())?;
/// let batches = migration::encode(&[key], 7)?;
/// let read = migration::decode(batches[0].expose_secret())?;
/// assert_eq!(read.accounts[0].as_ref().unwrap().uri.account(), "jo@example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode(keys: &[KeyUri], id: i32) -> Result<Vec<SecretText>, EncodeError> {
    let mut batches: Vec<Vec<Zeroizing<Vec<u8>>>> = Vec::new();
    let mut room = 0;
    for (at, key) in keys.iter().enumerate() {
        let message = write_account(key, at + 1)?;
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_ACCOUNTS_WRITTEN && message.len() <= room => {
                room -= message.len();
                batch.push(message);
            }
            _ => {
                room = MAX_PAYLOAD.saturating_sub(message.len());
                batches.push(vec![message]);
            }
        }
    }
    if batches.len() > MAX_BATCHES {
        return Err(EncodeError::TooMany);
    }
    let of = u64::try_from(batches.len()).map_err(|_| EncodeError::TooMany)?;
    Ok((0..)
        .zip(&batches)
        .map(|(index, batch)| write_batch(batch, index, of, id))
        .collect())
}

fn write_batch(messages: &[Zeroizing<Vec<u8>>], index: u64, of: u64, id: i32) -> SecretText {
    let len: usize = messages.iter().map(|message| message.len() + 4).sum();
    let mut payload = Zeroizing::new(Vec::with_capacity(len + 32));
    for message in messages {
        put_bytes(&mut payload, field::ACCOUNT, message);
    }
    put_number(&mut payload, field::VERSION, 1);
    put_number(&mut payload, field::BATCH_SIZE, of);
    put_number(&mut payload, field::BATCH_INDEX, index);
    // An int32 is written as its 64-bit form.
    put_number(&mut payload, field::BATCH_ID, i64::from(id).cast_unsigned());
    let data = base64::encode(&payload);
    let mut uri = String::with_capacity(PREFIX.len() + percent::encoded_len(&data, &[]));
    uri.push_str(PREFIX);
    percent::encode_into(&mut uri, &data, &[]);
    SecretText::new(uri)
}

fn write_account(key: &KeyUri, position: usize) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
    let params = key.params();
    let algorithm = match params.algorithm() {
        Algorithm::Sha256 => 2,
        Algorithm::Sha512 => 3,
        Algorithm::Sha1 => 1,
    };
    let digits = match params.digits() {
        Digits::Six => 1,
        Digits::Eight => 2,
        Digits::Seven => return Err(EncodeError::Digits { position }),
    };
    let (kind, counter) = match key.kind() {
        Kind::Totp if params.period() == Period::default() => (2, 0),
        Kind::Totp => return Err(EncodeError::Period { position }),
        Kind::Hotp { counter } if counter >> 63 == 0 => (1, counter),
        Kind::Hotp { .. } => return Err(EncodeError::Counter { position }),
        #[cfg(feature = "steam")]
        Kind::Steam => return Err(EncodeError::Steam { position }),
    };
    let secret = key.secret().expose_secret();
    let issuer = key.issuer().unwrap_or("");
    let name = if issuer.is_empty() && !key.account().contains(':') {
        key.account().to_owned()
    } else {
        format!("{issuer}:{}", key.account())
    };
    let mut message = Zeroizing::new(Vec::with_capacity(
        secret.len() + name.len() + issuer.len() + 40,
    ));
    put_bytes(&mut message, account::SECRET, secret);
    put_bytes(&mut message, account::NAME, name.as_bytes());
    if !issuer.is_empty() {
        put_bytes(&mut message, account::ISSUER, issuer.as_bytes());
    }
    put_number(&mut message, account::ALGORITHM, algorithm);
    put_number(&mut message, account::DIGITS, digits);
    put_number(&mut message, account::TYPE, kind);
    put_number(&mut message, account::COUNTER, counter);
    Ok(message)
}
