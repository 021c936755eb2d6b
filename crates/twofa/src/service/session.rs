//! Across requests: proofs, asking again, and a new phone while the old one is at hand.

use twofa_lifecycle::{Command, LoginKind, ParkedLogin};
use twofa_policy::{
    AccessRequest, ProofFacts, Reason, Recheck, authorize_replacement, no_proof, recheck,
    replaceable,
};

use super::{Authorized, Loaded, TwoFactor};
use crate::directory::{Directory, Standing};
use crate::error::Error;
use crate::login::{Enrolment, LoginId};
use crate::proof::{Facts, LoginPass, Proof};
use crate::random;
use crate::retry::Tries;
use crate::store::{Store, Subject};

impl Facts {
    pub(super) fn as_policy(&self) -> ProofFacts<'_> {
        ProofFacts {
            project: &self.project,
            user: &self.user,
            when: self.when,
            how: self.how,
            generation: self.generation,
        }
    }
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// A proof of a pass, to keep in the application's session.
    ///
    /// # Errors
    ///
    /// [`Error::Random`] and [`Error::Keyring`].
    pub fn proof(&self, pass: &LoginPass) -> Result<Proof, Error> {
        let mut nonce = [0; 24];
        random::fill(&mut nonce).map_err(|_| Error::Random)?;
        let subject = Subject::member(pass.project(), pass.user());
        Proof::seal(&self.keyring, pass.facts(), &nonce)
            .map_err(|source| Error::unreadable(&subject, source))
    }

    /// Opens a proof; `None` for what is none, and for one from before
    /// [`proofs_not_before`](super::Builder::proofs_not_before).
    pub(super) fn open_proof(&self, proof: &Proof) -> Option<Facts> {
        proof
            .open(&self.keyring)
            .filter(|facts| facts.when >= self.proofs_not_before)
    }

    /// The person behind a proof as they stand now: in the directory, and in the store.
    pub(super) async fn holder(&self, facts: &Facts) -> Result<(Option<Standing>, Loaded), Error> {
        let standing = self.directory.standing(&facts.project, &facts.user).await;
        let loaded = self
            .load(&Subject::member(&facts.project, &facts.user))
            .await?;
        Ok((standing.map_err(Error::directory)?, loaded))
    }

    /// Whether a session that is already open may go on. A mandate that has begun since, single sign-on that
    /// ended, a reset, and leaving the project reach live sessions through this: call it on each request, or
    /// as often as a change is to be felt.
    ///
    /// # Errors
    ///
    /// [`Error::ProofInvalid`] for what is no proof of this keyring's; [`Error::UnknownMember`] when the person has
    /// left the project; and as for
    /// [`TwoFactor::begin`]. The session must not go on after an error.
    pub async fn recheck(&self, proof: &Proof) -> Result<Recheck, Error> {
        let Some(facts) = self.open_proof(proof) else {
            return Err(Error::ProofInvalid);
        };
        let found = self.membership(&facts.project, &facts.user).await?;
        let loaded = self
            .load(&Subject::member(&facts.project, &facts.user))
            .await?;
        let proven = facts.as_policy().proven();
        let generation = loaded.record.generation();
        Ok(recheck(
            &found.settings,
            proven,
            &loaded.record.view(),
            generation,
            self.now(),
        ))
    }

    /// A new phone, with the old one still at hand: makes a key that will take the place of the one in use
    /// once a code of it is answered. Until then the old key works as before.
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::begin`]. A proof that is not enough is no error but
    /// [`Authorized::Refused`], with its reason, and is on the record.
    pub async fn replace(&self, proof: &Proof) -> Result<Authorized<Enrolment>, Error> {
        let facts = self.open_proof(proof);
        let login = LoginId::random()?;
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let Some(facts) = &facts else {
                return Ok(Authorized::Refused(no_proof()));
            };
            let (standing, loaded) = self.holder(facts).await?;
            let request = AccessRequest {
                settings: standing.as_ref().map(|standing| &standing.project.settings),
                project: &facts.project,
                proof: Some(facts.as_policy()),
                generation: loaded.record.generation(),
                role: standing.as_ref().and_then(|standing| standing.role),
                now,
            };
            if let Err(refusal) = authorize_replacement(&request) {
                self.replacement_refused(facts, standing.as_ref(), refusal.reason())
                    .await?;
                return Ok(Authorized::Refused(refusal));
            }
            if let Err(refusal) = replaceable(&loaded.record.view(), now) {
                return Ok(Authorized::Refused(refusal));
            }
            let Some(Standing { project, .. }) = standing else {
                return Err(Error::UnknownProject(Box::new(facts.project.clone())));
            };
            let subject = Subject::member(&facts.project, &facts.user);
            let (id, kind) = (login.hash(), LoginKind::Replace);
            let parked = ParkedLogin::park(id, kind, &loaded.record, now, &self.config);
            let command = Command::BeginReplacement { login: id };
            let made = self.make_key(&project, &subject, &loaded, command, parked);
            match made.await? {
                Some((uri, expires)) => {
                    return Ok(Authorized::Granted(Enrolment {
                        login,
                        reason: Reason::FactorActive,
                        uri,
                        expires,
                        handover_required: false,
                    }));
                }
                None => tries.again().await?,
            }
        }
    }
}
