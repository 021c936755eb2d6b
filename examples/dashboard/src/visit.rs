//! What a session stands for: nobody, somebody half way through a login, or somebody who is in.
//!
//! [`enter`] is the one way to the last, and it takes a [`LoginPass`] by value.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::response::Redirect;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use twofa::policy::{How, Recheck, Role};
use twofa::types::{ProjectId, UserId};
use twofa::{Directory as _, LoginId, LoginPass, Proof};

use crate::app::App;
use crate::forms;
use crate::page::Trouble;

const VISIT: &str = "visit";

/// What is kept in a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Visit {
    Half(Half),
    In(In),
}

/// A login that waits for a code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Half {
    pub project: String,
    pub user: String,
    login: String,
    pub waits_for: WaitsFor,
    pub reason: String,
    pub handover: bool,
}

/// What a login waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitsFor {
    /// The first code of a new key.
    SetUp,
    /// A code of the key in use.
    Code,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct In {
    project: String,
    user: String,
    proof: String,
    by_sso: bool,
    /// A replacement under way.
    replacement: Option<String>,
}

impl Half {
    /// Makes one of a login that was just begun.
    pub fn new(project: &ProjectId, user: &UserId, login: &LoginId, waits_for: WaitsFor) -> Self {
        Self {
            project: project.to_string(),
            user: user.to_string(),
            login: login.to_string(),
            waits_for,
            reason: String::new(),
            handover: false,
        }
    }

    /// The login to answer.
    ///
    /// # Errors
    ///
    /// [`Trouble::SignInAgain`] when the session holds none.
    pub fn login(&self) -> Result<LoginId, Trouble> {
        self.login.parse().map_err(|_| Trouble::SignInAgain)
    }
}

/// Before somebody's standing changes: a new session id, and new tokens for their forms, so that neither one
/// that was planted nor one that was read before is worth anything after.
async fn renew(session: &Session) -> Result<(), Trouble> {
    session.cycle_id().await?;
    forms::forget_token(session).await
}

/// Puts a half-open login in the session, under a new session id.
///
/// # Errors
///
/// When the session store fails.
pub async fn wait(session: &Session, half: Half) -> Result<(), Trouble> {
    renew(session).await?;
    session.insert(VISIT, Visit::Half(half)).await?;
    Ok(())
}

/// Lets somebody in: the only function that makes a session of a login, and it takes a pass to do so. The proof
/// that is kept is bound to the new session's id, and is returned as it is used from here on.
///
/// # Errors
///
/// When the session store fails, or no proof can be sealed.
pub async fn enter(app: &App, session: &Session, pass: LoginPass) -> Result<Proof, Trouble> {
    renew(session).await?;
    session.remove::<Visit>(VISIT).await?;
    // The new id is known once the session is kept.
    session.save().await?;
    let proof = app.twofa.proof_bound(&pass, &secret(session)?)?;
    let visit = In {
        project: pass.project().to_string(),
        user: pass.user().to_string(),
        by_sso: pass.how() == How::Sso,
        proof: proof.as_str().to_owned(),
        replacement: None,
    };
    session.insert(VISIT, Visit::In(visit)).await?;
    Ok(proof)
}

/// What only the session's owner can show: the value of its cookie.
fn secret(session: &Session) -> Result<Vec<u8>, Trouble> {
    let id = session.id().ok_or(Trouble::NoSession)?;
    Ok(id.to_string().into_bytes())
}

/// Forgets everything.
///
/// # Errors
///
/// When the session store fails.
pub async fn leave(session: &Session) -> Result<(), Trouble> {
    session.flush().await?;
    Ok(())
}

async fn visit(parts: &mut Parts, app: &App) -> Result<Option<(Session, Visit)>, Trouble> {
    let session = <Session as FromRequestParts<App>>::from_request_parts(parts, app)
        .await
        .map_err(|_| Trouble::NoSession)?;
    let visit = session.get(VISIT).await?;
    Ok(visit.map(|visit| (session, visit)))
}

