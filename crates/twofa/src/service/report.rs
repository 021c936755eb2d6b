//! What an operator reads: what a change would do, the audit, the notices.

use twofa_policy::{Decision, ProjectSettings, Role, SignInMethod, Summary, Warnings, impact_of};
use twofa_types::{ProjectId, UserId};

use super::TwoFactor;
use crate::directory::Directory;
use crate::error::Error;
use crate::store::{Store, Subject, SubjectEvent};

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
        let mut after: Option<UserId> = None;
        loop {
            let members = self.directory.members(project, after.as_ref(), PAGE).await;
            let members = members.map_err(Error::directory)?;
            for (user, role) in &members {
                let loaded = self.load(&Subject::member(project, user)).await?;
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
                Some((user, _)) if members.len() >= usize::try_from(PAGE).unwrap_or(0) => {
                    after = Some(user.clone());
                }
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
