//! Whether the directory says what the records of a project and its members say that it says.

use std::collections::VecDeque;

use twofa_lifecycle::Listed;
use twofa_policy::Role;
use twofa_types::{ProjectId, UserId};

use super::chain::Said;
use super::{Fault, PAGE, Progress};
use crate::directory::{self, Directory};
use crate::error::Error;
use crate::retry::Tries;
use crate::service::TwoFactor;
use crate::service::pages::Pages;
use crate::service::seen::read_at_rest;
use crate::store::{Store, Subject};

/// A project's members as the directory lists them, beside the records of the project, which come in the same order.
pub(super) struct Walk {
    project: ProjectId,
    ahead: VecDeque<(UserId, Role)>,
    pages: Pages<UserId>,
    more: bool,
}

impl Walk {
    fn of(project: &ProjectId) -> Self {
        Self {
            project: project.clone(),
            ahead: VecDeque::new(),
            pages: Pages::of("members"),
            more: true,
        }
    }

    async fn next<D: Directory>(&mut self, directory: &D) -> Result<Option<UserId>, Error> {
        if self.ahead.is_empty() && self.more {
            let page = directory.members(&self.project, self.pages.after(), PAGE);
            let page = page.await.map_err(Error::directory)?;
            self.more = self.pages.read(&page, PAGE, |(user, _)| user.clone())?;
            self.ahead.extend(page);
        }
        Ok(self.ahead.front().map(|(user, _)| user.clone()))
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Compares what was read of a subject's record with the directory, where the project is kept.
    pub(super) async fn check_listing(
        &self,
        subject: &Subject,
        said: Said,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let (Some(project), user) = (subject.project(), subject.user()) else {
            return Ok(());
        };
        let Some(user) = user else {
            if matches!(said, Said::This(_)) && progress.reads_directory {
                progress.people = Some(Walk::of(project));
                self.confirm_listing(subject, progress).await?;
            }
            return Ok(());
        };
        let Some(mut walk) = progress.people.take() else {
            return Ok(());
        };
        // Members without a record come first.
        while let Some(next) = walk.next(&self.directory).await?
            && next < *user
        {
            let unrecorded = Subject::member(project, &next);
            self.confirm_listing(&unrecorded, progress).await?;
            walk.ahead.pop_front();
        }
        let role = match walk.ahead.front() {
            Some((next, role)) if next == user => Some(*role),
            _ => None,
        };
        if role.is_some() {
            walk.ahead.pop_front();
        }
        let right = match said {
            Said::Unreadable => true,
            Said::Nothing => role.is_none(),
            Said::This(listed) => listed == directory::of_member(role),
        };
        if !right {
            self.confirm_listing(subject, progress).await?;
        }
        progress.people = Some(walk);
        Ok(())
    }

    /// The records of a project are all looked at; whoever the directory lists beyond them has none.
    pub(super) async fn check_rest(&self, progress: &mut Progress<'_>) -> Result<(), Error> {
        let Some(mut walk) = progress.people.take() else {
            return Ok(());
        };
        while let Some(next) = walk.next(&self.directory).await? {
            let unrecorded = Subject::member(&walk.project, &next);
            self.confirm_listing(&unrecorded, progress).await?;
            walk.ahead.pop_front();
        }
        Ok(())
    }

    /// The row and the record change together, so that they are compared while the record stands still.
    async fn confirm_listing(
        &self,
        subject: &Subject,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let keys = self.keys().await?;
            let found = self.store.load(subject).await.map_err(Error::store)?;
            let (right, fault) = match read_at_rest(&keys, subject, &found) {
                Ok(loaded) => self.is_listed(subject, loaded.record.listed()).await?,
                Err(_) if self.later_keys(&keys).await?.is_some() => {
                    tries.again().await?;
                    continue;
                }
                // What cannot be read is told of as such.
                Err(_) => return Ok(()),
            };
            if right {
                return Ok(());
            }
            let again = self.store.load(subject).await.map_err(Error::store)?;
            if again == found {
                progress.bad(subject, None, fault);
                return Ok(());
            }
            tries.again().await?;
        }
    }

    async fn is_listed(
        &self,
        subject: &Subject,
        listed: Option<Listed>,
    ) -> Result<(bool, Fault), Error> {
        let Some(project) = subject.project() else {
            return Ok((true, Fault::SettingsAltered));
        };
        let Some(user) = subject.user() else {
            let found = self.directory.project(project).await;
            let found = found.map_err(Error::directory)?;
            let now = found.as_ref().map(directory::of_project);
            return Ok((listed.is_none() || now == listed, Fault::SettingsAltered));
        };
        let standing = self.directory.standing(project, user).await;
        let role = standing
            .map_err(Error::directory)?
            .and_then(|standing| standing.role);
        let right = match listed {
            None => role.is_none(),
            Some(listed) => listed == directory::of_member(role),
        };
        Ok((right, Fault::MemberAltered))
    }
}
