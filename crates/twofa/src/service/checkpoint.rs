//! What stands in a chain's place once its beginning was archived.

use hmac::Mac as _;
use sha2::{Digest as _, Sha256};

use super::verify::Numbers;
use crate::error::RestError;
use crate::keyring::KeyId;
use crate::keys::Keys;
use crate::seal::{self, checkpoint_mac};
use crate::store::{Subject, SubjectEvent};

/// A later one may say more.
const FORMAT: u8 = 1;

/// How far a chain was archived, and what the rest of it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Checkpoint {
    /// The last event that was archived.
    pub(super) seq: u64,
    pub(super) mac: [u8; 32],
    pub(super) cursor: u64,
    /// All notices that were archived.
    pub(super) notices: Numbers,
    /// Over all that the store gave to what was archived, part by part.
    pub(super) digest: [u8; 32],
}

impl Checkpoint {
    /// Key id, tag, and what it says. Under the active key, and never under one that was retired: whoever stole that
    /// one could else take events away.
    pub(super) fn seal(&self, keys: &Keys, subject: &Subject) -> Result<Vec<u8>, RestError> {
        let (id, _) = keys.active()?;
        let body = self.encode();
        let tag = checkpoint_mac(keys, id, subject, &body)?.finalize();
        let tag = tag.into_bytes();
        Ok([&id.number().to_be_bytes(), tag.as_slice(), &body].concat())
    }

    /// Reads what [`seal`](Self::seal) made.
    pub(super) fn open(keys: &Keys, subject: &Subject, bytes: &[u8]) -> Result<Self, RestError> {
        let (id, rest) = bytes.split_first_chunk::<4>().ok_or(RestError::Altered)?;
        let (tag, body) = rest.split_first_chunk::<32>().ok_or(RestError::Altered)?;
        let id = KeyId::from_number(u32::from_be_bytes(*id));
        keys.opening(id)?;
        checkpoint_mac(keys, id, subject, body)?
            .verify_slice(tag)
            .map_err(|_| RestError::Altered)?;
        match body.split_first() {
            Some((&FORMAT, body)) => Self::decode(body).ok_or(RestError::Altered),
            _ => Err(RestError::Newer),
        }
    }

    /// What it says, whoever wrote it.
    pub(super) fn claimed(bytes: &[u8]) -> Option<Self> {
        match bytes.get(36..)?.split_first() {
            Some((&FORMAT, body)) => Self::decode(body),
            _ => None,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = vec![FORMAT];
        body.extend(self.seq.to_be_bytes());
        body.extend(self.mac);
        body.extend(self.cursor.to_be_bytes());
        body.extend(self.notices.count.to_be_bytes());
        body.extend(self.notices.sum.to_be_bytes());
        body.extend(self.notices.greatest.to_be_bytes());
        body.extend(self.digest);
        body
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let body = &mut body;
        let found = Self {
            seq: u64::from_be_bytes(take(body)?),
            mac: take(body)?,
            cursor: u64::from_be_bytes(take(body)?),
            notices: Numbers {
                count: u64::from_be_bytes(take(body)?),
                sum: u128::from_be_bytes(take(body)?),
                greatest: u64::from_be_bytes(take(body)?),
            },
            digest: take(body)?,
        };
        body.is_empty().then_some(found)
    }

    /// The checkpoint after a part more.
    pub(super) fn then(&self, part: &Part) -> Self {
        let mut notices = self.notices;
        notices.add(part.notices);
        Self {
            seq: part.seq,
            mac: part.mac,
            cursor: part.cursor,
            notices,
            digest: joined(&self.digest, &part.digest.clone().finalize().into()),
        }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

fn joined(before: &[u8; 32], part: &[u8; 32]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(before);
    digest.update(part);
    digest.finalize().into()
}

/// Events of one chain that were archived in one go, without a gap.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// How many come before the first.
    pub(super) after: u64,
    /// The code before the first.
    pub(super) before: [u8; 32],
    /// The last of them.
    pub(super) seq: u64,
    pub(super) mac: [u8; 32],
    cursor: u64,
    /// The number of the chain's last notice.
    notice: u64,
    notices: Numbers,
    digest: Sha256,
}

impl Part {
    /// What goes on after a checkpoint, with nothing in it.
    pub(super) fn after(before: &Checkpoint) -> Self {
        Self {
            after: before.seq,
            before: before.mac,
            seq: before.seq,
            mac: before.mac,
            cursor: before.cursor,
            notice: before.notices.greatest,
            notices: Numbers::default(),
            digest: Sha256::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seq == self.after
    }

    /// Whether an event is the next one, as it was written. It is in the part from then on, whatever it is.
    pub(super) fn goes_on_with(
        &mut self,
        keys: &Keys,
        event: &SubjectEvent,
    ) -> Result<bool, RestError> {
        let row = &event.row;
        let follows = row.seq == self.seq.wrapping_add(1)
            && event.cursor > self.cursor
            && match event.notice {
                Some(notice) => row.notice && notice > self.notice && notice > row.notices_before,
                None => !row.notice,
            };
        let right = match seal::event_mac(keys, &event.subject, row, &self.mac) {
            Ok(expected) => expected.verify_slice(&row.mac).is_ok(),
            Err(source) if keys.knows(KeyId::from_number(row.key_id)) => return Err(source),
            Err(_) => false,
        };
        (self.seq, self.mac, self.cursor) = (row.seq, row.mac, event.cursor);
        let notice = event.notice.unwrap_or_default();
        if event.notice.is_some() {
            self.notice = notice;
            self.notices.see(notice);
            self.notices.greatest = self.notices.greatest.max(notice);
        }
        self.digest.update(row.mac);
        self.digest.update(event.cursor.to_be_bytes());
        self.digest.update(notice.to_be_bytes());
        Ok(follows && right)
    }
}
