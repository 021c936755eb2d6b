//! What an operator reads: what a change would do, the audit, the notices.

use std::collections::VecDeque;

use twofa_policy::{Decision, ProjectSettings, Role, SignInMethod, Summary, Warnings, impact_of};
use twofa_types::{ProjectId, UserId};

use super::TwoFactor;
use crate::directory::Directory;
use crate::error::Error;
use crate::store::{Store, Stored, Subject, SubjectEvent, is_full};

/// What a change would mean for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberImpact {
    /// Who.
    pub user: UserId,
    /// What they are in the project.
    pub role: Role,
    /// What a sign-in of theirs leads to now.
    pub now: Decision,
    /// What it would lead to.
    pub then: Decision,
}

/// What a change would mean for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impact {
    /// How many would be let through, asked, set up or refused, before and after.
    pub summary: Summary,
    /// What should be thought over first.
    pub warnings: Warnings,
}

/// How many members are looked through at a time: what bounds the memory of a dry run.
const PAGE: u32 = 500;

/// The records of a project, read page by page beside its members, which come in the same order: a dry run
/// over a million members then asks the store two thousand times and not a million.
struct Records<'a> {
    project: &'a ProjectId,
    page: VecDeque<(Subject, Stored)>,
    /// Up to where the store was read; nothing lies beyond once `done`.
    read: Option<Subject>,
    done: bool,
    /// The last one that was asked for.
    asked: Option<Subject>,
}

impl<'a> Records<'a> {
    fn of(project: &'a ProjectId) -> Self {
        Self {
            project,
            page: VecDeque::new(),
            read: None,
            done: false,
            asked: None,
        }
    }

    async fn find<S: Store>(
        &mut self,
        store: &S,
        subject: &Subject,
    ) -> Result<Option<Stored>, Error> {
        if self.asked.as_ref().is_some_and(|asked| asked >= subject) {
            // A directory with an order of its own: correct all the same, one by one.
            return store.load(subject).await.map_err(Error::store);
        }
        self.asked = Some(subject.clone());
        loop {
            while let Some((found, _)) = self.page.front() {
                if found > subject {
                    return Ok(None);
                }
                if let Some((found, stored)) = self.page.pop_front()
                    && found == *subject
                {
                    return Ok(Some(stored));
                }
            }
            if self.done {
                return Ok(None);
            }
            let page = store
                .subjects(Some(self.project), self.read.as_ref(), PAGE)
                .await;
            let page = page.map_err(Error::store)?;
            self.done = !is_full(&page, PAGE);
            self.read = page
                .last()
                .map(|(subject, _)| subject.clone())
                .or(self.read.take());
            self.page.extend(page);
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// What `then` would mean for each member of a project, before it is set: the same rules as at a login,
    /// folded over the members page by page. Each goes to `each` as it is found.
    ///
    /// Every member is looked at as someone who signs in by `method`.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`].
    pub async fn impact(
        &self,
        project: &ProjectId,
        then: &ProjectSettings,
        method: SignInMethod,
        mut each: impl FnMut(MemberImpact) + Send,
    ) -> Result<Impact, Error> {
        let settings = self.project(project).await?.settings;
        let now = self.now();
        let mut summary = Summary::new();
        let mut records = Records::of(project);
        let mut after: Option<UserId> = None;
        loop {
            let members = self.directory.members(project, after.as_ref(), PAGE).await;
            let members = members.map_err(Error::directory)?;
            for (user, role) in &members {
                let subject = Subject::member(project, user);
                let stored = records.find(&self.store, &subject).await?;
                let keys = self.keys().await?;
                let loaded = self.read(keys, &subject, stored.as_ref()).await?;
                let view = loaded.record.view();
                let impact = impact_of(&settings, then, method, &view, now);
                summary.add(*role, &view, &impact);
                let (now, then) = impact;
                each(MemberImpact {
                    user: user.clone(),
                    role: *role,
                    now,
                    then,
                });
            }
            match members.last() {
                Some((user, _)) if is_full(&members, PAGE) => after = Some(user.clone()),
                _ => break,
            }
        }
        Ok(Impact {
            summary,
            warnings: summary.warnings(then),
        })
    }

    /// The events of a project, or of one person in it, in the order in which they were written, each with
    /// its cursor; after the cursor `after` (0 for the first), at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], [`Error::Store`] and [`Error::Directory`].
    pub async fn audit(
        &self,
        project: &ProjectId,
        user: Option<&UserId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Error> {
        self.project(project).await?;
        let Some(user) = user else {
            return self
                .store
                .project_events(project, after, limit)
                .await
                .map_err(Error::store);
        };
        let subject = Subject::member(project, user);
        let rows = self
            .store
            .chain(&subject, after, limit)
            .await
            .map_err(Error::store)?;
        let named = |row: crate::AuditRow| {
            (
                row.seq,
                SubjectEvent {
                    subject: subject.clone(),
                    row,
                },
            )
        };
        Ok(rows.into_iter().map(named).collect())
    }

    /// What people must be told of (set-up, reset, replacement, lock, import), for the application to mail: in
    /// order and at least once, after the cursor `after` (0 for the first), at most `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], [`Error::Store`] and [`Error::Directory`].
    pub async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, SubjectEvent)>, Error> {
        self.project(project).await?;
        self.store
            .notices(project, after, limit)
            .await
            .map_err(Error::store)
    }
}
