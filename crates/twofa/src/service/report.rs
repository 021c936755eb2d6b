//! What an operator reads: what a change would do, the audit, the notices.

use std::collections::VecDeque;

use twofa_policy::{Decision, ProjectSettings, Role, SignInMethod, Summary, Warnings, impact_of};
use twofa_types::{ProjectId, UserId};

use super::TwoFactor;
use super::pages::Pages;
use crate::directory::Directory;
use crate::error::Error;
use crate::store::{EventQuery, Found, RecordRow, Store, Subject, SubjectEvent, is_full};

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

/// Whose events are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events<'a> {
    /// Everybody's, and the store's own.
    All,
    /// A project's, and those of everybody in it.
    Project(&'a ProjectId),
    /// One person's in a project.
    Person(&'a ProjectId, &'a UserId),
}

/// How many members are looked through at a time: what bounds the memory of a dry run.
const PAGE: u32 = 500;

/// The records of a project, read page by page beside its members, which come in the same order: a dry run
/// over a million members then asks the store two thousand times and not a million.
struct Records<'a> {
    project: &'a ProjectId,
    page: VecDeque<RecordRow>,
    /// Up to where the store was read; nothing lies beyond once `done`.
    read: Pages<Subject>,
    done: bool,
    /// The last one that was asked for.
    asked: Option<Subject>,
}

impl<'a> Records<'a> {
    fn of(project: &'a ProjectId) -> Self {
        Self {
            project,
            page: VecDeque::new(),
            read: Pages::of("subjects"),
            done: false,
            asked: None,
        }
    }

    async fn find<S: Store>(&mut self, store: &S, subject: &Subject) -> Result<Found, Error> {
        if self.asked.as_ref().is_some_and(|asked| asked >= subject) {
            // A directory with an order of its own: correct all the same, one by one.
            return store.load(subject).await.map_err(Error::store);
        }
        self.asked = Some(subject.clone());
        loop {
            while let Some(row) = self.page.front() {
                if row.subject > *subject {
                    return Ok(Found::default());
                }
                if let Some(row) = self.page.pop_front()
                    && row.subject == *subject
                {
                    return Ok(Found {
                        stored: Some(row.stored),
                        last_event: row.last_event,
                        last_notice: 0,
                    });
                }
            }
            if self.done {
                return Ok(Found::default());
            }
            let page = store
                .subjects(Some(self.project), self.read.after(), PAGE)
                .await;
            let page = page.map_err(Error::store)?;
            self.done = !self.read.read(&page, PAGE, |row| row.subject.clone())?;
            self.page.extend(page);
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// What `then` would mean for each member of a project, before it is set: the same rules as at a login,
    /// folded over the members page by page. Each goes to `each` as it is found.
    ///
    /// Every member is looked at as someone who signs in by `method`. For operators: nobody is asked who they are;
    /// administrators are shown [`TwoFactor::preview`].
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
        let mut pages = Pages::of("members");
        loop {
            let members = self.directory.members(project, pages.after(), PAGE).await;
            let members = members.map_err(Error::directory)?;
            for (user, role) in &members {
                let subject = Subject::member(project, user);
                let found = records.find(&self.store, &subject).await?;
                let keys = self.keys().await?;
                let view = self.look_into(keys, &subject, found).await?.view();
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
            if !pages.read(&members, PAGE, |(user, _)| user.clone())? {
                break;
            }
        }
        Ok(Impact {
            summary,
            warnings: summary.warnings(then),
        })
    }

    /// The events of a project, of one person in it, or of the whole store (its own too), by their cursors after
    /// `after` (0 for the first), at most `limit`. Whoever keeps the last cursor misses none, however many write.
    ///
    /// For operators and programs: nobody is asked who they are.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], [`Error::Store`] and [`Error::Directory`].
    pub async fn events(
        &self,
        of: Events<'_>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let project = match of {
            Events::All => None,
            Events::Project(project) | Events::Person(project, _) => {
                self.project(project).await?;
                Some(project)
            }
        };
        let Events::Person(project, user) = of else {
            let page = self.store.events(project, after, limit).await;
            return page.map_err(Error::store);
        };
        self.events_of(&Subject::member(project, user), after, limit)
            .await
    }

    /// Those of one chain: all of it lies in the order of its numbers, so that only where to begin is looked for.
    async fn events_of(
        &self,
        subject: &Subject,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        let (mut found, mut pages) = (Vec::new(), Pages::of("chain"));
        loop {
            let seq = pages.after().copied().unwrap_or_default();
            let page = self.store.chain(subject, seq, PAGE).await;
            let page = page.map_err(Error::store)?;
            let more = pages.read(&page, PAGE, |event| event.row.seq)?;
            found.extend(page.into_iter().filter(|event| event.cursor > after));
            if !more || is_full(&found, limit) {
                found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok(found);
            }
        }
    }

    /// The latest events of a project that `which` describes, the last one first, at most `limit`: for operators
    /// who read. Administrators are shown [`TwoFactor::audit`]; whoever copies events elsewhere follows
    /// [`TwoFactor::events`].
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::events`].
    pub async fn latest_events(
        &self,
        project: &ProjectId,
        which: &EventQuery<'_>,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        self.project(project).await?;
        let page = self.store.latest(project, which, limit).await;
        page.map_err(Error::store)
    }

    /// What people must be told of (set-up, reset, replacement, lock, import), for the application to mail: in
    /// order and at least once, by their numbers ([`SubjectEvent::notice`]) after `after` (0 for the first), at most
    /// `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], [`Error::Store`] and [`Error::Directory`].
    pub async fn notices(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Error> {
        self.project(project).await?;
        self.store
            .notices(project, after, limit)
            .await
            .map_err(Error::store)
    }
}
