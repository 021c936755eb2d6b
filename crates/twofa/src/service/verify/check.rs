//! What is to be checked, and who is told of it.

use twofa_types::ProjectId;

use super::BadPlace;
use crate::head::Head;

/// What is to be checked of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Check<'a> {
    /// Only the chains of this project.
    pub project: Option<&'a ProjectId>,
    /// Also that nothing this head stands for was put back since; and what it stands for is not read again, but for
    /// the last event of each chain, which the record must fit. It stands for the whole store, so it is looked
    /// at only where no project is named.
    pub from: Option<&'a Head>,
    /// Read again what the head stands for.
    pub all: bool,
}

/// Who is told of a check while it goes on.
pub trait Watch: Send {
    /// A place that is not as it was written.
    fn bad(&mut self, place: &BadPlace);

    /// How far the check has come; now and then.
    fn looked(&mut self, so_far: Looks) {
        let _ = so_far;
    }
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    /// Records looked at.
    pub chains: u64,
    /// Events read.
    pub events: u64,
    /// How many events there are to be read at most: archived ones count as well.
    pub of_events: u64,
}

/// The bad places alone.
pub(super) struct Each<'a>(pub(super) &'a mut (dyn FnMut(&BadPlace) + Send));

impl Watch for Each<'_> {
    fn bad(&mut self, place: &BadPlace) {
        (self.0)(place);
    }
}
