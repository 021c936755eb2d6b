//! The way of a login: begin, answer, explain.

use twofa_lifecycle::{Command, LoginHash, LoginKind, Noted, Outcome, ParkedLogin};
use twofa_otpauth::KeyUri;
use twofa_policy::{Decision, How, Next, Passes, Reason, SignInMethod, decide};
use twofa_totp::{Code, Params, Secret};
use twofa_types::UnixTime;

use super::{Beside, Loaded, Seen, TwoFactor};
use crate::directory::{Directory, Project};
use crate::error::Error;
use crate::login::{Answer, Attempt, Begin, Challenge, Enrolment, LoginId, Rejected, SignIn};
use crate::proof::{AcceptedCode, Facts, LoginPass};
use crate::retry::Tries;
use crate::store::{Resumed, Store, Subject};

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Someone's credentials are right: what now?
    ///
    /// Where they must set up, this makes their secret; any older set-up of theirs that was not confirmed is
    /// void from then on.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProject`] and [`Error::UnknownMember`] for people who do not belong; [`Error::Store`],
    /// [`Error::Directory`], [`Error::Unreadable`], [`Error::Contended`], [`Error::Random`] where nothing
    /// could be decided. None of them is a pass.
    #[tracing::instrument(level = "debug", skip_all, err(level = "debug"))]
    pub async fn begin(&self, sign_in: SignIn) -> Result<Begin, Error> {
        let (project, user) = (sign_in.project(), sign_in.user());
        let subject = Subject::member(project, user);
        let login = LoginId::random()?;
        self.ensure_installed().await?;
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let found = self.membership(project, user).await?;
            let seen = self.see(&subject).await?;
            let decision = decide(&found.settings, sign_in.method(), &seen.view(), now);
            match decision.next() {
                Next::Allow => {
                    let pass = pass_without_code(&sign_in, &decision, &seen, now);
                    if found.settings.passes() == Passes::NotRecorded
                        || Box::pin(self.note_pass(&sign_in, &seen, &decision)).await?
                    {
                        return Ok(Begin::Allowed(pass));
                    }
                    tries.again().await?;
                }
                Next::Refuse => {
                    let method = sign_in.method();
                    Box::pin(self.sign_in_refused(&subject, &seen, method, decision.reason()))
                        .await?;
                    return Ok(Begin::Refused(decision));
                }
                Next::Challenge => {
                    let loaded = seen.readable(&subject)?;
                    let kind = LoginKind::Challenge;
                    let parked =
                        ParkedLogin::park(login.hash(), kind, &loaded.record, now, &self.config);
                    self.store
                        .park(&subject, &parked)
                        .await
                        .map_err(Error::store)?;
                    return Ok(Begin::Challenge(Challenge {
                        login,
                        decision,
                        expires: parked.expires,
                        handover_required: loaded.record.asks_for_handover(),
                    }));
                }
                Next::Enrol => {
                    let loaded = seen.readable(&subject)?;
                    let (id, kind) = (login.hash(), LoginKind::Enrol);
                    let parked = ParkedLogin::park(id, kind, &loaded.record, now, &self.config);
                    let command = Command::BeginEnrolment { login: id };
                    let made = self.make_key(&found, &subject, &loaded, command, parked);
                    match Box::pin(made).await? {
                        Some((uri, expires)) => {
                            return Ok(Begin::Enrol(Enrolment {
                                login,
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
        }
    }

    /// The answer to a challenge or a set-up.
    ///
    /// The rules are asked again first, since they may have changed meanwhile. An attempt that counts is
    /// durable before this returns, whatever the caller does with the result.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]. An error is never "wrong code", and counts no attempt.
    #[tracing::instrument(level = "debug", skip_all, err(level = "debug"))]
    pub async fn answer(&self, attempt: Attempt<'_>) -> Result<Answer, Error> {
        let hash = attempt.login.hash();
        let code = Code::parse(attempt.typed).ok();
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let keys = self.keys().await?;
            let resumed = self.store.resume(&hash).await.map_err(Error::store)?;
            let Some(Resumed {
                subject,
                login,
                found: stored,
            }) = resumed
            else {
                return Ok(rejected(Reason::UnknownLogin, true));
            };
            let (Some(project), Some(user)) = (subject.project(), subject.user()) else {
                return Ok(rejected(Reason::UnknownLogin, true));
            };
            let found = self.membership(project, user).await?;
            let seen = self.see_in(keys, &subject, stored).await?;
            // Only password sign-ins are ever parked: single sign-on passes or is refused.
            let decision = decide(&found.settings, SignInMethod::Password, &seen.view(), now);
            if decision.next() == Next::Refuse && decision.reason() != Reason::Locked {
                let (method, reason) = (SignInMethod::Password, decision.reason());
                Box::pin(self.sign_in_refused(&subject, &seen, method, reason)).await?;
                return Ok(rejected(decision.reason(), false));
            }
            let loaded = seen.readable(&subject)?;
            let Some(code) = &code else {
                let reason = if login.expires <= now {
                    Reason::Expired
                } else {
                    Reason::Malformed
                };
                return Ok(rejected(reason, reason == Reason::Expired));
            };
            let command = Command::Answer {
                login: &login,
                code,
                handover: attempt.handover,
            };
            let transition = self.step(&subject, &loaded, command, now).await?;
            let ended = ends(transition.login());
            let record = transition.record().unwrap_or(&loaded.record);
            let (generation, when) = (record.generation(), record.time_of_proof(now));
            let beside = Beside {
                answers: Some(hash),
                ..Beside::default()
            };
            match self.commit(&subject, &loaded, transition, beside).await? {
                Some(Outcome::Accepted { by, offset, .. }) => {
                    let facts = Facts {
                        project: project.clone(),
                        user: user.clone(),
                        when,
                        how: How::Code,
                        generation,
                    };
                    let accepted = Some(AcceptedCode { by, offset });
                    return Ok(Answer::Accepted(LoginPass::new(
                        facts,
                        decision.reason(),
                        accepted,
                    )));
                }
                Some(Outcome::Rejected(why)) => {
                    return Ok(Answer::Rejected(Rejected {
                        reason: why.reason,
                        retry_at: why.retry_at,
                        clock_off: why.clock_off,
                        login_ended: ended,
                    }));
                }
                // A set-up that ran out is committed as such; nothing else can come of an answer.
                Some(_) => return Ok(rejected(Reason::Expired, true)),
                None => tries.again().await?,
            }
        }
    }

    /// Puts a sign-in that passes without a code on the record; `false` when another writer came first, and the rules
    /// are asked again.
    async fn note_pass(
        &self,
        sign_in: &SignIn,
        seen: &Seen,
        decision: &Decision,
    ) -> Result<bool, Error> {
        let subject = Subject::member(sign_in.project(), sign_in.user());
        let (reason, method) = (decision.reason(), sign_in.method());
        let noted = Noted::Passed { reason, method };
        let Seen::Readable(loaded) = seen else {
            let project = Subject::project_itself(sign_in.project());
            let detail = format!("{}, subject {}", method.code(), sign_in.user());
            self.note(&project, noted, Some(detail)).await?;
            return Ok(true);
        };
        let command = Command::Note(noted);
        let transition = self.step(&subject, loaded, command, self.now()).await?;
        let commit = self.commit(&subject, loaded, transition, Beside::default());
        Ok(commit.await?.is_some())
    }

    /// What [`TwoFactor::begin`] would decide, with its trail. Changes nothing.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`].
    pub async fn explain(&self, sign_in: &SignIn) -> Result<Decision, Error> {
        let found = self.membership(sign_in.project(), sign_in.user()).await?;
        let subject = Subject::member(sign_in.project(), sign_in.user());
        let seen = self.see(&subject).await?;
        let view = seen.view();
        Ok(decide(&found.settings, sign_in.method(), &view, self.now()))
    }

    /// Makes a key for a person, to set up or to replace the one in use, and parks the login that may confirm
    /// it. `None` when another writer came first, or the record moved on between deciding and stepping.
    pub(super) async fn make_key(
        &self,
        project: &Project,
        subject: &Subject,
        loaded: &Loaded,
        command: Command<'_>,
        parked: ParkedLogin,
    ) -> Result<Option<(KeyUri, UnixTime)>, Error> {
        self.make_key_for(project, subject, loaded, command, parked, None)
            .await
    }

    /// As [`TwoFactor::make_key`], in the place of the login `ends`.
    pub(super) async fn make_key_for(
        &self,
        project: &Project,
        subject: &Subject,
        loaded: &Loaded,
        command: Command<'_>,
        parked: ParkedLogin,
        ends: Option<LoginHash>,
    ) -> Result<Option<(KeyUri, UnixTime)>, Error> {
        // Asked before a secret is made that nobody could be shown.
        let params = self.config.params();
        let stand_in = Secret::from_random_bytes(params.algorithm(), &[1; 64]);
        self.key_uri(project, subject, stand_in, params)?;

        let transition = self.step(subject, loaded, command, self.now()).await?;
        let beside = Beside {
            park: Some(parked),
            ends,
            ..Beside::default()
        };
        match self.commit(subject, loaded, transition, beside).await? {
            Some(Outcome::Enrolment {
                secret,
                params,
                expires,
                ..
            }) => Ok(Some((
                self.key_uri(project, subject, secret, params)?,
                expires,
            ))),
            _ => Ok(None),
        }
    }

    /// The key URI of a person. A colon, which would part issuer and account, shows as a full stop.
    fn key_uri(
        &self,
        project: &Project,
        subject: &Subject,
        secret: Secret,
        params: Params,
    ) -> Result<KeyUri, Error> {
        let issuer = project.issuer.as_deref().unwrap_or(&self.issuer);
        let account = subject.user_key().replace(':', ".");
        Ok(KeyUri::totp(issuer, &account, secret, params)?)
    }
}

fn pass_without_code(
    sign_in: &SignIn,
    decision: &Decision,
    seen: &Seen,
    now: UnixTime,
) -> LoginPass {
    let when = match seen {
        Seen::Readable(loaded) => loaded.record.time_of_proof(now),
        Seen::Unreadable(_) => now,
    };
    let facts = Facts {
        project: sign_in.project().clone(),
        user: sign_in.user().clone(),
        when,
        how: match sign_in.method() {
            SignInMethod::Sso => How::Sso,
            SignInMethod::Password => How::Password,
        },
        generation: seen.generation(),
    };
    LoginPass::new(facts, decision.reason(), None)
}

fn rejected(reason: Reason, login_ended: bool) -> Answer {
    Answer::Rejected(Rejected {
        reason,
        retry_at: None,
        clock_off: None,
        login_ended,
    })
}

/// Whether the login that answered is over.
fn ends(effect: twofa_lifecycle::LoginEffect) -> bool {
    use twofa_lifecycle::LoginEffect;
    matches!(effect, LoginEffect::End | LoginEffect::EndAll)
}
