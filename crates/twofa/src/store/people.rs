//! What a store must promise that keeps projects and members too: [`People`].

use std::sync::Arc;

use twofa_lifecycle::Listed;
use twofa_policy::Role;

use super::{Applied, Change, Store};
use crate::directory::{self, Directory, Project};

/// What a change of the directory writes beside its event. Whose row it is, the change's
/// [`subject`](Change::subject) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing<'a> {
    /// A project that is not there yet.
    AddProject(&'a Project),
    /// Other settings, another issuer of a project that is there.
    SetProject(&'a Project),
    /// A member who is not there yet, of a project that is.
    AddMember(Role),
    /// Another role of a member who is there.
    SetRole(Role),
    /// A member who is there goes.
    RemoveMember,
}

impl Listing<'_> {
    /// What is kept of it with the record.
    pub(crate) fn digest(&self) -> Listed {
        match *self {
            Self::AddProject(project) | Self::SetProject(project) => directory::of_project(project),
            Self::AddMember(role) | Self::SetRole(role) => directory::of_member(Some(role)),
            Self::RemoveMember => directory::of_member(None),
        }
    }
}

/// A store that keeps projects and members too, for applications that have no tables of their own for them.
///
/// Pages of members are ordered by the bytes of their ids.
pub trait People: Store + Directory {
    /// Applies a change and the listing, both or neither. Where the row is not as the listing takes it to be (there
    /// already, or gone), that is a [`Conflict`](Applied::Conflict), and nothing is written.
    fn apply_with(
        &self,
        change: &Change,
        listing: &Listing<'_>,
    ) -> impl Future<Output = Result<Applied, <Self as Store>::Error>> + Send;
}

/// A store that many share.
impl<S: People> People for Arc<S> {
    async fn apply_with(
        &self,
        change: &Change,
        listing: &Listing<'_>,
    ) -> Result<Applied, <S as Store>::Error> {
        S::apply_with(self, change, listing).await
    }
}
