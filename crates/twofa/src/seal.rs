//! How things rest: secrets and proofs sealed (XChaCha20-Poly1305), records and events authenticated
//! (HMAC-SHA-256), each bound to the place it belongs to.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::Mac as _;
use twofa_lifecycle::{Record, SealedSecret, Vault};
use twofa_totp::Secret;
use zeroize::Zeroizing;

use crate::error::RestError;
use crate::keyring::KeyId;
use crate::keys::{HmacSha256, Keys, Rest, mac_with};
use crate::store::{AuditRow, Stored, Subject};

pub(crate) const NONCE: usize = 24;

/// What a sealed thing is for; a thing sealed for one purpose opens for no other.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Secret,
    ProofKeys,
}

impl Purpose {
    /// What a sealed thing is bound to beside its ciphertext. A key that is bound to its store binds what it
    /// seals to its own id, too.
    fn bound_to(self, id: KeyId, rest: &Rest, place: &[u8]) -> Vec<u8> {
        let label = match (self, rest.bound) {
            (Self::Secret, false) => b"twofa/1/secret".as_slice(),
            (Self::Secret, true) => b"twofa/2/secret",
            (Self::ProofKeys, _) => b"twofa/2/proof-keys",
        };
        let id = id.number().to_be_bytes();
        [label, if rest.bound { &id } else { &[] }, place].concat()
    }
}

/// Seals `plain` as key id, nonce, ciphertext; it opens only with the same purpose and `place`.
pub(crate) fn seal(
    keys: &Keys,
    purpose: Purpose,
    place: &[u8],
    nonce: &[u8; NONCE],
    plain: &[u8],
) -> Result<Vec<u8>, RestError> {
    let (id, rest) = keys.active()?;
    let aad = purpose.bound_to(id, rest, place);
    encrypt(&rest.secrets, id, nonce, plain, &aad)
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    keys: &Keys,
    purpose: Purpose,
    place: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, RestError> {
    let id = key_id(sealed).ok_or(RestError::Altered)?;
    let rest = keys.opening(id)?;
    decrypt(&rest.secrets, sealed, &purpose.bound_to(id, rest, place))
}

/// Key id, nonce, ciphertext.
pub(crate) fn encrypt(
    key: &[u8; 32],
    id: KeyId,
    nonce: &[u8; NONCE],
    plain: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, RestError> {
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(*nonce), Payload { msg: plain, aad })
        .map_err(|_| RestError::TooLong)?;
    Ok([&id.number().to_be_bytes(), nonce.as_slice(), &sealed].concat())
}

/// Opens what [`encrypt`] made.
pub(crate) fn decrypt(
    key: &[u8; 32],
    sealed: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, RestError> {
    let (_, rest) = sealed.split_first_chunk::<4>().ok_or(RestError::Altered)?;
    let (nonce, msg) = rest
        .split_first_chunk::<NONCE>()
        .ok_or(RestError::Altered)?;
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), Payload { msg, aad })
        .map(Zeroizing::new)
        .map_err(|_| RestError::Altered)
}

/// Names a subject's place without ambiguity: each part is preceded by its length.
fn place_of(subject: &Subject) -> Vec<u8> {
    let mut place = Vec::with_capacity(64);
    push_text(&mut place, subject.project_key());
    push_text(&mut place, subject.user_key());
    place
}

/// Appends a text, its length first.
pub(crate) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// The vault of one subject: a secret that was moved to another project, person or generation does not open.
pub(crate) struct SubjectVault<'a> {
    keys: &'a Keys,
    place: Vec<u8>,
}

impl<'a> SubjectVault<'a> {
    pub(crate) fn new(keys: &'a Keys, subject: &Subject) -> Self {
        Self {
            keys,
            place: place_of(subject),
        }
    }

    fn place(&self, generation: u32) -> Vec<u8> {
        [&self.place, generation.to_be_bytes().as_slice()].concat()
    }

    /// The same secret under the active key, or `None` when it rests under that already.
    pub(crate) fn reseal(
        &self,
        generation: u32,
        sealed: &SealedSecret,
    ) -> Result<Option<SealedSecret>, RestError> {
        if key_id(sealed.as_bytes()) == Some(self.keys.active_id()) {
            return Ok(None);
        }
        let mut nonce = [0; NONCE];
        crate::random::fill(&mut nonce).map_err(|_| RestError::Random)?;
        self.seal(generation, &self.open(generation, sealed)?, &nonce)
            .map(Some)
    }
}

