use core::fmt;

use twofa_policy::{Handover, ProjectSettings, Reason, ResetGrant, Role, SignInMethod};
use twofa_totp::{Code, Params, Secret};
use twofa_types::UnixTime;

use crate::{Actor, ChainHead, Listed, LoginHash, ParkedLogin, Throttle};

/// What may be asked of a factor. Every command is answered in every state.
pub enum Command<'a> {
    /// Make a key for this login to confirm. From a factor that is not in use; an older key that waits is void
    /// from then on.
    BeginEnrolment {
        /// The one login that may confirm it.
        login: LoginHash,
    },
    /// Answer a parked login with a code.
    Answer {
        /// The login.
        login: &'a ParkedLogin,
        /// The code.
        code: &'a Code,
        /// The hand-over code, as typed, where a set-up after a reset asks for one.
        handover: Option<&'a str>,
    },
    /// Make a key that is to replace the one in use. The caller has seen a fresh proof of the older one.
    BeginReplacement {
        /// The one login that may confirm it.
        login: LoginHash,
    },
    /// Erase the factor. The caller has loaded the record of the project and subject that the grant names.
    Reset {
        /// The authority, from policy; used up.
        grant: ResetGrant,
        /// Whether the next set-up must bring a hand-over code.
        handover: Handover,
    },
    /// Begin anew where the record cannot be read: as after a reset, with a hand-over code whatever the project asks
    /// for. Only on [`Record::new`](crate::Record::new), which stands for what cannot be read, and only by a grant
    /// that [recovers](ResetGrant::recovers). The caller writes the result over the record as it was found.
    ///
    /// Every key, login and proof from before is void: the generation is above each that is known, and the epoch is
    /// now. A refusal (`expired`, `superseded`) writes nothing.
    Recover {
        /// The authority, from policy; used up.
        grant: ResetGrant,
        /// What is known from elsewhere than the record.
        found: Damage,
    },
    /// Take a key over from another system, in use at once. Only where there is none, and none was reset.
    Import {
        /// The secret.
        secret: &'a Secret,
        /// Parameters of its codes.
        params: Params,
        /// Who answers for it.
        by: Option<&'a Actor>,
        /// Also where the factor was reset since: then any key but the one that was erased is taken, and its first
        /// code must bring a hand-over code.
        again: bool,
    },
    /// End every parked login: the password was changed.
    EndLogins,
    /// Void every proof of up to this second, and end every parked login.
    EndSessions,
    /// Drop a key that was not confirmed in time.
    Expire,
    /// Put on the record what the directory says from now on, in the transaction that changes the directory.
    List {
        /// What changes there.
        entry: Entry,
        /// A digest of what stands there then; `None` where that is not kept.
        listed: Option<Listed>,
        /// Who changed it, where it was not the factor's owner.
        actor: Option<&'a Actor>,
    },
    /// Tell the audit of something that changes nothing else.
    Note(Noted<'a>),
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeginEnrolment { .. } => "BeginEnrolment",
            Self::Answer { .. } => "Answer",
            Self::BeginReplacement { .. } => "BeginReplacement",
            Self::Reset { .. } => "Reset",
            Self::Recover { .. } => "Recover",
            Self::Import { .. } => "Import",
            Self::EndLogins => "EndLogins",
            Self::EndSessions => "EndSessions",
            Self::Expire => "Expire",
            Self::List { .. } => "List",
            Self::Note(_) => "Note",
        })
    }
}

/// What changes in the directory of projects and members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A project's settings or its issuer, on the project's own record.
    Settings {
        /// Before; the default ones where the project is new.
        from: ProjectSettings,
        /// After.
        to: ProjectSettings,
    },
    /// The person becomes a member.
    Added(Role),
    /// The member gets another role.
    Role {
        /// Before.
        from: Role,
        /// After.
        to: Role,
    },
    /// The person is no member any more.
    Removed,
    /// Nothing: what stands there already is taken as it is, and no event tells of it.
    AsFound,
}

