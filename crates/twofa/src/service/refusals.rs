//! Whoever was refused is on the record (ASVS 5, 16.3.2): resets, the list of factors, replacements, settings.

use twofa_lifecycle::{Actor, Noted};
use twofa_policy::{Reason, Refusal, SupportResetRequest};
use twofa_types::{Name, ProjectId, UserId};

use super::TwoFactor;
use crate::directory::{Directory, Standing};
use crate::error::Error;
use crate::proof::Facts;
use crate::store::{Store, Subject};

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Puts on the record that `actor` asked for a reset of `subject` and was refused before there was a proof
    /// that [`TwoFactor::reset`] could have been asked with: no code, a wrong one, no member of the project.
    ///
    /// Each call writes, so call it for whoever has given a password, and not for just anybody on the network.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]. A project that is not there has no record, which is no error.
    pub async fn reset_refused(
        &self,
        project: &ProjectId,
        actor: &UserId,
        subject: &UserId,
        reason: Reason,
    ) -> Result<(), Error> {
        let actor = Actor::Member(actor.clone());
        let noted = Noted::ResetRefused {
            actor: Some(&actor),
            reason,
        };
        self.note_about(project, subject, noted).await
    }

    /// As [`TwoFactor::reset_refused`], where the list of factors was asked for.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::reset_refused`].
    pub async fn factors_refused(
        &self,
        project: &ProjectId,
        actor: &UserId,
        reason: Reason,
    ) -> Result<(), Error> {
        let found = self.directory.project(project).await;
        if found.map_err(Error::directory)?.is_none() {
            return Ok(());
        }
        let actor = Actor::Member(actor.clone());
        self.note_access(
            &Subject::project_itself(project),
            Some(&actor),
            reason,
            "factors",
        )
        .await
    }

    /// Puts a refused reset on the subject's chain; on the project's own where they are no member, so that
    /// made-up names leave no records behind.
    pub(super) async fn note_refusal(
        &self,
        facts: &Facts,
        subject: &UserId,
        refusal: Refusal,
    ) -> Result<(), Error> {
        self.reset_refused(&facts.project, &facts.user, subject, refusal.reason())
            .await
    }

    pub(super) async fn note_support_refusal(
        &self,
        request: &SupportResetRequest<'_>,
        refusal: Refusal,
    ) -> Result<(), Error> {
        let names = Name::new(request.operator.trim())
            .ok()
            .zip(Name::new(request.ticket.trim()).ok());
        let actor = names.map(|(name, ticket)| Actor::Operator { name, ticket });
        let noted = Noted::ResetRefused {
            actor: actor.as_ref(),
            reason: refusal.reason(),
        };
        self.note_about(request.project, request.subject, noted)
            .await
    }

    /// Puts a refused replacement on the person's own chain, or that of the project they have left.
    pub(super) async fn replacement_refused(
        &self,
        facts: &Facts,
        standing: Option<&Standing>,
        reason: Reason,
    ) -> Result<(), Error> {
        let Some(standing) = standing else {
            return Ok(());
        };
        let what = "replacement";
        if standing.role.is_some() {
            let own = Subject::member(&facts.project, &facts.user);
            self.note_access(&own, None, reason, what).await
        } else {
            let project = Subject::project_itself(&facts.project);
            let actor = Actor::Member(facts.user.clone());
            self.note_access(&project, Some(&actor), reason, what).await
        }
    }

    /// Puts anything else that was refused on a chain, with what it was.
    pub(super) async fn note_access(
        &self,
        chain: &Subject,
        actor: Option<&Actor>,
        reason: Reason,
        what: &str,
    ) -> Result<(), Error> {
        let noted = Noted::AccessRefused { actor, reason };
        self.note(chain, noted, Some(what.to_owned())).await
    }

    async fn note_about(
        &self,
        project: &ProjectId,
        subject: &UserId,
        noted: Noted<'_>,
    ) -> Result<(), Error> {
        let standing = self
            .directory
            .standing(project, subject)
            .await
            .map_err(Error::directory)?;
        match standing {
            Some(standing) if standing.role.is_some() => {
                self.note(&Subject::member(project, subject), noted, None)
                    .await
            }
            Some(_) => {
                let detail = Some(format!("subject {subject}"));
                self.note(&Subject::project_itself(project), noted, detail)
                    .await
            }
            None => Ok(()),
        }
    }
}