impl FromRequestParts<App> for Half {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Trouble> {
        match visit(parts, app).await? {
            Some((_, Visit::Half(half))) => Ok(half),
            Some((_, Visit::In(_))) => Err(Trouble::Elsewhere(Redirect::to("/"))),
            None => Err(Trouble::Elsewhere(Redirect::to("/login"))),
        }
    }
}

/// Somebody who is in, looked at anew for each request.
pub struct Person {
    pub session: Session,
    pub project: ProjectId,
    pub user: UserId,
    pub role: Role,
    pub proof: Proof,
    pub by_sso: bool,
    replacement: Option<String>,
}

impl Person {
    /// Whether they are an administrator of their project now.
    pub fn is_administrator(&self) -> bool {
        self.role == Role::Administrator
    }

    /// The replacement of their key that is under way.
    pub fn replacement(&self) -> Option<LoginId> {
        self.replacement.as_deref()?.parse().ok()
    }

    /// Remembers a replacement under way, or that there is none any more.
    ///
    /// # Errors
    ///
    /// When the session store fails.
    pub async fn replacing(&mut self, login: Option<&LoginId>) -> Result<(), Trouble> {
        self.replacement = login.map(ToString::to_string);
        self.keep().await
    }

    async fn keep(&self) -> Result<(), Trouble> {
        let visit = In {
            project: self.project.to_string(),
            user: self.user.to_string(),
            proof: self.proof.as_str().to_owned(),
            by_sso: self.by_sso,
            replacement: self.replacement.clone(),
        };
        self.session.insert(VISIT, Visit::In(visit)).await?;
        Ok(())
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Trouble> {
        let (session, visit) = match visit(parts, app).await? {
            Some((session, Visit::In(visit))) => (session, visit),
            Some((_, Visit::Half(half))) => {
                return Err(Trouble::Elsewhere(Redirect::to(match half.waits_for {
                    WaitsFor::SetUp => "/two-factor/setup",
                    WaitsFor::Code => "/two-factor/verify",
                })));
            }
            None => return Err(Trouble::Elsewhere(Redirect::to("/login"))),
        };
        let parsed = || {
            Some((
                visit.project.parse().ok()?,
                visit.user.parse().ok()?,
                visit.proof.parse::<Proof>().ok()?,
            ))
        };
        let Some((project, user, proof)) = parsed() else {
            return Err(Trouble::SignInAgain);
        };
        let proof = proof.bound_to(&secret(&session)?);
        // Asked at every request: a mandate that has begun, a reset, an end of single sign-on count at once.
        match app.twofa.recheck(&proof).await {
            Ok(Recheck::Continue) => {}
            Ok(Recheck::SignInAgain(decision)) => {
                session.flush().await?;
                return Err(Trouble::Ended(decision.reason()));
            }
            Err(twofa::Error::ProofInvalid | twofa::Error::UnknownMember(_)) => {
                session.flush().await?;
                return Err(Trouble::SignInAgain);
            }
            Err(error) => return Err(error.into()),
        }
        let standing = app.twofa.directory().standing(&project, &user).await?;
        let Some(role) = standing.and_then(|standing| standing.role) else {
            session.flush().await?;
            return Err(Trouble::SignInAgain);
        };
        let renewed = app.twofa.renew(&proof).await?;
        let In {
            by_sso,
            replacement,
            ..
        } = visit;
        let mut person = Self {
            session,
            project,
            user,
            role,
            proof,
            by_sso,
            replacement,
        };
        // After a rotation of keys, so that nobody who stays has to sign in again.
        if let Some(renewed) = renewed {
            person.proof = renewed;
            person.keep().await?;
        }
        Ok(person)
    }
}

impl OptionalFromRequestParts<App> for Person {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Trouble> {
        match <Self as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(person) => Ok(Some(person)),
            Err(Trouble::Elsewhere(_) | Trouble::Ended(_) | Trouble::SignInAgain) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}
