//! What a store does where a record that cannot be read is recovered.

use twofa_types::UnixTime;

use super::{Change, Stored};

/// What is done beside a [`Change`] that takes the place of a record that cannot be read, in the same transaction or
/// not at all.
///
/// The version of such a record is not to be trusted either, so that the change is written on what was found: `damaged`
/// must still lie there, byte for byte and under the same version, or there must be no record where it is `None`
/// ([`Applied::Conflict`](super::Applied::Conflict) otherwise). It is moved to where damaged records are kept, and the
/// new record stands in its place, as version [`expected`](Change::expected)` + 1`.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// The record as it was found; `None` where it was gone.
    pub damaged: Option<Stored>,
    /// When it was found.
    pub found_at: UnixTime,
    /// A change of another subject's, which puts the same on the record there. It compares as any other does.
    pub twin: Option<Change>,
}

/// What there is of a subject beside its record and its events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remains {
    /// The greatest generation that a parked login of theirs names; 0 where there is none. What is no generation is
    /// left out.
    pub parked_generation: u32,
    /// The damaged records that were recovered, the first one first, as each was found.
    pub damaged: Vec<Stored>,
}
