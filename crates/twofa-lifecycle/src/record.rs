use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use twofa_policy::{FactorState, FactorView, ResetBy};
use twofa_totp::{Drift, Params, Secret, Step};
use twofa_types::UnixTime;

use crate::{LoginHash, SealedSecret, Throttle};

/// What is remembered of one person's factor in one project. Changed by [`step`](crate::step) alone; it holds no
/// secret in the clear and does not say whose it is.
///
/// ```
/// use twofa_lifecycle::{Record, State};
///
/// let record = Record::new();
/// assert_eq!(record.generation(), 1);
/// assert!(matches!(record.state(), State::None));
/// assert_eq!(Record::decode(&record.encode())?, record);
/// # Ok::<(), twofa_lifecycle::RecordError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub(crate) generation: u32,
    pub(crate) state: State,
    pub(crate) throttle: Throttle,
    pub(crate) last_event: Option<UnixTime>,
    pub(crate) epoch: Option<UnixTime>,
    pub(crate) listed: Option<Listed>,
    pub(crate) chain: ChainHead,
}

/// Where a factor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Never set up.
    None,
    /// Reset, and not begun anew since.
    Reset(ResetMark),
    /// A key was made and waits for its first code. It protects nothing and unlocks nothing.
    Pending {
        /// The key.
        pending: PendingKey,
        /// The reset before it, which stays in force until the key is confirmed.
        after: Option<ResetMark>,
    },
    /// In use.
    Active(Active),
}

/// A key in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// The key.
    pub key: Key,
    /// When it came into use.
    pub since: UnixTime,
    /// The last step that was spent; no step up to it is accepted again. `None` for an imported key that no
    /// code has been accepted of.
    pub last_step: Option<Step>,
    /// When a code was last accepted. `None` as for `last_step`.
    pub last_used: Option<UnixTime>,
    /// What accepted codes have taught about the phone's clock.
    pub drift: Drift,
    /// A key that is to replace this one once its first code comes.
    pub replacement: Option<PendingKey>,
    /// The SHA-256 of the hand-over code that the next code must bring with it: for a key that was imported
    /// after a reset, until a code of it has been accepted.
    pub handover: Option<[u8; 32]>,
}

/// A sealed secret and the parameters of its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The secret, sealed.
    pub sealed: SealedSecret,
    /// Algorithm, digits, period.
    pub params: Params,
}

/// A key that waits for its first code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingKey {
    /// The key.
    pub key: Key,
    /// When it was made.
    pub since: UnixTime,
    /// From when on it can no longer be confirmed.
    pub expires: UnixTime,
    /// The one login that may confirm it.
    pub login: LoginHash,
}

/// That a factor was reset: by whom, when, and what the next set-up must bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetMark {
    /// An administrator or support.
    pub by: ResetBy,
    /// When.
    pub at: UnixTime,
    /// The SHA-256 of the hand-over code: where the project asks for one, and always after a recovery.
    pub handover: Option<[u8; 32]>,
    /// What tells the key that the reset erased, should it be brought back. A recovery cannot know it.
    pub erased: Option<ErasedKey>,
}

/// What is remembered of a key that a reset erased: enough to know it again, and nothing that a code could be
/// made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasedKey {
    /// Random.
    pub salt: [u8; 16],
    /// SHA-256 over the salt and the secret, which has 80 random bits or more.
    pub digest: [u8; 32],
}

impl ErasedKey {
    pub(crate) fn of(secret: &Secret, salt: [u8; 16]) -> Self {
        let mut digest = Sha256::new_with_prefix(b"twofa/erased/");
        digest.update(salt);
        digest.update(secret.expose_secret());
        Self {
            salt,
            digest: digest.finalize().into(),
        }
    }

    /// Whether `secret` is the key that was erased.
    pub fn is(&self, secret: &Secret) -> bool {
        Self::of(secret, self.salt)
            .digest
            .ct_eq(&self.digest)
            .into()
    }
}

/// What the application's directory says of somebody, or of a project: a digest of it, kept with the record so that an
/// edit of the directory's own rows shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed([u8; 32]);

impl Listed {
    /// From a digest of 32 bytes.
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Where the factor's audit chain stands. Written by the audit, opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainHead {
    /// Events in the chain.
    pub seq: u64,
    /// The authentication code of the last one.
    pub mac: [u8; 32],
}

impl Record {
    /// A factor that was never set up: generation 1, no failures.
    pub const fn new() -> Self {
        Self {
            generation: 1,
            state: State::None,
            throttle: Throttle::new(),
            last_event: None,
            epoch: None,
            listed: None,
            chain: ChainHead {
                seq: 0,
                mac: [0; 32],
            },
        }
    }

    /// Counts resets, from 1. Proofs, logins and sealed secrets of an older generation are void.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Where it stands.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Failures in a row, and the lock.
    pub const fn throttle(&self) -> Throttle {
        self.throttle
    }