impl Vault for SubjectVault<'_> {
    type Error = RestError;

    fn seal(
        &self,
        generation: u32,
        secret: &Secret,
        nonce: &[u8; NONCE],
    ) -> Result<SealedSecret, RestError> {
        let place = self.place(generation);
        let sealed = seal(
            self.keys,
            Purpose::Secret,
            &place,
            nonce,
            secret.expose_secret(),
        )?;
        SealedSecret::from_bytes(&sealed).map_err(|_| RestError::TooLong)
    }

    fn open(&self, generation: u32, sealed: &SealedSecret) -> Result<Secret, RestError> {
        let plain = open(
            self.keys,
            Purpose::Secret,
            &self.place(generation),
            sealed.as_bytes(),
        )?;
        Secret::from_bytes(&plain).map_err(|_| RestError::Altered)
    }
}

/// The id of the key that a sealed thing or a record rests under.
pub(crate) fn key_id(sealed: &[u8]) -> Option<KeyId> {
    let id = sealed.first_chunk()?;
    Some(KeyId::from_number(u32::from_be_bytes(*id)))
}

/// A record as it rests: key id, tag, encoding. The tag covers the place and the version too, so that a row
/// copied elsewhere, or put back under a later version, is refused.
pub(crate) fn close_body(
    keys: &Keys,
    subject: &Subject,
    version: u64,
    body: &[u8],
) -> Result<Vec<u8>, RestError> {
    let (id, rest) = keys.active()?;
    let tag = record_mac(&rest.records, subject, version, body)
        .finalize()
        .into_bytes();
    Ok([&id.number().to_be_bytes(), tag.as_slice(), body].concat())
}

/// What a record says, and the key it says that it rests under; to be believed only once [`open_body`] has
/// found it right.
pub(crate) fn unverified_body(stored: &Stored) -> Result<(KeyId, &[u8]), RestError> {
    let id = key_id(&stored.record).ok_or(RestError::Altered)?;
    let body = stored.record.get(36..).ok_or(RestError::Altered)?;
    Ok((id, body))
}

/// Reads what [`close_body`] made.
pub(crate) fn open_body<'a>(
    keys: &Keys,
    subject: &Subject,
    stored: &'a Stored,
) -> Result<&'a [u8], RestError> {
    let (id, body) = unverified_body(stored)?;
    let tag = stored.record.get(4..36).ok_or(RestError::Altered)?;
    record_mac(&keys.opening(id)?.records, subject, stored.version, body)
        .verify_slice(tag)
        .map_err(|_| RestError::Altered)?;
    Ok(body)
}

/// A factor's record as it rests.
pub(crate) fn close_record(
    keys: &Keys,
    subject: &Subject,
    version: u64,
    record: &Record,
) -> Result<Vec<u8>, RestError> {
    close_body(keys, subject, version, &record.encode())
}

/// Reads what [`close_record`] made.
pub(crate) fn open_record(
    keys: &Keys,
    subject: &Subject,
    stored: &Stored,
) -> Result<Record, RestError> {
    Ok(Record::decode(open_body(keys, subject, stored)?)?)
}

fn record_mac(key: &[u8; 32], subject: &Subject, version: u64, body: &[u8]) -> HmacSha256 {
    let mut mac = mac_with(key);
    mac.update(&place_of(subject));
    mac.update(&version.to_be_bytes());
    mac.update(body);
    mac
}

/// The code over an event, its place and the code before it, which makes the events of a subject a chain.
pub(crate) fn event_mac(
    keys: &Keys,
    subject: &Subject,
    row: &AuditRow,
    before: &[u8; 32],
) -> Result<HmacSha256, RestError> {
    let mut mac = mac_with(keys.events(KeyId::from_number(row.key_id))?);
    let mut bytes = place_of(subject);
    bytes.extend_from_slice(&row.seq.to_be_bytes());
    bytes.extend_from_slice(&row.at.as_secs().to_be_bytes());
    push_text(&mut bytes, &row.event);
    for text in [&row.reason, &row.actor, &row.detail] {
        bytes.push(u8::from(text.is_some()));
        push_text(&mut bytes, text.as_deref().unwrap_or(""));
    }
    bytes.extend_from_slice(&row.generation.to_be_bytes());
    bytes.push(u8::from(row.notice));
    // Of events from before there was such a number, none is covered.
    if row.notices_before > 0 {
        bytes.extend_from_slice(&row.notices_before.to_be_bytes());
    }
    mac.update(&bytes);
    mac.update(before);
    Ok(mac)
}

/// The code over what stands in a chain's place once its beginning was archived. No event's code is over the same: it
/// begins with the length of a project's id.
pub(crate) fn checkpoint_mac(
    keys: &Keys,
    id: KeyId,
    subject: &Subject,
    body: &[u8],
) -> Result<HmacSha256, RestError> {
    let mut mac = mac_with(keys.events(id)?);
    mac.update(b"twofa/1/checkpoint");
    mac.update(&place_of(subject));
    mac.update(body);
    Ok(mac)
}
