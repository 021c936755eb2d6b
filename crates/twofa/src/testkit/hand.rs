//! A hand in the database: [`Hand`].

use twofa_lifecycle::Summary;

use crate::{Stored, Subject};

/// Something that a hand in the database does, past the service and the store's own calls. A [`Harness`] carries it
/// out on its tables.
///
/// [`Harness`]: super::Harness
#[derive(Debug, Clone, Copy)]
pub enum Hand<'a> {
    /// Puts a record in the place of what lies there of a subject, or removes it. What lists show of it stays, or
    /// reads as this where there was none.
    Record(&'a Subject, Option<&'a Stored>, Summary),
    /// Removes a subject's events after this number.
    CutEvents(&'a Subject, u64),
    /// Writes this detail into an event of a subject.
    EventDetail(&'a Subject, u64, &'a str),
    /// Writes this generation into a subject's parked logins and events.
    Generation(&'a Subject, u32),
    /// Removes what was kept of a subject's damaged records.
    ForgetDamaged(&'a Subject),
}
