//! What can go wrong around a decision: [`Error`].

use twofa_lifecycle::RecordError;
use twofa_types::{ProjectId, UserId};

use crate::keyring::KeyringError;
use crate::store::Subject;

/// Why something at rest cannot be read, or cannot be laid down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// It rests under a key that is not there.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// It is not what was written there: edited, moved from another row, or cut.
    #[error("it is not what was written there: changed, or moved from another row")]
    Altered,
    /// It is what was written there, and still no record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It was written by a later version of this library.
    #[error("it was written by a later version of this program; use one as new as the store")]
    Newer,
    /// There are events of it, and it is gone.
    #[error("it is gone, and its events are still there: it was deleted by another hand")]
    Missing,
    /// It is older than its own events.
    #[error("it is older than its own events: it was put back, by a restored backup or by hand")]
    RolledBack,
    /// It is newer than its last event.
    #[error("its last events are gone: they were deleted by another hand")]
    EventsMissing,
    /// It is longer than can be sealed.
    #[error("it is too long to be sealed")]
    TooLong,
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes")]
    Random,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why no decision could be reached. Never a pass and never "wrong code": no attempt was counted, and what
/// was asked for did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory knows no such project.
    #[error("there is no project {0}; check its name")]
    UnknownProject(Box<ProjectId>),
    /// The person is no member of the project.
    #[error("{} is not a member of {}; add them, or check both names", who(_0), _0.project_key())]
    UnknownMember(Box<Subject>),
    /// There is such a project already.
    #[error("there is a project {0} already; change it with its own settings")]
    DuplicateProject(Box<ProjectId>),
    /// The person is a member of the project already.
    #[error("{} is a member of {} already; change their role instead", who(_0), _0.project_key())]
    DuplicateMember(Box<Subject>),
    /// A record or a secret in it cannot be read.
    #[error("{} cannot be read: {source}", whose(subject))]
    Unreadable {
        /// Whose.
        subject: Box<Subject>,
        /// Why.
        source: RestError,
    },
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store failed.
    #[error("the store failed, so nothing was decided: {0}")]
    Store(Cause),
    /// The directory failed.
    #[error("the directory of projects and members failed, so nothing was decided: {0}")]
    Directory(Cause),
    /// A list of the application's own does not go on.
    #[error(
        "`{call}` gave the same page again, so that reading it would never end; it must go on after what it is given"
    )]
    StandsStill {
        /// Of the store or the directory.
        call: &'static str,
    },
    /// Too many writers of one factor at once.
    #[error("others changed this factor {attempts} times in a row while this was tried; try again")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes, so nothing was begun; try again")]
    Random,
    /// What should be a proof opens nothing here.
    #[error(
        "this is no proof of a login here, or one that was voided; end the session and sign in again"
    )]
    ProofInvalid,
    /// Issuer and account cannot stand in a key URI.
    #[error("no key URI can be made for this person: {0}")]
    KeyUri(#[from] twofa_otpauth::BuildError),
    /// The person has a factor, so none can be brought in.
    #[error("{user} already has a factor, or is setting one up; reset it before importing another")]
    AlreadySetUp {
        /// The person.
        user: Box<UserId>,
    },
    /// The person was reset, which an import does not undo.
    #[error(
        "{user} was reset since, so this would bring a lost phone back; let them set up anew, or import another key again on a ticket"
    )]
    AlreadyReset {
        /// The person.
        user: Box<UserId>,
    },
    /// The clock stands behind the record's last event.
    #[error(
        "the clock stands behind the last event of {} in {}, so nothing was decided; set it right",
        who(_0),
        _0.project_key()
    )]
    ClockBehind(Box<Subject>),
    /// The files that archived events go to, or come from, cannot be written or read.
    #[error("the archive failed: {0}")]
    Archive(Cause),
    /// What is compared is older than what was archived.
    #[error(
        "{} was archived beyond what this is compared with; give all files of archived events along, or compare with something later",
        whose(_0)
    )]
    ArchiveNeeded(Box<Subject>),
    /// A counter-based key, which this does not keep.
    #[error("the key is counter-based (hotp); only time-based keys (totp) can be brought in")]
    CannotImport,
}

impl Error {
    /// A stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownProject(_) => "unknown-project",
            Self::UnknownMember(_) => "unknown-member",
            Self::DuplicateProject(_) => "duplicate-project",
            Self::DuplicateMember(_) => "duplicate-member",
            Self::Unreadable {
                source: RestError::Key(error),
                ..
            }
            | Self::Keyring(error) => error.code(),
            Self::Unreadable { .. } => "record-unreadable",
            Self::Store(_) => "store",
            Self::Directory(_) => "directory",
            Self::StandsStill { .. } => "page-repeated",
            Self::Contended { .. } => "contended",
            Self::Random => "no-randomness",
            Self::ProofInvalid => "proof-invalid",
            Self::KeyUri(_) => "key-uri",
            Self::ClockBehind(_) => "clock-behind",
            Self::Archive(_) => "archive",
            Self::ArchiveNeeded(_) => "archive-needed",
            Self::CannotImport => "counter-based",
            Self::AlreadySetUp { .. } => "already-set-up",
            Self::AlreadyReset { .. } => "already-reset",
        }
    }

    pub(crate) fn store(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Store(Box::new(cause))
    }

    pub(crate) fn directory(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Directory(Box::new(cause))
    }

    pub(crate) fn archive_needed(subject: &Subject) -> Self {
        Self::ArchiveNeeded(Box::new(subject.clone()))
    }

    pub(crate) fn unreadable(subject: &Subject, source: RestError) -> Self {
        match source {
            RestError::Random => Self::Random,
            source => Self::Unreadable {
                subject: Box::new(subject.clone()),
                source,
            },
        }
    }
}

fn whose(subject: &Subject) -> String {
    match (subject.project(), subject.user()) {
        (Some(project), Some(user)) => format!("the factor of {user} in {project}"),
        (Some(project), None) => format!("the record of project {project} itself"),
        (None, _) => "the store's record of its keys".to_owned(),
    }
}

fn who(subject: &Subject) -> &str {
    subject.user().map_or("the project itself", UserId::as_str)
}
