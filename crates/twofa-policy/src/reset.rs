use twofa_types::{Name, ProjectId, UnixTime, UserId};

use crate::{
    AccessRequest, CLOCK_TOLERANCE_SECS, FactorState, FactorView, Help, How, PasswordUnderSso,
    ProjectSettings, Proven, Reason, Refusal, Remedies, Remedy, ResetGrant, Role, SelfReset, Sso,
    Warning, Warnings, access::clock_behind, grant::By,
};

/// What an opened proof says. It is taken at its word here: whoever opens the sealed proof vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofFacts<'a> {
    /// The project that the sign-in was for.
    pub project: &'a ProjectId,
    /// Who signed in.
    pub user: &'a UserId,
    /// When.
    pub when: UnixTime,
    /// How.
    pub how: How,
    /// The generation of their factor then; 0 or 1 where there was none.
    pub generation: u32,
}

impl ProofFacts<'_> {
    /// The part that [`recheck`](crate::recheck) asks for.
    pub const fn proven(&self) -> Proven {
        Proven {
            how: self.how,
            generation: self.generation,
        }
    }
}

/// Everything that an administrator's reset is decided on, each looked up at the moment of deciding.
#[derive(Debug, Clone, Copy)]
pub struct ResetRequest<'a> {
    /// The project's settings; none where there is no such project.
    pub settings: Option<&'a ProjectSettings>,
    /// The project in which the reset is asked for.
    pub project: &'a ProjectId,
    /// The actor's proof; none where it could not be opened.
    pub proof: Option<ProofFacts<'a>>,
    /// The actor's own factor now.
    pub actor_factor: FactorView,
    /// Its generation now; 0 or 1 where there is none.
    pub actor_generation: u32,
    /// The actor's role in `project` now; none where they are no member.
    pub actor_role: Option<Role>,
    /// Whose factor is to be reset.
    pub subject: &'a UserId,
    /// Their factor now.
    pub subject_factor: FactorView,
    /// Its generation now; the highest that is known from elsewhere where the record cannot be read.
    pub subject_generation: u32,
    /// Now.
    pub now: UnixTime,
}

/// Decides whether an administrator may reset somebody's factor, or recover it where its record is damaged. The
/// checks in order, the first that fails:
///
/// | # | refused when | reason |
/// |---|---|---|
/// | 1 | there is no such project | `unknown-project` |
/// | 2 | the proof could not be opened, is for another project, from before the actor's own reset, from a password alone, dated more than two minutes ahead, or from a kind of sign-in that the project no longer accepts; it is from a code, and the actor has no factor in use now; the actor's own record cannot be read | `proof-invalid` |
/// | 3 | the proof is older than the project's step-up age | `proof-too-old` |
/// | 4 | the actor is no administrator of that project now | `not-an-administrator` |
/// | 5 | the actor is the subject, unless the project allows it | `self-reset` |
/// | 6 | the subject has no factor, no set-up under way and no lock | `nothing-to-reset` |
/// | 7 | the key of the subject's record is missing, so that support alone can help | `key-missing` |
/// | 8 | the clock stands more than two minutes before the last event of the subject's record | `clock-behind` |
///
/// # Errors
///
/// The reason above, with the ways out of it.
///
/// ```
/// use twofa_policy::{
///     FactorView, How, ProjectSettings, ProofFacts, Reason, ResetActor, ResetRequest, Role, authorize_reset,
/// };
/// use twofa_types::{ProjectId, UnixTime, UserId};
///
/// let (acme, ada, bob) = (ProjectId::new("acme")?, UserId::new("ada")?, UserId::new("bob")?);
/// let settings = ProjectSettings::mandatory_from(UnixTime::EPOCH);
/// let now = UnixTime::from_secs(1_700_000_000);
/// let request = ResetRequest {
///     settings: Some(&settings),
///     project: &acme,
///     proof: Some(ProofFacts { project: &acme, user: &ada, when: now, how: How::Code, generation: 1 }),
///     actor_factor: FactorView::active(now),
///     actor_generation: 1,
///     actor_role: Some(Role::Administrator),
///     subject: &bob,
///     subject_factor: FactorView::active(now),
///     subject_generation: 1,
///     now,
/// };
/// let grant = authorize_reset(&request).expect("an administrator, a fresh code, another person");
/// assert_eq!((grant.project(), grant.subject()), (&acme, &bob));
/// assert_eq!(grant.by(), ResetActor::Administrator(&ada));
/// assert!(!grant.recovers());
///
/// let damaged = ResetRequest { subject_factor: FactorView::UNREADABLE, ..request };
/// assert!(authorize_reset(&damaged).expect("what is damaged can be recovered").recovers());
/// let lost = ResetRequest { subject_factor: FactorView::KEY_MISSING, ..request };
/// assert_eq!(authorize_reset(&lost).unwrap_err().reason(), Reason::KeyMissing);
///
/// let demoted = ResetRequest { actor_role: Some(Role::Member), ..request };
/// assert_eq!(authorize_reset(&demoted).unwrap_err().reason(), Reason::NotAnAdministrator);
/// # Ok::<(), twofa_types::NameError>(())
/// ```
pub fn authorize_reset(request: &ResetRequest<'_>) -> Result<ResetGrant, Refusal> {
    let Some(settings) = request.settings else {
        return Err(unknown_project());
    };
    let max_age = u64::from(settings.step_up_age());
    let access = AccessRequest {
        settings: request.settings,
        project: request.project,
        proof: request.proof,
        factor: request.actor_factor,
        generation: request.actor_generation,
        role: request.actor_role,
        now: request.now,
    };
    let proof = valid_proof(settings, &access, max_age)?;
    administrator(request.actor_role)?;
    if request.subject == proof.user && settings.self_reset() == SelfReset::Refused {
        return Err(Refusal::new(Reason::SelfReset, SOMEBODY_ELSE));
    }
    if !request.subject_factor.resettable(request.now) {
        return Err(nothing_to_reset());
    }
    if request.subject_factor.state == FactorState::KeyMissing {
        return Err(Refusal::new(Reason::KeyMissing, SUPPORT));
    }
    if request.subject_factor.clock_behind(request.now) {
        return Err(clock_behind());
    }
    Ok(ResetGrant::new(
        request.project,
        request.subject,
        By::Administrator(proof.user.clone()),
        (&request.subject_factor, request.subject_generation),
        request.now,
    ))
}

