//! What administrators and support do: the list of factors, and resets.

use twofa_lifecycle::{Command, HandoverCode, Outcome};
use twofa_policy::{
    AccessRequest, FactorState, Help, MissingKey, ProjectSettings, Refusal, ResetGrant,
    ResetRequest, Role, SignInMethod, SupportResetRequest, Warnings, authorize_list,
    authorize_reset, authorize_support_reset, no_proof,
};
use twofa_types::{ProjectId, UserId};

use super::pages::Pages;
use super::{Beside, Fault, Impact, MemberImpact, Seen, TwoFactor, Verification};
use crate::directory::Directory;
use crate::error::Error;
use crate::proof::{Facts, Proof};
use crate::retry::Tries;
use crate::store::{EventQuery, FactorRow, Store, Subject, SubjectEvent};

/// What was asked for with authority, or why it was not done.
#[derive(Debug)]
#[must_use]
pub enum Authorized<T> {
    /// Done.
    Granted(T),
    /// Not done, and why.
    Refused(Refusal),
}

/// A reset that was done.
#[derive(Debug)]
pub struct ResetDone {
    handover: Option<HandoverCode>,
    warnings: Warnings,
    recovered: Option<Fault>,
}

impl ResetDone {
    /// What was wrong with the record, where it could not be read and was recovered. There is always a hand-over code
    /// then.
    pub fn recovered(&self) -> Option<Fault> {
        self.recovered
    }

    /// The code that the person must bring to their next set-up, where the project asks for one. Shown this
    /// once; pass it on by other means than the password would take.
    pub fn handover(&self) -> Option<&HandoverCode> {
        self.handover.as_ref()
    }

    /// What should be thought over.
    pub fn warnings(&self) -> Warnings {
        self.warnings
    }
}

