//! What is done now and then: sweeping, rotating keys, bringing factors in, settings on the record.

use twofa_lifecycle::{Actor, Command, HandoverCode, Noted, Outcome};
use twofa_otpauth::KeyUri;
use twofa_policy::{Changer, ProjectSettings, Reason, authorize_settings_change};
use twofa_types::{Name, ProjectId, UserId};

use super::pages::Pages;
use super::{Authorized, Beside, TwoFactor};
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::keyring::KeyringError;
use crate::retry::Tries;
use crate::seal::{self, SubjectVault};
use crate::store::{Applied, Change, Ends, RecordRow, Store, Stored, Subject};

/// How many records are resealed between two looks at where we are.
const PAGE: u32 = 200;

/// How many records are tried to see whether a keyring belongs to a store.
const FIRST_FEW: u32 = 20;

/// How far a rotation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// Records looked at.
    pub seen: u64,
    /// Records that were written anew under the active key.
    pub resealed: u64,
    /// Records that cannot be read, and stay as they are until they are recovered.
    pub unreadable: u64,
}

/// A factor that was brought in.
#[derive(Debug)]
pub struct Imported {
    handover: Option<HandoverCode>,
}

impl Imported {
    /// The code that the person must bring to their first sign-in with it, where the factor was reset before and
    /// nobody has such a code yet. Shown this once; pass it on by other means than the password would take.
    pub fn handover(&self) -> Option<&HandoverCode> {
        self.handover.as_ref()
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Removes parked logins that have lapsed, at most `limit` of them, and says how many. Call it now and
    /// then; nothing but space depends on it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn sweep(&self, limit: u32) -> Result<u64, Error> {
        self.store
            .sweep(self.now(), limit)
            .await
            .map_err(Error::store)
    }