/// The proof, where it shows a second factor of the actor for this project that still counts, and is at most
/// `max_age` seconds old. A code proves a factor that is in use, and only while it is. Where the actor's own record
/// cannot be read, nobody knows whether a reset has voided the proof since: then none counts.
pub(crate) fn valid_proof<'a>(
    settings: &ProjectSettings,
    request: &AccessRequest<'a>,
    max_age: u64,
) -> Result<ProofFacts<'a>, Refusal> {
    let sso = settings.sso();
    let valid = request.proof.filter(|proof| {
        let accepted_now = match (proof.how, sso) {
            (How::Password, _)
            | (How::Sso, Sso::Off)
            | (How::Code, Sso::On(PasswordUnderSso::Refuse)) => false,
            (How::Sso, Sso::On(_)) => request.factor.is_readable(),
            (How::Code, _) => request.factor.state == FactorState::Active,
        };
        accepted_now
            && proof.project == request.project
            && !proof.proven().voided(request.generation)
            && proof.when.seconds_since(request.now) <= CLOCK_TOLERANCE_SECS
    });
    let Some(proof) = valid else {
        let recovery = request.factor.ways_to_recovery();
        let ways = recovery.unwrap_or(prove_again(sso).or_set_up(sso));
        return Err(Refusal::new(Reason::ProofInvalid, ways));
    };
    if request.now.seconds_since(proof.when) > max_age {
        return Err(Refusal::new(Reason::ProofTooOld, prove_again(sso)));
    }
    Ok(proof)
}

/// Whether somebody is an administrator now.
pub(crate) fn administrator(role: Option<Role>) -> Result<(), Refusal> {
    if role == Some(Role::Administrator) {
        Ok(())
    } else {
        Err(not_an_administrator())
    }
}

/// The refusal of somebody who is no administrator of the project, or no member of it at all.
pub const fn not_an_administrator() -> Refusal {
    Refusal::new(Reason::NotAnAdministrator, SOMEBODY_ELSE)
}

/// Support has to act.
pub(crate) const SUPPORT: Remedies = Remedies::NONE.or(Remedy::OpenSupportTicket);

/// Another person has to act.
pub(crate) const SOMEBODY_ELSE: Remedies = SUPPORT.or(Remedy::AskAdministrator);

impl FactorView {
    /// Who can recover a record that cannot be read; none for any other.
    pub(crate) const fn ways_to_recovery(&self) -> Option<Remedies> {
        match self.state {
            FactorState::None | FactorState::Pending | FactorState::Active => None,
            FactorState::Unreadable => Some(SOMEBODY_ELSE),
            FactorState::KeyMissing => Some(SUPPORT),
        }
    }
}

/// How somebody proves a second factor in a project with this single sign-on.
const fn prove_again(sso: Sso) -> Remedies {
    let ways = Remedies::NONE.or_sso(sso.is_on());
    if asks_for_codes(sso) {
        ways.or(Remedy::EnterCode)
    } else {
        ways
    }
}

/// Whether any sign-in of such a project can meet a question for a code.
pub(crate) const fn asks_for_codes(sso: Sso) -> bool {
    matches!(sso, Sso::Off | Sso::On(PasswordUnderSso::Challenge))
}

impl Remedies {
    /// And setting up, for somebody who may have no factor left to prove.
    const fn or_set_up(self, sso: Sso) -> Self {
        if asks_for_codes(sso) {
            self.or(Remedy::SetUp)
        } else {
            self
        }
    }
}

/// The refusal of whatever is asked for in a project that is not there.
pub const fn unknown_project() -> Refusal {
    Refusal::new(Reason::UnknownProject, SUPPORT)
}

const fn nothing_to_reset() -> Refusal {
    Refusal::new(Reason::NothingToReset, Remedies::NONE.or(Remedy::SetUp))
}