/// What is known of a factor whose record cannot be read. None of it need be authentic: each number only ever makes
/// a recovery stricter.
///
/// ```
/// use twofa_lifecycle::{ChainHead, Command, Config, Context, Damage, Outcome, Random, Record, State, step};
/// # use twofa_lifecycle::{SealedSecret, SealedSecretError, Vault};
/// # use twofa_policy::{FactorView, Help, MissingKey, ProjectSettings, SupportResetRequest, authorize_support_reset};
/// # use twofa_totp::{Secret, SecretError};
/// # use twofa_types::{ProjectId, UnixTime, UserId};
/// # struct NoVault;
/// # impl Vault for NoVault {
/// #     type Error = SealedSecretError;
/// #     fn seal(&self, _: u32, s: &Secret, _: &[u8; 24]) -> Result<SealedSecret, Self::Error> {
/// #         SealedSecret::from_bytes(s.expose_secret())
/// #     }
/// #     fn open(&self, _: u32, s: &SealedSecret) -> Result<Secret, Self::Error> {
/// #         Secret::from_bytes(s.as_bytes()).map_err(|_| SealedSecretError { bytes: 0 })
/// #     }
/// # }
/// # let (vault, config) = (NoVault, Config::default());
/// # let random = Random { secret: [7; 64], nonce: [0; 24], handover: [0; 10] };
/// # let now = UnixTime::from_secs(1_669_852_800);
/// # let context = Context { now, random: &random, vault: &vault, config: &config };
/// # let (acme, bob) = (ProjectId::new("acme").unwrap(), UserId::new("bob").unwrap());
/// # let request = SupportResetRequest {
/// #     settings: Some(&ProjectSettings::new()),
/// #     project: &acme,
/// #     operator: "grace",
/// #     ticket: "T-1042",
/// #     subject: &bob,
/// #     subject_factor: FactorView::UNREADABLE,
/// #     subject_generation: 3,
/// #     missing_key: MissingKey::MayComeBack,
/// #     help: Help::SupportOnly,
/// #     now,
/// # };
/// # let (grant, _) = authorize_support_reset(&request).unwrap();
/// // The grant is policy's, for a factor that is `FactorView::UNREADABLE`.
/// let found = Damage { generation_floor: 3, chain: ChainHead { seq: 41, mac: [9; 32] }, failures_floor: 0, listed: None };
/// let transition = step(&Record::new(), Command::Recover { grant, found }, &context)?;
///
/// assert!(matches!(transition.outcome(), Outcome::Recovered { .. }));
/// let record = transition.record().expect("recovered");
/// assert!(matches!(record.state(), State::Reset(_)));
/// assert_eq!((record.generation(), record.chain().seq), (4, 41));
/// assert!(record.voids_proof_of(now) && record.asks_for_handover());
/// # Ok::<(), SealedSecretError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The highest generation that events, parked logins, or the damaged bytes as far as they can be read, name. The
    /// factor goes on with the one above it, and at most with `u32::MAX - 1`.
    pub generation_floor: u32,
    /// Where the audit chain stands: its last event as it lies there. It goes on from here.
    pub chain: ChainHead,
    /// Failures in a row, as far as events name them. The throttle goes on from here, within
    /// [`Damage::LEAST_FAILURES`] and one less than [`Throttle::HARD_STOP`], with the wait that the last of them
    /// costs beginning now.
    pub failures_floor: u32,
    /// What the directory says of them; `None` where that is not kept with the record.
    pub listed: Option<Listed>,
}

impl Damage {
    /// So many failures in a row stand after a recovery at the least, so that the next one costs a wait.
    pub const LEAST_FAILURES: u32 = 3;

    /// The throttle to go on with. Not at the hard stop: whoever recovers is whom that waits for, and a second reset,
    /// which might ask for no hand-over code, would undo what the recovery asks for.
    pub(crate) fn throttle(&self, now: UnixTime) -> Throttle {
        let most = Throttle::HARD_STOP - 1;
        Throttle::after(self.failures_floor.clamp(Self::LEAST_FAILURES, most), now)
    }
}

/// Something for the audit alone.
#[derive(Debug, Clone, Copy)]
pub enum Noted<'a> {
    /// A sign-in passed without a code.
    Passed {
        /// Why.
        reason: Reason,
        /// How they signed in.
        method: SignInMethod,
    },
    /// A sign-in was refused.
    Refused {
        /// Why.
        reason: Reason,
        /// How they signed in.
        method: SignInMethod,
    },
    /// Someone asked for a reset and was refused.
    ResetRefused {
        /// Who, where that is known.
        actor: Option<&'a Actor>,
        /// Why not.
        reason: Reason,
    },
    /// Someone asked for something else that needs authority, and was refused.
    AccessRefused {
        /// Who, where it was not the factor's owner.
        actor: Option<&'a Actor>,
        /// Why not.
        reason: Reason,
    },
    /// The project's settings changed.
    SettingsChanged {
        /// Who changed them.
        actor: Option<&'a Actor>,
        /// Before.
        from: ProjectSettings,
        /// After.
        to: ProjectSettings,
    },
    /// What is stored was changed by something else than this library: a sealed secret does not open here.
    Tampered,
    /// A record that could not be read was recovered: this one, which has no factor, or that of somebody whom it
    /// stands for.
    Recovered {
        /// Who recovered it.
        actor: &'a Actor,
    },
}