    /// Whether the keyring belongs to the store. Call it once at the start: what the store's own record says of
    /// its keys is compared, and where it keeps none yet, the first few records are opened. A store without
    /// records goes with any keyring.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] with [`KeyringError::Mismatch`] when the keys are another store's, or with
    /// [`KeyringError::Unknown`] when one is missing; [`Error::Store`].
    pub async fn check_keyring(&self) -> Result<(), Error> {
        self.keys.look_again();
        let keys = self.keys().await?;
        if keys.installation().is_some() {
            return Ok(());
        }
        let page = self.store.subjects(None, None, FIRST_FEW).await;
        let page = page.map_err(Error::store)?;
        // Another start may have begun the store since: its record is then what the keys are compared with.
        if self.later_keys(&keys).await?.is_some() {
            return Ok(());
        }
        let mut first = None;
        for RecordRow {
            subject, stored, ..
        } in &page
        {
            match seal::open_record(&keys, subject, stored) {
                Ok(_) => return Ok(()),
                // None that opens is another key under the same number, rather than as many that were altered.
                Err(RestError::Altered) => {
                    let id = seal::key_id(&stored.record).unwrap_or(keys.active_id());
                    let source = KeyringError::Mismatch { id }.into();
                    first.get_or_insert_with(|| Error::unreadable(subject, source));
                }
                Err(source) => {
                    first.get_or_insert_with(|| Error::unreadable(subject, source));
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Puts every record and secret under the active key. Readers and logins go on meanwhile; it can be
    /// stopped at any moment and begun again. When it has returned and left out none as
    /// [unreadable](Rotation::unreadable), nothing rests under an older key, and none will.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] for a keyring that is not this store's; [`Error::Store`]; [`Error::Contended`].
    pub async fn reseal(
        &self,
        mut progress: impl FnMut(Rotation) + Send,
    ) -> Result<Rotation, Error> {
        // A write that had compared the keys before the active one changed may still be under way.
        self.keys.look_again();
        self.keys().await?;
        self.store.drain().await.map_err(Error::store)?;
        let mut rotation = Rotation::default();
        let mut pages = Pages::of("subjects");
        loop {
            let page = self.store.subjects(None, pages.after(), PAGE).await;
            let page = page.map_err(Error::store)?;
            for row in page
                .iter()
                .filter(|row| row.subject != Subject::installation())
            {
                rotation.seen += 1;
                match self.reseal_one(&row.subject, &row.stored).await {
                    Ok(true) => rotation.resealed += 1,
                    Ok(false) => {}
                    Err(Error::Unreadable { .. }) => rotation.unreadable += 1,
                    Err(error) => return Err(error),
                }
            }
            progress(rotation);
            if !pages.read(&page, PAGE, |row| row.subject.clone())? {
                self.reseal_checkpoints().await?;
                return Ok(rotation);
            }
        }
    }

    async fn reseal_one(&self, subject: &Subject, stored: &Stored) -> Result<bool, Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        let mut stored = stored.clone();
        loop {
            let unreadable = |source| Error::unreadable(subject, source);
            let keys = self.keys().await?;
            let record = seal::open_record(&keys, subject, &stored).map_err(unreadable)?;
            let vault = SubjectVault::new(&keys, subject);
            let mut touched = seal::key_id(&stored.record) != Some(keys.active_id());
            let record = record
                .reseal(|generation, sealed| {
                    let fresh = vault.reseal(generation, sealed)?;
                    touched |= fresh.is_some();
                    Ok(fresh.unwrap_or_else(|| sealed.clone()))
                })
                .map_err(unreadable)?;
            if !touched {
                return Ok(false);
            }
            let change = Change {
                subject: subject.clone(),
                expected: stored.version,
                installation: keys.version(),
                record: seal::close_record(&keys, subject, stored.version + 1, &record)
                    .map_err(unreadable)?,
                summary: record.summary(),
                events: Vec::new(),
                park: None,
                ends: Ends::None,
                recovery: None,
            };
            match self.write(&change).await? {
                Applied::Committed => return Ok(true),
                Applied::Conflict | Applied::Stale => tries.again().await?,
            }
            match self.store.load(subject).await.map_err(Error::store)?.stored {
                Some(newer) => stored = newer,
                None => return Ok(false),
            }
        }
    }

    /// Brings a member's factor in from another system, in use at once: the key URI that their authenticator
    /// app already holds. Who answers for it goes on the record.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadySetUp`] where they have a factor or are setting one up; [`Error::AlreadyReset`] where they
    /// were reset, which an import does not undo; [`Error::CannotImport`] for a counter-based key;
    /// [`Error::UnknownMember`]; and as for [`TwoFactor::begin`].
    pub async fn import(
        &self,
        project: &ProjectId,
        user: &UserId,
        uri: &KeyUri,
        by: &Actor,
    ) -> Result<Imported, Error> {
        self.bring_in(project, user, uri, by, false).await
    }

    /// As [`TwoFactor::import`], also for somebody who was reset: on a ticket, by an operator whom the caller
    /// vouches for, never the very key that was reset, and behind a hand-over code. The reset's own code is asked
    /// for, or the one in the answer.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::import`].
    pub async fn import_again(
        &self,
        project: &ProjectId,
        user: &UserId,
        uri: &KeyUri,
        operator: &Name,
        ticket: &Name,
    ) -> Result<Imported, Error> {
        let (name, ticket) = (operator.clone(), Some(ticket.clone()));
        let actor = Actor::Operator { name, ticket };
        self.bring_in(project, user, uri, &actor, true).await
    }

    async fn bring_in(
        &self,
        project: &ProjectId,
        user: &UserId,
        uri: &KeyUri,
        by: &Actor,
        again: bool,
    ) -> Result<Imported, Error> {
        if !matches!(uri.kind(), twofa_otpauth::Kind::Totp) {
            return Err(Error::CannotImport);
        }
        let subject = Subject::member(project, user);
        self.ensure_installed().await?;
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            self.membership(project, user).await?;
            let loaded = self.load(&subject).await?;
            let command = Command::Import {
                secret: uri.secret(),
                params: uri.params(),
                by: Some(by),
                again,
            };
            let transition = self.step(&subject, &loaded, command, self.now()).await?;
            match self
                .commit(&subject, &loaded, transition, Beside::default())
                .await?
            {
                Some(Outcome::Imported { handover, .. }) => return Ok(Imported { handover }),
                Some(Outcome::Rejected(why)) if why.reason == Reason::AlreadyReset => {
                    return Err(Error::AlreadyReset {
                        user: Box::new(user.clone()),
                    });
                }
                Some(Outcome::Rejected(why)) if why.reason == Reason::ClockBehind => {
                    return Err(Error::ClockBehind(Box::new(subject)));
                }
                Some(_) => {
                    return Err(Error::AlreadySetUp {
                        user: Box::new(user.clone()),
                    });
                }
                None => tries.again().await?,
            }
        }
    }

    /// Puts a change of a project's settings on the record, with what stood before and after: for an application whose
    /// directory is its own ([`set_project`](TwoFactor::set_project) changes the store's). Call it before
    /// the directory changes: a refusal, which is on the record too, means that the change must not be made.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`]; and as for [`TwoFactor::begin`].
    pub async fn settings_changed(
        &self,
        project: &ProjectId,
        from: ProjectSettings,
        to: ProjectSettings,
        who: Changer,
        actor: Option<&Actor>,
    ) -> Result<Authorized<()>, Error> {
        self.project(project).await?;
        self.ensure_installed().await?;
        match authorize_settings_change(who) {
            Err(refusal) => {
                self.settings_refused(project, actor, refusal.reason())
                    .await?;
                Ok(Authorized::Refused(refusal))
            }
            Ok(_grant) => {
                let noted = Noted::SettingsChanged { actor, from, to };
                self.note(&Subject::project_itself(project), noted, None)
                    .await?;
                Ok(Authorized::Granted(()))
            }
        }
    }
}
