//! Projects and members of a store that keeps them too: changed in one transaction with the event that tells of it.

use twofa_lifecycle::{Actor, Command, Entry};
use twofa_policy::{ProjectSettings, Role};
use twofa_types::{ProjectId, UserId};

use super::pages::Pages;
use super::record::change_of;
use super::{Beside, Loaded, TwoFactor};
use crate::directory::{self, Directory, Project, Standing};
use crate::error::Error;
use crate::retry::Tries;
use crate::store::{Applied, Listing, People, Subject};

/// How many members are read at a time.
const PAGE: u32 = 500;

/// What is to change, decided over what stands there.
struct Wanted<'a> {
    entry: Entry,
    listing: Listing<'a>,
    detail: Option<String>,
}

impl<S: People, D: Directory> TwoFactor<S, D> {
    /// Adds a project, with its rules on the record. Whether `by` may do so is for the caller to know: what a
    /// project's administrators must not change, they must not add either.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateProject`] where there is one of this id, which stays as it is; and as for
    /// [`TwoFactor::begin`].
    pub async fn add_project(
        &self,
        id: &ProjectId,
        project: &Project,
        by: &Actor,
    ) -> Result<(), Error> {
        self.change_project(id, by, |before| match before {
            Some(_) => Err(Error::DuplicateProject(Box::new(id.clone()))),
            None => Ok(Some(Wanted {
                entry: Entry::Settings {
                    from: ProjectSettings::new(),
                    to: project.settings,
                },
                listing: Listing::AddProject(project),
                detail: issuer_detail(None, project, ProjectSettings::new()),
            })),
        })
        .await
    }

    /// Changes a project's rules and its issuer, with what stood before and after on the record. Counts from the next
    /// decision on. Whoever may call this is the project's operator: administrators of a project may not.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`]; and as for [`TwoFactor::begin`].
    pub async fn set_project(
        &self,
        id: &ProjectId,
        project: &Project,
        by: &Actor,
    ) -> Result<(), Error> {
        self.change_project(id, by, |before| match before {
            None => Err(Error::UnknownProject(Box::new(id.clone()))),
            Some(before) if before == project => Ok(None),
            Some(before) => Ok(Some(Wanted {
                entry: Entry::Settings {
                    from: before.settings,
                    to: project.settings,
                },
                listing: Listing::SetProject(project),
                detail: issuer_detail(before.issuer.as_deref(), project, before.settings),
            })),
        })
        .await
    }

    /// Takes a person into a project.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`]; [`Error::DuplicateMember`] where they are in it, whose role stays; and as for
    /// [`TwoFactor::begin`].
    pub async fn add_member(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Role,
        by: &Actor,
    ) -> Result<(), Error> {
        let subject = Subject::member(project, user);
        self.change_member(project, user, by, |before| match before {
            Some(_) => Err(Error::DuplicateMember(Box::new(subject.clone()))),
            None => Ok(Some((Entry::Added(role), Listing::AddMember(role)))),
        })
        .await
    }

    /// Changes what a member is. Counts from the next decision on.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`], [`Error::UnknownMember`]; and as for [`TwoFactor::begin`].
    pub async fn set_role(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Role,
        by: &Actor,
    ) -> Result<(), Error> {
        let subject = Subject::member(project, user);
        self.change_member(project, user, by, |before| match before {
            None => Err(Error::UnknownMember(Box::new(subject.clone()))),
            Some(from) if from == role => Ok(None),
            Some(from) => {
                let entry = Entry::Role { from, to: role };
                Ok(Some((entry, Listing::SetRole(role))))
            }
        })
        .await
    }

    /// Takes a person out of a project. Their factor and its events stay: they are asked for again should the person
    /// come back.
    ///
    /// # Errors
    ///
    /// As for [`set_role`](TwoFactor::set_role).
    pub async fn remove_member(
        &self,
        project: &ProjectId,
        user: &UserId,
        by: &Actor,
    ) -> Result<(), Error> {
        let subject = Subject::member(project, user);
        self.change_member(project, user, by, |before| match before {
            None => Err(Error::UnknownMember(Box::new(subject.clone()))),
            Some(_) => Ok(Some((Entry::Removed, Listing::RemoveMember))),
        })
        .await
    }

