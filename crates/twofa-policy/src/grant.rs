use core::{error, fmt};

use twofa_types::{Name, ProjectId, UnixTime, UserId};

use crate::{CLOCK_TOLERANCE_SECS, FactorView, Help, Reason, Remedies};

/// How long a grant may be carried out after it was given, in seconds.
pub const GRANT_SECS: u64 = 60;

/// Permission to reset one person's factor in one project, once; or to recover it, where its record cannot be
/// read. A grant is for one of the two, and [`recovers`](Self::recovers) says for which.
///
/// Only [`authorize_reset`](crate::authorize_reset) and
/// [`authorize_support_reset`](crate::authorize_support_reset) make one. It cannot be copied or stored, is moved
/// into the reset that it permits, and is worth nothing when dropped.
///
/// ```compile_fail
/// # fn twice(grant: twofa_policy::ResetGrant) {
/// let copy = grant.clone();
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a grant that is not carried out resets nothing"]
pub struct ResetGrant {
    project: ProjectId,
    subject: UserId,
    by: By,
    generation: u32,
    granted: UnixTime,
    recovers: bool,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "names are held inline, since nothing here allocates, and grants are few and short-lived"
)]
pub(crate) enum By {
    Administrator(UserId),
    Support { operator: Name, ticket: Name },
}

/// Who carries a reset out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResetActor<'a> {
    /// An administrator of the project.
    Administrator(&'a UserId),
    /// An operator, on a support ticket.
    Support {
        /// Who.
        operator: &'a Name,
        /// On which ticket.
        ticket: &'a Name,
    },
}

impl ResetGrant {
    pub(crate) fn new(
        project: &ProjectId,
        subject: &UserId,
        by: By,
        (factor, generation): (&FactorView, u32),
        granted: UnixTime,
    ) -> Self {
        Self {
            project: project.clone(),
            subject: subject.clone(),
            by,
            generation,
            granted,
            recovers: !factor.is_readable(),
        }
    }

    /// The project whose factor may be reset; the same person's factors in other projects are untouched.
    pub const fn project(&self) -> &ProjectId {
        &self.project
    }

    /// Whose factor may be reset.
    pub const fn subject(&self) -> &UserId {
        &self.subject
    }

    /// By whom.
    pub const fn by(&self) -> ResetActor<'_> {
        match &self.by {
            By::Administrator(user) => ResetActor::Administrator(user),
            By::Support { operator, ticket } => ResetActor::Support { operator, ticket },
        }
    }

    /// The generation of the subject's factor that this was granted against. A factor of another generation
    /// has been reset in between, and this grant does not reach it. For a recovery it is the highest that was
    /// known, since the record does not say.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether it permits to recover a factor whose record could not be read when this was granted. Such a grant
    /// resets nothing that can be read, and any other recovers nothing.
    ///
    /// ```
    /// use twofa_policy::{FactorView, Help, MissingKey, ProjectSettings, SupportResetRequest, authorize_support_reset};
    /// use twofa_types::{ProjectId, UnixTime, UserId};
    ///
    /// let (acme, ada) = (ProjectId::new("acme")?, UserId::new("ada")?);
    /// let request = SupportResetRequest {
    ///     settings: Some(&ProjectSettings::new()),
    ///     project: &acme,
    ///     operator: "grace",
    ///     ticket: "T-1042",
    ///     subject: &ada,
    ///     subject_factor: FactorView::UNREADABLE,
    ///     subject_generation: 3,
    ///     missing_key: MissingKey::MayComeBack,
    ///     help: Help::SupportOnly,
    ///     now: UnixTime::from_secs(1_700_000_000),
    /// };
    /// let (grant, _) = authorize_support_reset(&request).expect("operator and ticket are named");
    /// assert!(grant.recovers());
    /// # Ok::<(), twofa_types::NameError>(())
    /// ```
    pub const fn recovers(&self) -> bool {
        self.recovers
    }

    /// The first second at which it may no longer be carried out.
    pub const fn expires(&self) -> UnixTime {
        self.granted.saturating_add(GRANT_SECS)
    }

    /// Whether it may be carried out at `now`: not from [`expires`](Self::expires) on, and not where the clock
    /// has run back by more than [`CLOCK_TOLERANCE_SECS`] since it was given.
    pub const fn is_current(&self, now: UnixTime) -> bool {
        now.as_secs() < self.expires().as_secs()
            && self.granted.seconds_since(now) <= CLOCK_TOLERANCE_SECS
    }
}

/// Permission to change a project's settings, once. Only
/// [`authorize_settings_change`](crate::authorize_settings_change) makes one.
#[derive(Debug)]
#[must_use = "a grant that is not carried out changes nothing"]
pub struct SettingsGrant(());

impl SettingsGrant {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// Why authority was refused, and the ways out; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a refusal has a reason to show and to record"]
pub struct Refusal {
    reason: Reason,
    remedies: Remedies,
}

impl Refusal {
    pub(crate) const fn new(reason: Reason, remedies: Remedies) -> Self {
        Self { reason, remedies }
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What the refused person can do.
    pub const fn remedies(&self) -> Remedies {
        self.remedies
    }

    /// The same, for somebody of whom it is known whether there is another administrator to ask.
    pub const fn remedies_with(&self, help: Help) -> Remedies {
        self.remedies.given(help)
    }
}

/// The sentence of the reason.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.reason.sentence())
    }
}

impl error::Error for Refusal {}