/// How many members are looked through at a time.
const PAGE: u32 = 500;

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// The factors of the proof's project by user id, after `after`, at most `limit`.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]. Someone who may not see them gets [`Authorized::Refused`], and is on the
    /// record.
    pub async fn factors(
        &self,
        proof: &Proof,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Authorized<Vec<FactorRow>>, Error> {
        let facts = match self.overseer(proof, "factors").await? {
            Authorized::Granted(facts) => facts,
            Authorized::Refused(refusal) => return Ok(Authorized::Refused(refusal)),
        };
        let rows = self.store.factors(&facts.project, after, limit).await;
        rows.map(Authorized::Granted).map_err(Error::store)
    }

    /// The latest events of the proof's project that `which` describes, the last one first, at most `limit`: for its
    /// administrators, who have proven a second factor.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::factors`].
    pub async fn audit(
        &self,
        proof: &Proof,
        which: &EventQuery<'_>,
        limit: u32,
    ) -> Result<Authorized<Vec<SubjectEvent>>, Error> {
        Ok(match self.overseer(proof, "audit").await? {
            Authorized::Granted(facts) => {
                let page = self.store.latest(&facts.project, which, limit).await;
                Authorized::Granted(page.map_err(Error::store)?)
            }
            Authorized::Refused(refusal) => Authorized::Refused(refusal),
        })
    }

    /// As [`TwoFactor::audit_verify`] of the proof's project, for its administrators.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::factors`] and [`TwoFactor::audit_check`].
    pub async fn verify_audit(&self, proof: &Proof) -> Result<Authorized<Verification>, Error> {
        Ok(match self.overseer(proof, "verification").await? {
            Authorized::Granted(facts) => {
                Authorized::Granted(self.audit_verify(Some(&facts.project)).await?)
            }
            Authorized::Refused(refusal) => Authorized::Refused(refusal),
        })
    }

    /// As [`TwoFactor::impact`] on the proof's project, for its administrators.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::factors`].
    pub async fn preview(
        &self,
        proof: &Proof,
        then: &ProjectSettings,
        method: SignInMethod,
        each: impl FnMut(MemberImpact) + Send,
    ) -> Result<Authorized<Impact>, Error> {
        Ok(match self.overseer(proof, "impact").await? {
            Authorized::Granted(facts) => {
                Authorized::Granted(self.impact(&facts.project, then, method, each).await?)
            }
            Authorized::Refused(refusal) => Authorized::Refused(refusal),
        })
    }

    /// Whose proof it is, where that is an administrator who may look at what concerns the whole project. A refusal
    /// is on the record, with what was asked for.
    async fn overseer(&self, proof: &Proof, what: &str) -> Result<Authorized<Facts>, Error> {
        let Some(facts) = self.open_proof(proof).await? else {
            return Ok(Authorized::Refused(no_proof()));
        };
        let Some((standing, seen)) = self.holder(&facts).await? else {
            return Ok(Authorized::Refused(no_proof()));
        };
        let request = AccessRequest {
            settings: standing.as_ref().map(|standing| &standing.project.settings),
            project: &facts.project,
            proof: Some(facts.as_policy()),
            factor: seen.view(),
            generation: seen.generation(),
            role: standing.as_ref().and_then(|standing| standing.role),
            now: self.now(),
        };
        match authorize_list(&request) {
            Ok(()) => Ok(Authorized::Granted(facts)),
            Err(refusal) => {
                let (standing, reason) = (standing.as_ref(), refusal.reason());
                self.access_refused_to(&facts, standing, reason, what)
                    .await?;
                Ok(Authorized::Refused(refusal))
            }
        }
    }

    /// An administrator resets a member of the proof's project: the secret is erased, every parked login and
    /// proof of the member is void, and they set up anew at their next login. A refusal goes on the record; where
    /// it came before there was a proof, through [`TwoFactor::reset_refused`].
    ///
    /// A record that is damaged is recovered by the same call ([`ResetDone::recovered`]): behind a hand-over code
    /// whatever the project asks for, with its failures in a row, and with the damage on the record.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]; nothing was reset then.
    pub async fn reset(
        &self,
        proof: &Proof,
        subject: &UserId,
    ) -> Result<Authorized<ResetDone>, Error> {
        let Some(facts) = self.open_proof(proof).await? else {
            // Nobody is known to have asked, in no project: there is no chain that this belongs to.
            return Ok(Authorized::Refused(no_proof()));
        };
        let place = Subject::member(&facts.project, subject);
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let Some((standing, actor)) = self.holder(&facts).await? else {
                return Ok(Authorized::Refused(no_proof()));
            };
            let seen = self.see(&place).await?;
            let request = ResetRequest {
                settings: standing.as_ref().map(|standing| &standing.project.settings),
                project: &facts.project,
                proof: Some(facts.as_policy()),
                actor_factor: actor.view(),
                actor_generation: actor.generation(),
                actor_role: standing.as_ref().and_then(|standing| standing.role),
                subject,
                subject_factor: seen.view(),
                subject_generation: seen.generation(),
                now,
            };
            let grant = match authorize_reset(&request) {
                Ok(grant) => grant,
                Err(refusal) => {
                    let (standing, reason) = (standing.as_ref(), refusal.reason());
                    self.reset_refused_to(&facts, standing, subject, reason)
                        .await?;
                    return Ok(Authorized::Refused(refusal));
                }
            };
            let settings = request.settings.copied();
            match self.carry_out(&place, &seen, grant, settings).await? {
                Some(done) => return Ok(Authorized::Granted(done)),
                None => tries.again().await?,
            }
        }
    }

    /// Support resets a member on a ticket, for a project whose administrators cannot get in. The caller
    /// vouches that `operator` is one. A record that is damaged is recovered, as by [`TwoFactor::reset`]; one whose key
    /// is missing is not, since the key may come back.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]; nothing was reset then.
    pub async fn support_reset(
        &self,
        project: &ProjectId,
        subject: &UserId,
        operator: &str,
        ticket: &str,
    ) -> Result<Authorized<ResetDone>, Error> {
        let key = MissingKey::MayComeBack;
        self.reset_by_support(project, subject, operator, ticket, key)
            .await
    }

    /// As [`TwoFactor::support_reset`], and a record whose key is missing is recovered as well: the key is given up,
    /// and what it would open does not come back with it.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::support_reset`].
    pub async fn support_reset_even_though_the_key_is_missing(
        &self,
        project: &ProjectId,
        subject: &UserId,
        operator: &str,
        ticket: &str,
    ) -> Result<Authorized<ResetDone>, Error> {
        let key = MissingKey::GivenUp;
        self.reset_by_support(project, subject, operator, ticket, key)
            .await
    }

    async fn reset_by_support(
        &self,
        project: &ProjectId,
        subject: &UserId,
        operator: &str,
        ticket: &str,
        missing_key: MissingKey,
    ) -> Result<Authorized<ResetDone>, Error> {
        let place = Subject::member(project, subject);
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let found = self
                .directory
                .project(project)
                .await
                .map_err(Error::directory)?;
            let seen = self.see(&place).await?;
            let settings = found.map(|found| found.settings);
            let request = SupportResetRequest {
                settings: settings.as_ref(),
                project,
                operator,
                ticket,
                subject,
                subject_factor: seen.view(),
                subject_generation: seen.generation(),
                missing_key,
                help: self.help_for(project, subject).await?,
                now,
            };
            let (grant, warnings) = match authorize_support_reset(&request) {
                Ok(granted) => granted,
                Err(refusal) => {
                    self.note_support_refusal(&request, refusal).await?;
                    return Ok(Authorized::Refused(refusal));
                }
            };
            match self.carry_out(&place, &seen, grant, settings).await? {
                Some(done) => {
                    return Ok(Authorized::Granted(ResetDone { warnings, ..done }));
                }
                None => tries.again().await?,
            }
        }
    }

    /// Steps and stores a reset, or a recovery where the record cannot be read. `None` when another writer came first.
    async fn carry_out(
        &self,
        place: &Subject,
        seen: &Seen,
        grant: ResetGrant,
        settings: Option<ProjectSettings>,
    ) -> Result<Option<ResetDone>, Error> {
        let warnings = Warnings::default();
        let loaded = match seen {
            Seen::Readable(loaded) => loaded,
            Seen::Unreadable(broken) => {
                let handover = Box::pin(self.recover(place, broken, grant)).await?;
                return Ok(handover.map(|handover| ResetDone {
                    handover: Some(handover),
                    warnings,
                    recovered: Some(broken.fault),
                }));
            }
        };
        let handover = settings.unwrap_or_default().handover();
        let command = Command::Reset { grant, handover };
        let transition = self.step(place, loaded, command, self.now()).await?;
        let done = self.commit(place, loaded, transition, Beside::default());
        Ok(match done.await? {
            Some(Outcome::Reset { handover, .. }) => Some(ResetDone {
                handover,
                warnings,
                recovered: None,
            }),
            // The grant was for a generation that has passed, which is a lost race like any other.
            Some(_) | None => None,
        })
    }

    /// Whether another administrator than `subject` has a factor in use, and so could reset them.
    async fn help_for(&self, project: &ProjectId, subject: &UserId) -> Result<Help, Error> {
        let mut pages = Pages::of("members");
        loop {
            let members = self.directory.members(project, pages.after(), PAGE).await;
            let members = members.map_err(Error::directory)?;
            for (user, role) in &members {
                if *role == Role::Administrator
                    && user != subject
                    && self.is_enrolled(&Subject::member(project, user)).await?
                {
                    return Ok(Help::AdministratorOrSupport);
                }
            }
            if !pages.read(&members, PAGE, |(user, _)| user.clone())? {
                return Ok(Help::SupportOnly);
            }
        }
    }

    /// Whether somebody has a factor in use, as far as it can be read: an unreadable one helps nobody.
    async fn is_enrolled(&self, subject: &Subject) -> Result<bool, Error> {
        let (keys, found) = (self.keys().await?, self.store.load(subject).await);
        let seen = self.look_into(keys, subject, found.map_err(Error::store)?);
        Ok(seen.await?.view().state == FactorState::Active)
    }
}
