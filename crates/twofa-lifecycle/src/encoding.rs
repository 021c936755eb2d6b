//! A record as bytes: a version, then every field in a fixed order.
//!
//! | field | as |
//! |---|---|
//! | version | one byte, 1 to 3 |
//! | generation, failures | numbers |
//! | lock until | optional number |
//! | attempt during the lock noted | one byte, 0 or 1 |
//! | last event | optional number |
//! | epoch (from version 2 on) | optional number |
//! | what the directory says (version 3) | 32 bytes |
//! | chain | number, 32 bytes |
//! | state | one byte: 0 none, 1 reset, 2 pending, 3 active; then its fields as the types list them |
//!
//! Version 2 adds to a reset the key that it erased (optional 16 and 32 bytes), and to a key in use the hand-over code
//! that it waits for (optional 32 bytes). A record is written in the lowest version that has a place for all that is
//! in it, so that services of the version before, which run beside, can read it.
//!
//! Numbers are LEB128 in the shortest form; an optional value is one byte, 0 or 1, and then perhaps the value.
//! A record has exactly one encoding, so whatever decodes encodes to the same bytes again.

use alloc::vec::Vec;

use twofa_policy::ResetBy;
use twofa_totp::{Algorithm, Digits, Drift, Params, Period, Step};
use twofa_types::UnixTime;

use crate::{
    Active, ChainHead, ErasedKey, Key, Listed, LoginHash, PendingKey, Record, ResetMark,
    SealedSecret, State, Throttle,
};

const FIRST: u8 = 1;
/// With an epoch, an erased key, a key that waits for a hand-over code.
const SECOND: u8 = 2;
/// With what the directory says.
const THIRD: u8 = 3;

/// Bytes that are not a record. Nothing is guessed from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Written by a later version of this library, or not a record at all.
    #[error("a record of version {version}, but this library reads versions 1 to 3; upgrade it")]
    UnknownVersion {
        /// The version found.
        version: u8,
    },
    /// The bytes end before the record does.
    #[error("the record is cut short; restore it from a backup")]
    Truncated,
    /// Bytes follow the record.
    #[error("{bytes} bytes follow the record; restore it from a backup")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A field has a value that no record has.
    #[error("the record's {field} has a value that no record has; restore it from a backup")]
    Malformed {
        /// Which.
        field: &'static str,
    },
}

impl Record {
    /// The record as bytes: versioned, compact, at most some 1,300 bytes. No secret in the clear is among them.
    pub fn encode(&self) -> Vec<u8> {
        let version = self.lowest_version();
        let mut out = Writer(Vec::with_capacity(224), version >= SECOND);
        out.byte(version);
        out.number(self.generation.into());
        out.number(self.throttle.failures().into());
        out.optional(self.throttle.until(), Writer::time);
        out.byte(self.throttle.noted().into());
        out.optional(self.last_event, Writer::time);
        if version >= SECOND {
            out.optional(self.epoch, Writer::time);
        }
        if let Some(listed) = self.listed {
            out.bytes(listed.as_bytes());
        }
        out.number(self.chain.seq);
        out.bytes(&self.chain.mac);
        match &self.state {
            State::None => out.byte(0),
            State::Reset(mark) => {
                out.byte(1);
                out.mark(*mark);
            }
            State::Pending { pending, after } => {
                out.byte(2);
                out.pending(pending);
                out.optional(*after, Writer::mark);
            }
            State::Active(active) => {
                out.byte(3);
                out.active(active);
            }
        }
        out.0
    }

    /// Reads what [`Record::encode`] wrote.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for anything else: another version, bytes missing or left over, a value out of bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut from = Reader(bytes, false);
        let version = from.byte()?;
        if !matches!(version, FIRST..=THIRD) {
            return Err(RecordError::UnknownVersion { version });
        }
        from.1 = version >= SECOND;
        let generation = from.narrow("generation")?;
        if generation == 0 {
            return Err(malformed("generation"));
        }
        let failures = from.narrow("failures")?;
        let until = from.optional("lock", Reader::time)?;
        let noted = from.flag("lock")?;
        let throttle = Throttle::from_parts(failures, until, noted).ok_or(malformed("failures"))?;
        let last_event = from.optional("last event", Reader::time)?;
        let epoch = if from.1 {
            from.optional("epoch", Reader::time)?
        } else {
            None
        };
        let listed = if version == THIRD {
            Some(Listed::from_bytes(from.array()?))
        } else {
            None
        };
        let chain = ChainHead {
            seq: from.number("chain")?,
            mac: from.array()?,
        };
        let state = match from.byte()? {
            0 => State::None,
            1 => State::Reset(from.mark()?),
            2 => State::Pending {
                pending: from.pending()?,
                after: from.optional("reset", Reader::mark)?,
            },
            3 => State::Active(from.active()?),
            _ => return Err(malformed("state")),
        };
        if !from.0.is_empty() {
            return Err(RecordError::Trailing {
                bytes: from.0.len(),
            });
        }
        let record = Self {
            generation,
            state,
            throttle,
            last_event,
            epoch,
            listed,
            chain,
        };
        // A record has one encoding.
        if record.lowest_version() == version {
            Ok(record)
        } else {
            Err(malformed("version"))
        }
    }

    /// The lowest version that has a place for all that is in it.
    fn lowest_version(&self) -> u8 {
        let newer = |mark: &ResetMark| mark.erased.is_some();
        let second = self.epoch.is_some()
            || match &self.state {
                State::None => false,
                State::Reset(mark) => newer(mark),
                State::Pending { after, .. } => after.as_ref().is_some_and(newer),
                State::Active(active) => active.handover.is_some(),
            };
        match (self.listed, second) {
            (Some(_), _) => THIRD,
            (None, true) => SECOND,
            (None, false) => FIRST,
        }
    }
}

