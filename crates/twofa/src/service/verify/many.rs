//! Many chains in one go: records and events are read page by page, and what fits is done. A chain in which anything
//! does not fit, as one does that grew between the two looks, is looked at once more by itself.

use std::collections::VecDeque;
use std::sync::Arc;

use twofa_types::ProjectId;

use super::chain::{Bounds, Looked, Notices, begin};
use super::{Fault, Looks, Progress};
use crate::directory::Directory;
use crate::error::Error;
use crate::keys::Keys;
use crate::service::TwoFactor;
use crate::service::pages::Pages;
use crate::store::{ChainSpan, HeadRow, Store, Subject, SubjectEvent, is_full};

/// How many records are read at a time.
pub(in crate::service) const RECORDS: u32 = 500;

/// How many events are read at a time.
const EVENTS: u32 = 2_000;

/// The events of many chains, in their order, read page by page.
pub(in crate::service) struct ManyChains {
    page: VecDeque<SubjectEvent>,
    after: Option<(Subject, u64)>,
    until: Option<Subject>,
    since: u64,
    done: bool,
    /// The last chain that was asked for.
    asked: Option<Subject>,
    /// Whether there were events of a subject that nobody asked for.
    pub(in crate::service) strays: bool,
}

impl ManyChains {
    /// Those after a subject, up to another.
    pub(in crate::service) fn between(
        after: Option<Subject>,
        until: Option<Subject>,
        since: u64,
    ) -> Self {
        Self {
            page: VecDeque::new(),
            asked: after.clone(),
            after: after.map(|subject| (subject, u64::MAX)),
            until,
            since,
            done: false,
            strays: false,
        }
    }

    /// Those of a project from its own on, up to a subject.
    pub(in crate::service) fn of_project(project: &ProjectId, until: Option<Subject>) -> Self {
        let itself = Subject::project_itself(project);
        let mut chains = Self::between(None, until, 0);
        chains.after = Some((itself, 0));
        chains
    }

    /// The next event of a subject that comes after the one that was asked for before; `None` after its last.
    pub(in crate::service) async fn next_of<S: Store>(
        &mut self,
        store: &S,
        subject: &Subject,
    ) -> Result<Option<SubjectEvent>, Error> {
        loop {
            if self.page.is_empty() && !self.read(store).await? {
                return Ok(None);
            }
            let Some(event) = self.page.front() else {
                return Ok(None);
            };
            if event.subject > *subject {
                return Ok(None);
            }
            if event.subject == *subject {
                if self.asked.as_ref() != Some(subject) {
                    self.asked = Some(subject.clone());
                }
                return Ok(self.page.pop_front());
            }
            self.strays |= self.asked.as_ref() != Some(&event.subject);
            self.page.pop_front();
        }
    }

    /// The rest of a chain is not asked for, and not read.
    pub(in crate::service) fn skip(&mut self, subject: &Subject) {
        while self
            .page
            .front()
            .is_some_and(|event| event.subject <= *subject)
        {
            self.page.pop_front();
        }
        if let Some((after, seq)) = self.after.as_mut().filter(|_| self.page.is_empty())
            && after == subject
        {
            *seq = u64::MAX;
        }
    }

    /// Whether more are there that nobody asked for.
    async fn goes_on<S: Store>(&mut self, store: &S) -> Result<bool, Error> {
        Ok(!self.page.is_empty() || self.read(store).await?)
    }

    async fn read<S: Store>(&mut self, store: &S) -> Result<bool, Error> {
        if self.done {
            return Ok(false);
        }
        let span = ChainSpan {
            after: self.after.as_ref().map(|(subject, seq)| (subject, *seq)),
            until: self.until.as_ref(),
            since: self.since,
        };
        let page = store.chains(&span, EVENTS).await.map_err(Error::store)?;
        self.done = !is_full(&page, EVENTS);
        let last = page
            .last()
            .map(|event| (event.subject.clone(), event.row.seq));
        if last.is_some() && last == self.after {
            return Err(Error::StandsStill { call: "chains" });
        }
        self.after = last.or(self.after.take());
        self.page.extend(page);
        Ok(!self.page.is_empty())
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    pub(super) async fn check_records(
        &self,
        project: Option<&ProjectId>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let up_to = match progress.since {
            0 => u64::MAX,
            since => since,
        };
        let mut pages = Pages::of("heads");
        // What came since is in order, whatever records are read beside it.
        let mut since = ManyChains::between(None, None, progress.since);
        loop {
            let before = pages.after().cloned();
            let page = self
                .store
                .heads(project, pages.after(), up_to, RECORDS)
                .await;
            let page = page.map_err(Error::store)?;
            let more = pages.read(&page, RECORDS, |row| row.subject.clone())?;
            let keys = self.keys().await?;
            // Records first, then their events, so that no event of theirs is older than was looked for.
            let until = page.last().map(|row| row.subject.clone());
            let mut all = match project {
                Some(project) if before.is_none() => ManyChains::of_project(project, until),
                _ => ManyChains::between(before, until, 0),
            };
            for row in page {
                let events = if progress.since > 0 {
                    &mut since
                } else {
                    &mut all
                };
                match self.check_row(&keys, row, events, progress).await {
                    Err(error @ Error::Unreadable { .. }) => progress.missed(error),
                    other => other?,
                }
            }
            progress.tell();
            if !more {
                break;
            }
        }
        if progress.since > 0 {
            progress.strays = since.goes_on(&self.store).await? || since.strays;
        }
        Ok(())
    }

    async fn check_row(
        &self,
        keys: &Arc<Keys>,
        row: HeadRow,
        events: &mut ManyChains,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        if row.subject.is_foreign() {
            progress.bad(&row.subject, None, Fault::RowForeign);
            progress.notices.explained = true;
            return Ok(());
        }
        if row.subject.project() != progress.notices.of.as_ref() {
            self.project_done(progress).await?;
            progress.notices = Notices {
                of: row.subject.project().cloned(),
                last: row.last_notice,
                ..Notices::default()
            };
        }
        let bounds = progress.bounds();
        let looked = match self.look(keys, &row, bounds, progress.since, events).await {
            Ok(looked) if looked.faults.is_empty() => looked,
            Ok(_) | Err(Error::Unreadable { .. }) => {
                self.check_subject(row.clone(), bounds).await?
            }
            Err(other) => return Err(other),
        };
        if looked.hidden.first() == Some(&true) && bounds.cursors != [0; 2] {
            // What came since this check began was archived already.
            return Err(Error::Contended { attempts: 1 });
        }
        let said = looked.said;
        progress.add(&row.subject, looked);
        self.check_listing(&row.subject, said, progress).await
    }

    /// A first look at a chain, as part of a page of many.
    async fn look(
        &self,
        keys: &Keys,
        row: &HeadRow,
        bounds: Bounds,
        since: u64,
        events: &mut ManyChains,
    ) -> Result<Looked, Error> {
        let mut chain = begin(keys, row, bounds)?;
        if let Some(tip) = row.covered.as_ref().filter(|_| since > 0) {
            chain.go_on_from(tip);
        }
        while let Some(event) = events.next_of(&self.store, &row.subject).await? {
            chain.next(&event);
        }
        chain.finish()
    }
}

impl Progress<'_> {
    fn tell(&mut self) {
        let begun = self.latest.cursor.saturating_sub(self.since);
        self.watch.looked(Looks {
            chains: self.found.factors,
            events: self.found.events,
            of_events: begun,
        });
    }
}
