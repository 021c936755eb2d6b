//! What a finished login is worth: [`LoginPass`] now, [`Proof`] across requests.

use std::fmt;
use std::str::FromStr;

use twofa_lifecycle::AcceptedBy;
use twofa_policy::{How, Reason};
use twofa_types::{ProjectId, UnixTime, UserId};
use zeroize::Zeroizing;

use crate::error::RestError;
use crate::keyring::Keyring;
use crate::seal::{self, Purpose};

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
/// nothing; a reset of the person's factor voids every proof from before it. Whoever holds it is taken for
/// that person, so keep it where the session is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof(String);

impl Proof {
    /// The longest proof, in bytes.
    pub const MAX_BYTES: usize = 2048;

    pub(crate) fn seal(
        keyring: &Keyring,
        facts: &Facts,
        nonce: &[u8; 24],
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
        let sealed = seal::seal(keyring, Purpose::Proof, &[], nonce, &plain)?;
        Ok(Self(base16ct::lower::encode_string(&sealed)))
    }

    /// `None` for whatever is not a proof that this keyring made.
    pub(crate) fn open(&self, keyring: &Keyring) -> Option<Facts> {
        let sealed = base16ct::lower::decode_vec(&self.0).ok()?;
        let plain = seal::open(keyring, Purpose::Proof, &[], &sealed).ok()?;
        let (how, rest) = plain.split_first()?;
        let (when, rest) = rest.split_first_chunk::<8>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (project, rest) = take_text(rest)?;
        let (user, rest) = take_text(rest)?;
        Some(Facts {
            how: match how {
                1 => How::Code,
                2 => How::Sso,
                3 => How::Password,
                _ => return None,
            },
            when: UnixTime::from_secs(u64::from_be_bytes(*when)),
            generation: u32::from_be_bytes(*generation),
            project: ProjectId::new(project).ok()?,
            user: UserId::new(user).ok().filter(|_| rest.is_empty())?,
        })
    }

    /// The text, for the application's session.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAProof)
        }
    }
}

/// The text cannot be a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no proof of a login; sign in again")]
pub struct NotAProof;