/// What support says of a key that is missing. It matters only where the subject's record rests under such a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingKey {
    /// It may come back, so that nothing is recovered that it would open.
    #[default]
    MayComeBack,
    /// It is given up. A recovery destroys what it would open, even if it comes back.
    GivenUp,
}

/// Everything that a reset by support is decided on.
#[derive(Debug, Clone, Copy)]
pub struct SupportResetRequest<'a> {
    /// The project's settings; none where there is no such project.
    pub settings: Option<&'a ProjectSettings>,
    /// The project in which the reset is asked for.
    pub project: &'a ProjectId,
    /// Who acts. The application vouches that this is an operator.
    pub operator: &'a str,
    /// The ticket that asks for it.
    pub ticket: &'a str,
    /// Whose factor is to be reset.
    pub subject: &'a UserId,
    /// Their factor now.
    pub subject_factor: FactorView,
    /// Its generation now; the highest that is known from elsewhere where the record cannot be read.
    pub subject_generation: u32,
    /// What is to become of a record whose key is missing.
    pub missing_key: MissingKey,
    /// Whether an administrator other than the subject, with an active factor, could have done this.
    pub help: Help,
    /// Now.
    pub now: UnixTime,
}

/// Decides whether support may reset somebody's factor, or recover it where its record cannot be read: for a
/// known project, a named operator and a named ticket, where there is something to reset, in that order. A record
/// whose key is missing is recovered only where the request gives the key up. Where another administrator could
/// have done it, the grant comes with a [`Warning`].
///
/// # Errors
///
/// [`Reason::UnknownProject`]; [`Reason::OperatorMissing`] and [`Reason::TicketMissing`], also for a text that
/// [`Name`] refuses once outer white space is gone; [`Reason::NothingToReset`]; [`Reason::KeyMissing`].
///
/// ```
/// use twofa_policy::{
///     FactorView, Help, MissingKey, ProjectSettings, Reason, SupportResetRequest, Warning, authorize_support_reset,
/// };
/// use twofa_types::{ProjectId, UnixTime, UserId};
///
/// let (acme, ada) = (ProjectId::new("acme")?, UserId::new("ada")?);
/// let settings = ProjectSettings::new();
/// let now = UnixTime::from_secs(1_700_000_000);
/// let request = SupportResetRequest {
///     settings: Some(&settings),
///     project: &acme,
///     operator: "grace",
///     ticket: "T-1042",
///     subject: &ada,
///     subject_factor: FactorView::active(now),
///     subject_generation: 1,
///     missing_key: MissingKey::MayComeBack,
///     help: Help::AdministratorOrSupport,
///     now,
/// };
/// let (grant, warnings) = authorize_support_reset(&request).expect("operator and ticket are named");
/// assert_eq!(grant.subject(), &ada);
/// assert!(warnings.contains(Warning::AdministratorCouldReset));
///
/// let bare = SupportResetRequest { ticket: " ", ..request };
/// assert_eq!(authorize_support_reset(&bare).unwrap_err().reason(), Reason::TicketMissing);
///
/// let lost = SupportResetRequest { subject_factor: FactorView::KEY_MISSING, ..request };
/// assert_eq!(authorize_support_reset(&lost).unwrap_err().reason(), Reason::KeyMissing);
/// let given_up = SupportResetRequest { missing_key: MissingKey::GivenUp, ..lost };
/// assert!(authorize_support_reset(&given_up).is_ok_and(|(grant, _)| grant.recovers()));
/// # Ok::<(), twofa_types::NameError>(())
/// ```
pub fn authorize_support_reset(
    request: &SupportResetRequest<'_>,
) -> Result<(ResetGrant, Warnings), Refusal> {
    if request.settings.is_none() {
        return Err(unknown_project());
    }
    let operator = Name::new(request.operator.trim()).map_err(|_| {
        Refusal::new(
            Reason::OperatorMissing,
            Remedies::NONE.or(Remedy::NameOperator),
        )
    })?;
    let ticket = Name::new(request.ticket.trim()).map_err(|_| {
        Refusal::new(
            Reason::TicketMissing,
            Remedies::NONE
                .or(Remedy::NameTicket)
                .or(Remedy::OpenSupportTicket),
        )
    })?;
    if !request.subject_factor.resettable(request.now) {
        return Err(nothing_to_reset());
    }
    let key_missing = request.subject_factor.state == FactorState::KeyMissing;
    if key_missing && request.missing_key == MissingKey::MayComeBack {
        let ways = Remedies::NONE.or(Remedy::GiveKeyUp);
        return Err(Refusal::new(Reason::KeyMissing, ways));
    }
    let warnings = match request.help {
        Help::AdministratorOrSupport if !key_missing => {
            Warnings::NONE.or(Warning::AdministratorCouldReset)
        }
        Help::AdministratorOrSupport | Help::SupportOnly => Warnings::NONE,
    };
    let by = By::Support { operator, ticket };
    let grant = ResetGrant::new(
        request.project,
        request.subject,
        by,
        (&request.subject_factor, request.subject_generation),
        request.now,
    );
    Ok((grant, warnings))
}
