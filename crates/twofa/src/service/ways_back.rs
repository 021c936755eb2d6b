//! Ways back in, which forget nothing: a set-up that is begun again, and what a changed password ends.

use twofa_lifecycle::{Command, LoginKind, ParkedLogin};
use twofa_policy::{Next, Reason, SignInMethod, decide};
use twofa_types::{ProjectId, UserId};

use super::{Beside, TwoFactor};
use crate::directory::Directory;
use crate::error::Error;
use crate::login::{Again, Enrolment, LoginId, Rejected};
use crate::retry::Tries;
use crate::store::{Resumed, Store, Subject};

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Begins a set-up again for somebody who left the page, lost the QR code, or let it run out: with a new
    /// secret under a new login id; the older ones are void. No password is asked for, so that this is only for
    /// a login that is alive, of the factor's present generation, and within the set-up time since its
    /// *password*, however often it is begun again. Never call [`TwoFactor::begin`] in its place: that vouches
    /// for a password which was right just now.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]. A login that is over is no error but [`Again::Rejected`], with its reason.
    pub async fn begin_again(&self, login: &LoginId) -> Result<Again, Error> {
        let old = login.hash();
        let fresh = LoginId::random()?;
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let keys = self.keys().await?;
            let resumed = self.store.resume(&old).await.map_err(Error::store)?;
            let Some(Resumed {
                subject,
                login: parked,
                found: stored,
            }) = resumed
            else {
                return Ok(over(Reason::UnknownLogin));
            };
            let (Some(project), Some(user)) = (subject.project(), subject.user()) else {
                return Ok(over(Reason::UnknownLogin));
            };
            if parked.kind != LoginKind::Enrol || parked.failures >= ParkedLogin::MAX_FAILURES {
                return Ok(over(Reason::UnknownLogin));
            }
            let set_up = u64::from(self.config.set_up_secs());
            if parked.expires <= now || parked.parked.saturating_add(set_up) <= now {
                return Ok(over(Reason::Expired));
            }
            let found = self.membership(project, user).await?;
            let seen = self.see_in(keys, &subject, stored).await?;
            if seen.view().is_readable() && parked.generation != seen.generation() {
                return Ok(over(Reason::Superseded));
            }
            let method = SignInMethod::Password;
            let decision = decide(&found.settings, method, &seen.view(), now);
            if decision.next() != Next::Enrol {
                return Ok(over(decision.reason()));
            }
            let loaded = seen.readable(&subject)?;
            let id = fresh.hash();
            // The password's time goes on from login to login.
            let next = ParkedLogin {
                parked: parked.parked,
                ..ParkedLogin::park(id, LoginKind::Enrol, &loaded.record, now, &self.config)
            };
            let command = Command::BeginEnrolment { login: id };
            let made = self.make_key_for(&found, &subject, &loaded, command, next, Some(old));
            match made.await? {
                Some((uri, expires)) => {
                    return Ok(Again::Enrol(Enrolment {
                        login: fresh,
                        reason: decision.reason(),
                        uri,
                        expires,
                        handover_required: loaded.record.asks_for_handover(),
                    }));
                }
                None => tries.again().await?,
            }
        }
    }

    /// Ends every parked login of a person: call it when their password was changed, so that a login which the
    /// older password began leads nowhere. It is on the record.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`].
    pub async fn end_logins(&self, project: &ProjectId, user: &UserId) -> Result<(), Error> {
        self.end(project, user, || Command::EndLogins).await
    }

    /// Ends every session of a person, and their parked logins: every proof of up to this second is void, at
    /// every service over this store. A session that is asked about ([`TwoFactor::recheck`]) does not go on.
    /// Call it where somebody asks to be signed out everywhere, or where a password is changed because it was
    /// known to others. It is on the record.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`].
    pub async fn end_sessions(&self, project: &ProjectId, user: &UserId) -> Result<(), Error> {
        self.end(project, user, || Command::EndSessions).await
    }

    async fn end(
        &self,
        project: &ProjectId,
        user: &UserId,
        command: impl Fn() -> Command<'static> + Send,
    ) -> Result<(), Error> {
        let subject = Subject::member(project, user);
        self.ensure_installed().await?;
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            self.standing(project, user).await?;
            let loaded = self.load(&subject).await?;
            let transition = self.step(&subject, &loaded, command(), self.now()).await?;
            let done = self.commit(&subject, &loaded, transition, Beside::default());
            if done.await?.is_some() {
                return Ok(());
            }
            tries.again().await?;
        }
    }
}

fn over(reason: Reason) -> Again {
    Again::Rejected(Rejected {
        reason,
        retry_at: None,
        clock_off: None,
        login_ended: true,
    })
}
