//! Across requests: proofs, asking again, and a new phone while the old one is at hand.

use twofa_lifecycle::{Command, LoginKind, ParkedLogin};
use twofa_policy::{
    AccessRequest, FactorState, How, ProofFacts, Reason, Recheck, authorize_replacement, no_proof,
    recheck, replaceable,
};

use super::{Authorized, Seen, TwoFactor};
use crate::directory::{Directory, Standing};
use crate::error::Error;
use crate::keys::Keys;
use crate::login::{Enrolment, LoginId};
use crate::proof::{Facts, LoginPass, Proof, binding_of};
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
        self.seal_proof(pass.facts(), None)
    }

    /// A proof of a pass that opens only together with `secret`, which only the session's owner can show: the
    /// value of its cookie. A copy of what the application keeps for the session is then worth nothing in
    /// another. Wherever the proof is used: [`Proof::bound_to`].
    ///
    /// # Errors
    ///
    /// As for [`TwoFactor::proof`].
    pub fn proof_bound(&self, pass: &LoginPass, secret: &[u8]) -> Result<Proof, Error> {
        self.seal_proof(pass.facts(), Some(binding_of(secret)))
    }

    /// The same proof under the key that is active now, where it rests under one that was: for a session that
    /// goes on after a rotation of keys. `None` where nothing need be done. Ask it after
    /// [`TwoFactor::recheck`] was content; what the proof says, its age above all, stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::ProofInvalid`] for what opens nothing; and as for [`TwoFactor::proof`].
    pub async fn renew(&self, proof: &Proof) -> Result<Option<Proof>, Error> {
        let facts = self.open_proof(proof).await?;
        let facts = facts.ok_or(Error::ProofInvalid)?;
        let keys = self.keys().await?;
        if proof.key_id() == Some(keys.active_id()) {
            return Ok(None);
        }
        self.seal_proof(&facts, proof.binding()).map(Some)
    }

    fn seal_proof(&self, facts: &Facts, binding: Option<[u8; 32]>) -> Result<Proof, Error> {
        let mut nonce = [0; 24];
        random::fill(&mut nonce).map_err(|_| Error::Random)?;
        let subject = Subject::member(&facts.project, &facts.user);
        // Whoever holds a pass has been here before, so that the keys are known.
        let keys = self.keys.last().ok_or(Error::ProofInvalid)?;
        Proof::seal(&keys, facts, &nonce, binding)
            .map_err(|source| Error::unreadable(&subject, source))
    }

    /// Opens a proof; `None` for what is none, and for one from before
    /// [`proofs_not_before`](super::Builder::proofs_not_before).
    pub(super) async fn open_proof(&self, proof: &Proof) -> Result<Option<Facts>, Error> {
        let (mut keys, now) = (self.keys().await?, self.now());
        let unknown = |keys: &Keys| {
            let id = proof.key_id()?;
            keys.opening_proofs(id).is_none().then_some(id)
        };
        if let Some(id) = unknown(&keys)
            && let Some(newer) = self.newer_keys(&keys, id).await?
        {
            keys = newer;
        }
        let facts = proof.open(&keys, now);
        Ok(facts.filter(|facts| facts.when >= self.proofs_not_before))
    }

    /// The person behind a proof as they stand now: in the directory, and in the store. `None` where their sessions
    /// were ended since.
    pub(super) async fn holder(
        &self,
        facts: &Facts,
    ) -> Result<Option<(Option<Standing>, Seen)>, Error> {
        let standing = self.directory.standing(&facts.project, &facts.user).await;
        let seen = self
            .see(&Subject::member(&facts.project, &facts.user))
            .await?;
        let standing = standing.map_err(Error::directory)?;
        Ok((!is_void(facts, &seen)).then_some((standing, seen)))
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
        let Some(facts) = self.open_proof(proof).await? else {
            return Err(Error::ProofInvalid);
        };
        let found = self.membership(&facts.project, &facts.user).await?;
        let seen = self
            .see(&Subject::member(&facts.project, &facts.user))
            .await?;
        if is_void(&facts, &seen) {
            return Err(Error::ProofInvalid);
        }
        let proven = facts.as_policy().proven();
        Ok(recheck(
            &found.settings,
            proven,
            &seen.view(),
            seen.generation(),
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
        let facts = self.open_proof(proof).await?;
        let login = LoginId::random()?;
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let Some(facts) = &facts else {
                return Ok(Authorized::Refused(no_proof()));
            };
            let Some((standing, seen)) = self.holder(facts).await? else {
                return Ok(Authorized::Refused(no_proof()));
            };
            let request = AccessRequest {
                settings: standing.as_ref().map(|standing| &standing.project.settings),
                project: &facts.project,
                proof: Some(facts.as_policy()),
                factor: seen.view(),
                generation: seen.generation(),
                role: standing.as_ref().and_then(|standing| standing.role),
                now,
            };
            if let Err(refusal) = authorize_replacement(&request) {
                let (standing, reason) = (standing.as_ref(), refusal.reason());
                self.access_refused_to(facts, standing, reason, "replacement")
                    .await?;
                return Ok(Authorized::Refused(refusal));
            }
            if let Err(refusal) = replaceable(&seen.view(), now) {
                return Ok(Authorized::Refused(refusal));
            }
            let Some(Standing { project, .. }) = standing else {
                return Err(Error::UnknownProject(Box::new(facts.project.clone())));
            };
            let subject = Subject::member(&facts.project, &facts.user);
            let loaded = seen.readable(&subject)?;
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

/// Whether a proof proves nothing any more, whatever its generation says: sessions were ended since, or a code is what
/// it proves, and there is no factor that one could be of. What cannot be read says nothing of it; nothing is granted
/// to whoever it belongs to.
fn is_void(facts: &Facts, seen: &Seen) -> bool {
    let Seen::Readable(loaded) = seen else {
        return false;
    };
    let (proof, record) = (facts.as_policy(), &loaded.record);
    // Of an older generation, a reset is the reason, and is told as such.
    let is_current = proof.generation == record.generation();
    let is_gone = proof.how == How::Code && record.view().state != FactorState::Active;
    record.voids_proof_of(facts.when) || is_current && is_gone
}
