use core::fmt;

use twofa_policy::{Handover, ProjectSettings, Reason, ResetGrant, Role, SignInMethod};
use twofa_totp::{Code, Params, Secret};

use crate::{Actor, Listed, LoginHash, ParkedLogin};

/// What may be asked of a factor. Every command is answered in every state.
#[expect(
    clippy::large_enum_variant,
    reason = "a grant holds names inline; commands are passed once and never kept"
)]
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
}
