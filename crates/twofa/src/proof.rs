//! What a finished login is worth: [`LoginPass`] now, [`Proof`] across requests.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use twofa_lifecycle::AcceptedBy;
use twofa_policy::{How, Reason};
use twofa_types::{ProjectId, UnixTime, UserId};
use zeroize::Zeroizing;

use crate::error::RestError;
use crate::keys::{Keys, PROOFS_LINGER_SECS};
use crate::seal;

/// The only value that a session may be built from: this person may come in now.
///
/// It comes from [`Begin::Allowed`](crate::Begin::Allowed) or from
/// [`Answer::Accepted`](crate::Answer::Accepted), and from nowhere else. It cannot be copied, stored or made;
/// a function that opens a session takes one by value, and so nobody can open a session past the second
/// factor by mistake.
///
/// ```
/// use twofa::LoginPass;
///
/// struct Session { user: String }
///
/// fn open_session(pass: LoginPass) -> Session {
///     Session { user: pass.user().to_string() }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a pass that is dropped lets nobody in"]
pub struct LoginPass {
    facts: Box<Facts>,
    reason: Reason,
    accepted: Option<AcceptedCode>,
}

/// What a pass and a proof say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) project: ProjectId,
    pub(crate) user: UserId,
    pub(crate) when: UnixTime,
    pub(crate) how: How,
    pub(crate) generation: u32,
}

/// The code that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedCode {
    /// What it did: answered a challenge, confirmed a set-up, confirmed a replacement.
    pub by: AcceptedBy,
    /// How many time steps it lay from now; negative for the past.
    pub offset: i32,
}

impl LoginPass {
    pub(crate) fn new(facts: Facts, reason: Reason, accepted: Option<AcceptedCode>) -> Self {
        Self {
            facts: Box::new(facts),
            reason,
            accepted,
        }
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The project.
    pub fn project(&self) -> &ProjectId {
        &self.facts.project
    }

    /// The person.
    pub fn user(&self) -> &UserId {
        &self.facts.user
    }

    /// When it was given.
    pub fn when(&self) -> UnixTime {
        self.facts.when
    }

    /// How they came in.
    pub fn how(&self) -> How {
        self.facts.how
    }

    /// Why they may: the rule that let them through, or the one that asked for the code.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The code that was accepted, where one was asked for.
    pub fn accepted(&self) -> Option<AcceptedCode> {
        self.accepted
    }
}

/// A pass to keep in a session: opaque, sealed text that says who came in, where, when and how.
///
/// It is not the session. It is what [`recheck`](crate::TwoFactor::recheck),
/// [`factors`](crate::TwoFactor::factors), [`reset`](crate::TwoFactor::reset) and
/// [`replace`](crate::TwoFactor::replace) ask for instead of bare ids. Text that was made up or altered opens
/// nothing, and so does one of another store; a reset of the person's factor voids every proof from before it.
/// Whoever holds it is taken for that person: keep it where the session is kept, and bind it to the session's
/// own secret ([`Proof::bound_to`]), so that a copy of what the session holds is worth nothing in another.
///
/// When the keys are rotated, a proof from before is good for five minutes more. A session that goes on takes a
/// new one in that time: see [`TwoFactor::renew`](crate::TwoFactor::renew).
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    text: String,
    binding: Option<[u8; 32]>,
}

impl Proof {
    /// The longest proof, in bytes.
    pub const MAX_BYTES: usize = 2048;

    pub(crate) fn seal(
        keys: &Keys,
        facts: &Facts,
        nonce: &[u8; seal::NONCE],
        binding: Option<[u8; 32]>,
    ) -> Result<Self, RestError> {
        let mut plain = Zeroizing::new(vec![match facts.how {
            How::Code => 1,
            How::Sso => 2,
            How::Password => 3,
        }]);
        plain.extend_from_slice(&facts.when.as_secs().to_be_bytes());
        plain.extend_from_slice(&facts.generation.to_be_bytes());
        seal::push_text(&mut plain, facts.project.as_str());
        seal::push_text(&mut plain, facts.user.as_str());
        let (id, key) = keys.proof_key()?;
        let sealed = seal::encrypt(key, id, nonce, &plain, &bound_to(keys, binding))?;
        Ok(Self {
            text: base16ct::lower::encode_string(&sealed),
            binding,
        })
    }

