//! One text that stands for the whole audit: [`Head`].

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::seal::push_text;
use crate::store::Subject;

/// Where all chains of a store stood at one moment, as one short text to keep elsewhere: on paper, in another
/// system, in a mail to oneself. What was put back behind it since does not go unseen
/// ([`TwoFactor::audit_check`](crate::TwoFactor::audit_check)).
///
/// It says nothing about anybody and lets nobody in.
///
/// ```
/// use twofa::Head;
///
/// let text = format!("twofa-head-1:{}:41:7:40:{}", "0".repeat(32), "1".repeat(64));
/// let head: Head = text.parse()?;
/// assert_eq!((head.subjects(), head.events()), (7, 40));
/// assert_eq!(head.to_string(), text);
/// assert!("twofa-head-2:whatever".parse::<Head>().is_err());
/// # Ok::<(), twofa::HeadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub(crate) store: [u8; 16],
    pub(crate) cursor: u64,
    pub(crate) subjects: u64,
    pub(crate) events: u64,
    pub(crate) digest: [u8; 32],
}

const NAME: &str = "twofa-head-1";

/// A text that is no [`Head`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no head of an audit; give the whole text that was printed, beginning with twofa-head-1"
)]
pub struct HeadError;

impl Head {
    /// How many chains had events.
    pub fn subjects(&self) -> u64 {
        self.subjects
    }

    /// How many events they had.
    pub fn events(&self) -> u64 {
        self.events
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            store,
            cursor,
            subjects,
            events,
            digest,
        } = self;
        let hex = base16ct::HexDisplay;
        let (store, digest) = (hex(store), hex(digest));
        write!(
            f,
            "{NAME}:{store:x}:{cursor}:{subjects}:{events}:{digest:x}"
        )
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let [NAME, store, cursor, subjects, events, digest] = parts[..] else {
            return Err(HeadError);
        };
        let number = |text: &str| text.parse().map_err(|_| HeadError);
        let mut head = Self {
            store: [0; 16],
            cursor: number(cursor)?,
            subjects: number(subjects)?,
            events: number(events)?,
            digest: [0; 32],
        };
        for (text, bytes) in [(store, &mut head.store[..]), (digest, &mut head.digest[..])] {
            let read = base16ct::lower::decode(text, bytes)
                .map_err(|_| HeadError)?
                .len();
            if read != bytes.len() {
                return Err(HeadError);
            }
        }
        Ok(head)
    }
}

/// A head in the making: chains are added in the order of their subjects.
pub(crate) struct Heads {
    pub(crate) cursor: u64,
    subjects: u64,
    events: u64,
    digest: Sha256,
}

impl Heads {
    pub(crate) fn up_to(cursor: u64) -> Self {
        Self {
            cursor,
            subjects: 0,
            events: 0,
            digest: Sha256::new(),
        }
    }

    /// The last event of a chain that the head covers; nothing where it covers none of them.
    pub(crate) fn add(&mut self, subject: &Subject, seq: u64, mac: &[u8; 32]) {
        if seq == 0 {
            return;
        }
        let mut bytes = Vec::with_capacity(128);
        push_text(&mut bytes, subject.project_key());
        push_text(&mut bytes, subject.user_key());
        bytes.extend_from_slice(&seq.to_be_bytes());
        bytes.extend_from_slice(mac);
        self.digest.update(&bytes);
        self.subjects += 1;
        self.events = self.events.saturating_add(seq);
    }

    /// Of the store with this id.
    pub(crate) fn finish(self, store: [u8; 16]) -> Head {
        Head {
            store,
            cursor: self.cursor,
            subjects: self.subjects,
            events: self.events,
            digest: self.digest.finalize().into(),
        }
    }
}