const fn malformed(field: &'static str) -> RecordError {
    RecordError::Malformed { field }
}

/// The bytes so far, and whether they are of version 2 or later.
struct Writer(Vec<u8>, bool);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, number: u64) {
        let mut rest = number;
        loop {
            let [low, ..] = (rest & 0x7f).to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    fn time(&mut self, time: UnixTime) {
        self.number(time.as_secs());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn mark(&mut self, mark: ResetMark) {
        self.byte(match mark.by {
            ResetBy::Administrator => 0,
            ResetBy::Support => 1,
        });
        self.time(mark.at);
        self.optional(mark.handover, |out, hash| out.bytes(&hash));
        if self.1 {
            self.optional(mark.erased, |out, erased| {
                out.bytes(&erased.salt);
                out.bytes(&erased.digest);
            });
        }
    }

    fn key(&mut self, key: &Key) {
        // At most 512, so the conversion holds; the fallback exists so that no path can panic.
        let sealed = key.sealed.as_bytes();
        self.number(u64::try_from(sealed.len()).unwrap_or(u64::MAX));
        self.bytes(sealed);
        self.byte(match key.params.algorithm() {
            Algorithm::Sha1 => 0,
            Algorithm::Sha256 => 1,
            Algorithm::Sha512 => 2,
        });
        self.byte(key.params.digits().get());
        self.number(key.params.period().secs().into());
        self.time(key.params.t0());
    }

    fn pending(&mut self, pending: &PendingKey) {
        self.key(&pending.key);
        self.time(pending.since);
        self.time(pending.expires);
        self.bytes(pending.login.as_bytes());
    }

    fn active(&mut self, active: &Active) {
        self.key(&active.key);
        self.time(active.since);
        self.optional(active.last_step, |out, step| out.number(step.value()));
        self.optional(active.last_used, Self::time);
        self.bytes(&active.drift.steps().to_le_bytes());
        self.optional(active.replacement.as_ref(), Self::pending);
        if self.1 {
            self.optional(active.handover, |out, hash| out.bytes(&hash));
        }
    }
}

/// The bytes that are left, and whether they are of version 2 or later.
struct Reader<'a>(&'a [u8], bool);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, RecordError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn number(&mut self, field: &'static str) -> Result<u64, RecordError> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            let placed = low << shift;
            // Bits that fall off the top, and a last byte that adds nothing, would be a second form.
            if placed >> shift != low || (byte == 0 && shift > 0) {
                return Err(malformed(field));
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(malformed(field))
    }

    fn narrow<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        T::try_from(self.number(field)?).map_err(|_| malformed(field))
    }

    fn time(&mut self) -> Result<UnixTime, RecordError> {
        self.number("time").map(UnixTime::from_secs)
    }

    fn flag(&mut self, field: &'static str) -> Result<bool, RecordError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(malformed(field)),
        }
    }

    fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Option<T>, RecordError> {
        if self.flag(field)? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    fn mark(&mut self) -> Result<ResetMark, RecordError> {
        Ok(ResetMark {
            by: match self.byte()? {
                0 => ResetBy::Administrator,
                1 => ResetBy::Support,
                _ => return Err(malformed("reset")),
            },
            at: self.time()?,
            handover: self.optional("hand-over code", Self::array)?,
            erased: if self.1 {
                self.optional("erased key", |from| {
                    Ok(ErasedKey {
                        salt: from.array()?,
                        digest: from.array()?,
                    })
                })?
            } else {
                None
            },
        })
    }

    fn key(&mut self) -> Result<Key, RecordError> {
        let len = self.narrow("sealed secret")?;
        if len > SealedSecret::MAX_BYTES {
            return Err(malformed("sealed secret"));
        }
        let sealed = SealedSecret::from_bytes(self.take(len)?);
        let sealed = sealed.map_err(|_| malformed("sealed secret"))?;
        let algorithm = match self.byte()? {
            0 => Algorithm::Sha1,
            1 => Algorithm::Sha256,
            2 => Algorithm::Sha512,
            _ => return Err(malformed("algorithm")),
        };
        let digits = Digits::try_from(self.byte()?).map_err(|_| malformed("digits"))?;
        let period = Period::new(self.narrow("period")?).map_err(|_| malformed("period"))?;
        let params = Params::default()
            .with_algorithm(algorithm)
            .with_digits(digits)
            .with_period(period)
            .with_t0(self.time()?);
        Ok(Key { sealed, params })
    }

    fn pending(&mut self) -> Result<PendingKey, RecordError> {
        Ok(PendingKey {
            key: self.key()?,
            since: self.time()?,
            expires: self.time()?,
            login: LoginHash::from_bytes(self.array()?),
        })
    }

    fn active(&mut self) -> Result<Active, RecordError> {
        Ok(Active {
            key: self.key()?,
            since: self.time()?,
            last_step: self
                .optional("last step", |from| from.number("last step"))?
                .map(Step::from_value),
            last_used: self.optional("last use", Self::time)?,
            drift: self.drift()?,
            replacement: self.optional("replacement", Self::pending)?,
            handover: if self.1 {
                self.optional("hand-over code", Self::array)?
            } else {
                None
            },
        })
    }

    fn drift(&mut self) -> Result<Drift, RecordError> {
        let steps = i8::from_le_bytes(self.array()?);
        let drift = Drift::new(steps);
        if drift.steps() == steps {
            Ok(drift)
        } else {
            Err(malformed("drift"))
        }
    }
}