    /// The latest time of any event; `None` before the first.
    pub const fn last_event(&self) -> Option<UnixTime> {
        self.last_event
    }

    /// When the person's sessions were last ended, or the record was recovered: proofs of up to this second are void.
    pub const fn epoch(&self) -> Option<UnixTime> {
        self.epoch
    }

    /// What the directory says of them, as of the last change that came through here; `None` where none did.
    pub const fn listed(&self) -> Option<Listed> {
        self.listed
    }

    /// Whether a proof of that time is void, since sessions were ended then or later.
    pub fn voids_proof_of(&self, when: UnixTime) -> bool {
        self.epoch.is_some_and(|epoch| when <= epoch)
    }

    /// The time to give a proof that is made at `now`: in the second in which sessions were ended, the next one,
    /// so that whoever signs in at once is not ended too.
    #[must_use]
    pub fn time_of_proof(&self, now: UnixTime) -> UnixTime {
        match self.epoch {
            Some(epoch) if now <= epoch => epoch.saturating_add(1),
            _ => now,
        }
    }

    /// Whether the next code must bring a hand-over code with it.
    pub const fn asks_for_handover(&self) -> bool {
        match &self.state {
            State::Reset(mark)
            | State::Pending {
                after: Some(mark), ..
            } => mark.handover.is_some(),
            State::Active(active) => active.handover.is_some(),
            State::None | State::Pending { after: None, .. } => false,
        }
    }

    /// Sets what the directory says, where a record is made anew.
    pub const fn set_listed(&mut self, listed: Option<Listed>) {
        self.listed = listed;
    }

    /// Where its audit chain stands.
    pub const fn chain(&self) -> ChainHead {
        self.chain
    }

    /// Sets where its audit chain stands, once the events of a transition are in it.
    pub const fn set_chain(&mut self, chain: ChainHead) {
        self.chain = chain;
    }

    /// What policy needs to know.
    pub fn view(&self) -> FactorView {
        let (state, mark) = match &self.state {
            State::None => (FactorState::None, None),
            State::Reset(mark) => (FactorState::None, Some(*mark)),
            State::Pending { after, .. } => (FactorState::Pending, *after),
            State::Active(_) => (FactorState::Active, None),
        };
        FactorView {
            state,
            reset_by: mark.map(|mark| mark.by),
            lock: self.throttle.lock(),
            last_event: self.last_event,
        }
    }

    /// What a list of factors shows.
    pub fn summary(&self) -> Summary {
        let (state, since, last_used) = match &self.state {
            State::None => (SummaryState::None, None, None),
            State::Reset(mark) => (SummaryState::Reset, Some(mark.at), None),
            State::Pending { pending, .. } => (SummaryState::Pending, Some(pending.since), None),
            State::Active(active) => (SummaryState::Active, Some(active.since), active.last_used),
        };
        Summary {
            state,
            since,
            last_used,
        }
    }

    /// The same record with every sealed secret put through `f`: how keys rotate. `f` is given the generation
    /// that a secret was sealed under. At most two secrets.
    ///
    /// # Errors
    ///
    /// The first that `f` answers; the record is as it was.
    pub fn reseal<E>(
        &self,
        mut f: impl FnMut(u32, &SealedSecret) -> Result<SealedSecret, E>,
    ) -> Result<Self, E> {
        let mut record = self.clone();
        let generation = record.generation;
        let mut again = |key: &mut Key| -> Result<(), E> {
            key.sealed = f(generation, &key.sealed)?;
            Ok(())
        };
        match &mut record.state {
            State::None | State::Reset(_) => {}
            State::Pending { pending, .. } => again(&mut pending.key)?,
            State::Active(active) => {
                again(&mut active.key)?;
                if let Some(replacement) = &mut active.replacement {
                    again(&mut replacement.key)?;
                }
            }
        }
        Ok(record)
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

/// One factor in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Where it stands.
    pub state: SummaryState,
    /// Since when; `None` where it was never set up.
    pub since: Option<UnixTime>,
    /// When a code was last accepted.
    pub last_used: Option<UnixTime>,
}

impl Summary {
    /// What a list shows nothing of.
    pub const NONE: Self = Self {
        state: SummaryState::None,
        since: None,
        last_used: None,
    };
}

/// Where a factor stands, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SummaryState {
    /// Never set up.
    None,
    /// A set-up is under way.
    Pending,
    /// In use.
    Active,
    /// Reset, and not begun anew since.
    Reset,
}

impl SummaryState {
    /// Its name: `none`, `pending`, `active`, `reset`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Reset => "reset",
        }
    }

    /// The state of that name.
    ///
    /// ```
    /// use twofa_lifecycle::SummaryState;
    ///
    /// assert_eq!(SummaryState::from_code("active"), Some(SummaryState::Active));
    /// assert_eq!(SummaryState::from_code("Active"), None);
    /// ```
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::None, Self::Pending, Self::Active, Self::Reset]
            .into_iter()
            .find(|state| state.code() == code)
    }
}