    /// The id of the key that it says it is sealed under.
    pub(crate) fn key_id(&self) -> Option<crate::KeyId> {
        let mut id = [0; 4];
        let digits = self.text.get(..8)?;
        base16ct::lower::decode(digits, &mut id).ok()?;
        Some(crate::KeyId::from_number(u32::from_be_bytes(id)))
    }

    /// `None` for whatever is not a proof that these keys made, and for one whose key has ceased to be active
    /// too long before `now`.
    pub(crate) fn open(&self, keys: &Keys, now: UnixTime) -> Option<Facts> {
        let sealed = base16ct::lower::decode_vec(&self.text).ok()?;
        let (key, ceased) = keys.opening_proofs(self.key_id()?)?;
        let plain = seal::decrypt(key, &sealed, &bound_to(keys, self.binding)).ok()?;
        let (how, rest) = plain.split_first()?;
        let (when, rest) = rest.split_first_chunk::<8>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (project, rest) = take_text(rest)?;
        let (user, rest) = take_text(rest)?;
        let when = UnixTime::from_secs(u64::from_be_bytes(*when));
        let lingers = |ceased: UnixTime| now <= ceased.saturating_add(PROOFS_LINGER_SECS);
        if !ceased.is_none_or(lingers) {
            return None;
        }
        Some(Facts {
            how: match how {
                1 => How::Code,
                2 => How::Sso,
                3 => How::Password,
                _ => return None,
            },
            when,
            generation: u32::from_be_bytes(*generation),
            project: ProjectId::new(project).ok()?,
            user: UserId::new(user).ok().filter(|_| rest.is_empty())?,
        })
    }

    /// The proof as it is used in the session that holds `secret`: whatever only the session's owner can show,
    /// such as the value of its cookie. A proof that was made with
    /// [`TwoFactor::proof_bound`](crate::TwoFactor::proof_bound) opens only with the same bytes.
    #[must_use]
    pub fn bound_to(self, secret: &[u8]) -> Self {
        Self {
            binding: Some(binding_of(secret)),
            ..self
        }
    }

    pub(crate) fn binding(&self) -> Option<[u8; 32]> {
        self.binding
    }

    /// The text, for the application's session.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The hash that a proof is bound to a session's secret by.
pub(crate) fn binding_of(secret: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"twofa/2/session/");
    hash.update(secret);
    hash.finalize().into()
}

/// What a proof is bound to beside its ciphertext: the store, and perhaps a session.
fn bound_to(keys: &Keys, binding: Option<[u8; 32]>) -> Vec<u8> {
    let mut aad = match keys.installation() {
        Some(installation) => [b"twofa/2/proof", installation.store.as_bytes().as_slice()].concat(),
        None => b"twofa/1/proof".to_vec(),
    };
    if let Some(binding) = binding {
        aad.extend_from_slice(&binding);
    }
    aad
}

/// Reads what [`seal::push_text`] wrote.
fn take_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let (text, rest) = rest.split_at_checked(u64::from_be_bytes(*len).try_into().ok()?)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

impl FromStr for Proof {
    type Err = NotAProof;

    fn from_str(text: &str) -> Result<Self, NotAProof> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() <= Self::MAX_BYTES && !text.is_empty() && text.bytes().all(hex) {
            Ok(Self {
                text: text.to_owned(),
                binding: None,
            })
        } else {
            Err(NotAProof)
        }
    }
}

/// The text cannot be a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no proof of a login; sign in again")]
pub struct NotAProof;
