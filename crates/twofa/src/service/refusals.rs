//! Whoever was refused is on the record (ASVS 5, 16.3.2): resets, what administrators look at, replacements, settings.
//!
//! A refusal stands on the chain of whoever asked, where it is in nobody else's way: a member who asks for resets all
//! day long must not keep an administrator's own codes from being written. What nobody in the project asked for
//! stands on the project's chain. Alike ones are written once a minute, and counted in between.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use twofa_lifecycle::{Actor, Noted};
use twofa_policy::{CLOCK_TOLERANCE_SECS, Reason, Refusal, SignInMethod, SupportResetRequest};
use twofa_types::{Name, ProjectId, UnixTime, UserId};

use super::{Seen, TwoFactor};
use crate::directory::{Directory, Standing};
use crate::error::Error;
use crate::proof::Facts;
use crate::store::{Store, Subject, SubjectEvent};

/// For how many seconds a refusal like one that was written is only counted.
const ALIKE: u64 = 60;

/// How many refusals are remembered at most. Beyond that they are forgotten and written again.
const REMEMBERED: usize = 4096;

/// How many events at the end of a chain are looked at for one that is alike, where another process may have
/// written it.
const LOOKED_BACK: u32 = 20;

/// On which chain, and what.
type Kind = (Subject, &'static str, Reason, String);

/// Refusals that were written lately, and how many like each were not.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<Kind, Lately>>);

#[derive(Clone, Copy)]
struct Lately {
    written: UnixTime,
    since: u64,
}

impl Refusals {
    fn all(&self) -> MutexGuard<'_, HashMap<Kind, Lately>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was known of such refusals, where one is to be written; an error where one was lately, and this one is
    /// counted.
    fn due(&self, kind: &Kind, now: UnixTime) -> Result<Option<Lately>, Counted> {
        let mut all = self.all();
        if let Some(lately) = all.get_mut(kind)
            && is_lately(lately.written, now)
        {
            lately.since += 1;
            return Err(Counted);
        }
        if all.len() >= REMEMBERED {
            all.retain(|_, lately| is_lately(lately.written, now));
        }
        if all.len() >= REMEMBERED {
            all.clear();
        }
        // At once, so that of many at the same moment one is written.
        let (written, since) = (now, 0);
        Ok(all.insert(kind.clone(), Lately { written, since }))
    }

    fn put(&self, kind: Kind, known: Option<Lately>) {
        match known {
            Some(lately) => self.all().insert(kind, lately),
            None => self.all().remove(&kind),
        };
    }
}

/// A refusal like one that was written lately.
struct Counted;

/// A clock that is a little behind the one that it was written by counts as the same moment.
fn is_lately(written: UnixTime, now: UnixTime) -> bool {
    let (written, now) = (written.as_secs(), now.as_secs());
    now < written.saturating_add(ALIKE) && now.saturating_add(CLOCK_TOLERANCE_SECS) >= written
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Puts on the record that `actor` asked for a reset of `subject` and was refused before there was a proof
    /// that [`TwoFactor::reset`] could have been asked with: no code, a wrong one, no member of the project.
    ///
    /// It stands on the actor's chain, and on the project's where they are no member of it. One like it is written
    /// once a minute, with how many there were.
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
        let standing = self.directory.standing(project, actor).await;
        let standing = standing.map_err(Error::directory)?;
        let what = format!("subject {subject}");
        self.refused(
            project,
            actor,
            standing.as_ref(),
            Refused::Reset,
            reason,
            what,
        )
        .await
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
        let standing = self.directory.standing(project, actor).await;
        let (standing, what) = (standing.map_err(Error::directory)?, "factors".to_owned());
        self.refused(
            project,
            actor,
            standing.as_ref(),
            Refused::Access,
            reason,
            what,
        )
        .await
    }

    /// Puts a reset that was refused to the holder of a proof on the record.
    pub(super) async fn reset_refused_to(
        &self,
        holder: &Facts,
        standing: Option<&Standing>,
        subject: &UserId,
        reason: Reason,
    ) -> Result<(), Error> {
        let (project, user) = (&holder.project, &holder.user);
        let what = format!("subject {subject}");
        self.refused(project, user, standing, Refused::Reset, reason, what)
            .await
    }

    /// Puts what else was refused to the holder of a proof on the record.
    pub(super) async fn access_refused_to(
        &self,
        holder: &Facts,
        standing: Option<&Standing>,
        reason: Reason,
        what: &str,
    ) -> Result<(), Error> {
        let (project, user) = (&holder.project, &holder.user);
        let what = what.to_owned();
        self.refused(project, user, standing, Refused::Access, reason, what)
            .await
    }

    pub(super) async fn note_support_refusal(
        &self,
        request: &SupportResetRequest<'_>,
        refusal: Refusal,
    ) -> Result<(), Error> {
        let found = self.directory.project(request.project).await;
        if found.map_err(Error::directory)?.is_none() {
            return Ok(());
        }
        let names = Name::new(request.operator.trim())
            .ok()
            .zip(Name::new(request.ticket.trim()).ok());
        let actor = names.map(|(name, ticket)| Actor::Operator {
            name,
            ticket: Some(ticket),
        });
        let what = format!("subject {}", request.subject);
        let chain = Subject::project_itself(request.project);
        self.note_refused(
            &chain,
            Refused::Reset,
            actor.as_ref(),
            refusal.reason(),
            what,
        )
        .await
    }

    /// Puts a sign-in that was refused on the person's own chain; on the project's where theirs cannot go on.
    pub(super) async fn sign_in_refused(
        &self,
        subject: &Subject,
        seen: &Seen,
        method: SignInMethod,
        reason: Reason,
    ) -> Result<(), Error> {
        let refused = Refused::SignIn(method);
        let what = method.code().to_owned();
        if let (Seen::Unreadable(_), Some(project)) = (seen, subject.project()) {
            let project = Subject::project_itself(project);
            let what = format!("{what}, subject {}", subject.user_key());
            let noted = self.note_refused(&project, refused, None, reason, what);
            // Refused they are, also where the project's own record is damaged too.
            if let Err(error) = noted.await {
                tracing::error!(%error, "a refused sign-in could not be put on the record");
            }
            return Ok(());
        }
        self.note_refused(subject, refused, None, reason, what)
            .await
    }

    /// Puts a refused change of settings on the project's chain.
    pub(super) async fn settings_refused(
        &self,
        project: &ProjectId,
        actor: Option<&Actor>,
        reason: Reason,
    ) -> Result<(), Error> {
        let what = "settings".to_owned();
        match actor {
            Some(Actor::Member(member)) => {
                let standing = self.directory.standing(project, member).await;
                let standing = standing.map_err(Error::directory)?;
                self.refused(
                    project,
                    member,
                    standing.as_ref(),
                    Refused::Access,
                    reason,
                    what,
                )
                .await
            }
            actor => {
                let chain = Subject::project_itself(project);
                self.note_refused(&chain, Refused::Access, actor, reason, what)
                    .await
            }
        }
    }

    /// On the chain of the member who asked. Whoever is none may be made up: they leave nothing behind but on the
    /// project's chain, all alike there whoever they say they are. A project that is not there has no chain.
    async fn refused(
        &self,
        project: &ProjectId,
        actor: &UserId,
        standing: Option<&Standing>,
        refused: Refused,
        reason: Reason,
        what: String,
    ) -> Result<(), Error> {
        let Some(standing) = standing else {
            return Ok(());
        };
        let chain = match standing.role {
            Some(_) => Subject::member(project, actor),
            None => Subject::project_itself(project),
        };
        let actor = Actor::Member(actor.clone());
        // Boxed, so that what asks for it stays small.
        Box::pin(self.note_refused(&chain, refused, Some(&actor), reason, what)).await
    }

    async fn note_refused(
        &self,
        chain: &Subject,
        refused: Refused,
        actor: Option<&Actor>,
        reason: Reason,
        what: String,
    ) -> Result<(), Error> {
        let now = self.now();
        let stranger = chain.user().is_none() && matches!(actor, Some(Actor::Member(_)));
        let alike = if stranger {
            String::new()
        } else {
            what.clone()
        };
        let kind = (chain.clone(), refused.event(), reason, alike);
        let Ok(known) = self.refusals.due(&kind, now) else {
            return Ok(());
        };
        let since = known.map_or(0, |lately| lately.since);
        if since == 0 {
            let there = self.lately_on(chain, |event| is_alike(event, &kind, now));
            match there.await {
                Ok(None) => {}
                Ok(Some(written)) => {
                    self.refusals.put(kind, Some(Lately { written, since: 1 }));
                    return Ok(());
                }
                Err(error) => {
                    self.refusals.put(kind, known);
                    return Err(error);
                }
            }
        }
        let noted = match refused {
            Refused::Reset => Noted::ResetRefused { actor, reason },
            Refused::Access => Noted::AccessRefused { actor, reason },
            Refused::SignIn(method) => Noted::Refused { reason, method },
        };
        let detail = match since {
            0 => what,
            since => format!("{what}, {since} more before"),
        };
        let written = self.note_on_a_whole_chain(chain, noted, detail).await;
        if written.is_err() {
            self.refusals.put(kind, known);
        }
        written
    }

    /// On the project's chain where the one it belongs on cannot be written. Where neither can, it is left to the log:
    /// a refusal is the answer all the same, and a hand in the database turns none into an error.
    async fn note_on_a_whole_chain(
        &self,
        chain: &Subject,
        noted: Noted<'_>,
        detail: String,
    ) -> Result<(), Error> {
        let written = self.note(chain, noted, Some(detail.clone())).await;
        let written = match (written, chain.project(), chain.user()) {
            (Err(Error::Unreadable { .. }), Some(project), Some(_)) => {
                let project = Subject::project_itself(project);
                self.note(&project, noted, Some(detail)).await
            }
            (written, _, _) => written,
        };
        match written {
            Err(error @ Error::Unreadable { .. }) => {
                tracing::error!(%error, "a refusal could not be put on the record");
                Ok(())
            }
            written => written,
        }
    }

    /// When such an event was written, where it is one of the last on a chain.
    pub(super) async fn lately_on(
        &self,
        chain: &Subject,
        such: impl Fn(&SubjectEvent) -> bool,
    ) -> Result<Option<UnixTime>, Error> {
        let found = self.store.load(chain).await.map_err(Error::store)?;
        let after = found.last_event.saturating_sub(LOOKED_BACK.into());
        let page = self.store.chain(chain, after, 2 * LOOKED_BACK).await;
        let page = page.map_err(Error::store)?;
        Ok(page
            .iter()
            .rev()
            .find(|event| such(event))
            .map(|event| event.row.at))
    }
}

/// Whether an event is a refusal of that kind from lately.
fn is_alike(found: &SubjectEvent, (_, event, reason, what): &Kind, now: UnixTime) -> bool {
    let detail = found.row.detail.as_deref().unwrap_or_default();
    let rest = detail.strip_prefix(what.as_str());
    found.row.event == *event
        && found.row.reason.as_deref() == Some(reason.code())
        && rest.is_some_and(|rest| what.is_empty() || rest.is_empty() || rest.starts_with(", "))
        && is_lately(found.row.at, now)
}

/// What was asked for.
#[derive(Clone, Copy)]
enum Refused {
    Reset,
    Access,
    SignIn(SignInMethod),
}

impl Refused {
    fn event(self) -> &'static str {
        match self {
            Self::Reset => twofa_lifecycle::EventKind::ResetRefused.code(),
            Self::Access => twofa_lifecycle::EventKind::AccessRefused.code(),
            Self::SignIn(_) => twofa_lifecycle::EventKind::Refused.code(),
        }
    }
}