    /// Takes the rows of a project and its members as they stand, where they were written by a version that did not
    /// keep them with the record: from then on [`audit_verify`](TwoFactor::audit_verify) finds an edit of them. Says how
    /// many members there are; `None` where the project is kept already.
    ///
    /// # Errors
    ///
    /// As for [`set_project`](TwoFactor::set_project).
    pub async fn adopt_project(&self, id: &ProjectId, by: &Actor) -> Result<Option<u64>, Error> {
        let own = Subject::project_itself(id);
        if self.load(&own).await?.record.listed().is_some() {
            return Ok(None);
        }
        let (mut members, mut pages) = (0_u64, Pages::of("members"));
        loop {
            let page = Directory::members(&self.store, id, pages.after(), PAGE).await;
            let page = page.map_err(Error::directory)?;
            for (user, _) in &page {
                self.adopt_member(id, user).await?;
                members += 1;
            }
            if !pages.read(&page, PAGE, |(user, _)| user.clone())? {
                break;
            }
        }
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let loaded = self.load(&own).await?;
            let project = Directory::project(&self.store, id).await;
            let project = project
                .map_err(Error::directory)?
                .ok_or_else(|| Error::UnknownProject(Box::new(id.clone())))?;
            let (from, to) = (project.settings, project.settings);
            let command = Command::List {
                entry: Entry::Settings { from, to },
                listed: Some(directory::of_project(&project)),
                actor: Some(by),
            };
            let transition = self.step(&own, &loaded, command, self.now()).await?;
            let beside = Beside {
                detail: Some(format!("as found: {to}; members {members}")),
                ..Beside::default()
            };
            if self
                .commit(&own, &loaded, transition, beside)
                .await?
                .is_some()
            {
                return Ok(Some(members));
            }
            tries.again().await?;
        }
    }

    /// Keeps with a member's record what stands in the directory.
    async fn adopt_member(&self, project: &ProjectId, user: &UserId) -> Result<(), Error> {
        let subject = Subject::member(project, user);
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let loaded = self.load(&subject).await?;
            let listed = directory::of_member(self.role_now(project, user).await?);
            if loaded.record.listed() == Some(listed) {
                return Ok(());
            }
            let command = Command::List {
                entry: Entry::AsFound,
                listed: Some(listed),
                actor: None,
            };
            let transition = self.step(&subject, &loaded, command, self.now()).await?;
            let commit = self.commit(&subject, &loaded, transition, Beside::default());
            if commit.await?.is_some() {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    async fn role_now(&self, project: &ProjectId, user: &UserId) -> Result<Option<Role>, Error> {
        let standing = Directory::standing(&self.store, project, user).await;
        match standing.map_err(Error::directory)? {
            Some(Standing { role, .. }) => Ok(role),
            None => Err(Error::UnknownProject(Box::new(project.clone()))),
        }
    }

    async fn change_project<'a>(
        &self,
        id: &ProjectId,
        by: &Actor,
        decide: impl Fn(Option<&Project>) -> Result<Option<Wanted<'a>>, Error>,
    ) -> Result<(), Error> {
        self.ensure_installed().await?;
        let subject = Subject::project_itself(id);
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            // The record first: a row that changes after this changes the record as well.
            let loaded = self.load(&subject).await?;
            let before = Directory::project(&self.store, id).await;
            let before = before.map_err(Error::directory)?;
            let Some(wanted) = decide(before.as_ref())? else {
                return Ok(());
            };
            // One that an earlier version made is not kept until it is adopted.
            let kept = match wanted.listing {
                Listing::AddProject(_) => true,
                _ => loaded.record.listed().is_some(),
            };
            let changed = self.change_listing(&subject, &loaded, wanted, kept, by);
            if Box::pin(changed).await? {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    async fn change_member(
        &self,
        project: &ProjectId,
        user: &UserId,
        by: &Actor,
        decide: impl Fn(Option<Role>) -> Result<Option<(Entry, Listing<'static>)>, Error>,
    ) -> Result<(), Error> {
        self.ensure_installed().await?;
        let (own, subject) = (
            Subject::project_itself(project),
            Subject::member(project, user),
        );
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let loaded = self.load(&subject).await?;
            let before = self.role_now(project, user).await?;
            let Some((entry, listing)) = decide(before)? else {
                return Ok(());
            };
            let kept = self.load(&own).await?.record.listed().is_some();
            let wanted = Wanted {
                entry,
                listing,
                detail: None,
            };
            let changed = self.change_listing(&subject, &loaded, wanted, kept, by);
            if Box::pin(changed).await? {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    /// Writes the row and the event together; `false` when another writer came first.
    async fn change_listing(
        &self,
        subject: &Subject,
        loaded: &Loaded,
        wanted: Wanted<'_>,
        kept: bool,
        by: &Actor,
    ) -> Result<bool, Error> {
        let Wanted {
            entry,
            listing,
            detail,
        } = wanted;
        let command = Command::List {
            entry,
            listed: kept.then(|| listing.digest()),
            actor: Some(by),
        };
        let transition = self.step(subject, loaded, command, self.now()).await?;
        let beside = Beside {
            detail,
            ..Beside::default()
        };
        let (change, _) = change_of(subject, loaded, transition, &beside)?;
        let Some(change) = change else {
            return Ok(true);
        };
        let applied = self.store.apply_with(&change, &listing).await;
        let applied = self.written(&change, applied.map_err(Error::store))?;
        Ok(applied == Applied::Committed)
    }
}

/// What the event says where the issuer changes too; `None` where the settings say it all.
fn issuer_detail(before: Option<&str>, after: &Project, from: ProjectSettings) -> Option<String> {
    let issuer = after.issuer.as_deref();
    (issuer != before).then(|| {
        let show = |issuer: Option<&str>| issuer.map_or_else(String::new, ToOwned::to_owned);
        let (before, now) = (show(before), show(issuer));
        format!(
            "from {from} to {}; issuer from \"{before}\" to \"{now}\"",
            after.settings
        )
    })
}
