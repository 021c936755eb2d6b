use twofa_types::{ProjectId, UnixTime};

use crate::reset::{
    SOMEBODY_ELSE, SUPPORT, administrator, asks_for_codes, unknown_project, valid_proof,
};
use crate::{
    FactorState, FactorView, How, Lock, ProjectSettings, ProofFacts, Reason, Refusal, Remedies,
    Remedy, Role,
};

/// How old a proof may be for looking at a project's list of factors, in seconds: a working day.
pub const LIST_AGE_SECS: u64 = 12 * 3600;

/// Everything that access short of a reset is decided on, each looked up at the moment of deciding.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The project's settings; none where there is no such project.
    pub settings: Option<&'a ProjectSettings>,
    /// The project that it is about.
    pub project: &'a ProjectId,
    /// The person's proof; none where it could not be opened.
    pub proof: Option<ProofFacts<'a>>,
    /// The person's own factor now.
    pub factor: FactorView,
    /// Its generation now; 0 or 1 where there is none.
    pub generation: u32,
    /// Their role in `project` now; none where they are no member.
    pub role: Option<Role>,
    /// Now.
    pub now: UnixTime,
}

/// Decides whether somebody may see who in a project has a factor: an administrator of it now, with a proof of
/// a second factor at most [`LIST_AGE_SECS`] old. Looking changes nothing, so that the short step-up age of a
/// reset does not apply.
///
/// # Errors
///
/// `unknown-project`, `proof-invalid`, `proof-too-old`, `not-an-administrator`, in this order.
///
/// ```
/// use twofa_policy::{AccessRequest, FactorView, How, ProjectSettings, ProofFacts, Reason, Role, authorize_list};
/// use twofa_types::{ProjectId, UnixTime, UserId};
///
/// let (acme, ada) = (ProjectId::new("acme")?, UserId::new("ada")?);
/// let settings = ProjectSettings::new();
/// let now = UnixTime::from_secs(1_700_000_000);
/// let request = AccessRequest {
///     settings: Some(&settings),
///     project: &acme,
///     proof: Some(ProofFacts { project: &acme, user: &ada, when: now, how: How::Code, generation: 1 }),
///     factor: FactorView::active(now),
///     generation: 1,
///     role: Some(Role::Administrator),
///     now,
/// };
/// assert!(authorize_list(&request).is_ok());
/// let demoted = AccessRequest { role: Some(Role::Member), ..request };
/// assert_eq!(authorize_list(&demoted).unwrap_err().reason(), Reason::NotAnAdministrator);
/// # Ok::<(), twofa_types::NameError>(())
/// ```
pub fn authorize_list(request: &AccessRequest<'_>) -> Result<(), Refusal> {
    let settings = request.settings.ok_or(unknown_project())?;
    valid_proof(settings, request, LIST_AGE_SECS)?;
    administrator(request.role)
}

/// Decides whether a member may begin to replace their own key while it still works: with a proof by code (a
/// sign-in through single sign-on proves no key) no older than the project's step-up age. Without the old key,
/// only an administrator or support can help, and the refusal says so.
///
/// # Errors
///
/// `unknown-project`, `proof-invalid` (also for somebody who is no member), `proof-too-old`, in this order.
///
/// ```
/// use twofa_policy::{
///     AccessRequest, FactorView, How, ProjectSettings, ProofFacts, Reason, Role, Sso, authorize_replacement,
/// };
/// use twofa_types::{ProjectId, UnixTime, UserId};
///
/// let (acme, bob) = (ProjectId::new("acme")?, UserId::new("bob")?);
/// let settings = ProjectSettings::new().with_sso(Sso::supersedes());
/// let now = UnixTime::from_secs(1_700_000_000);
/// let by_code = ProofFacts { project: &acme, user: &bob, when: now, how: How::Code, generation: 1 };
/// let request = AccessRequest {
///     settings: Some(&settings),
///     project: &acme,
///     proof: Some(by_code),
///     factor: FactorView::active(now),
///     generation: 1,
///     role: Some(Role::Member),
///     now,
/// };
/// assert!(authorize_replacement(&request).is_ok());
/// let vouched_for = AccessRequest { proof: Some(ProofFacts { how: How::Sso, ..by_code }), ..request };
/// assert_eq!(authorize_replacement(&vouched_for).unwrap_err().reason(), Reason::ProofInvalid);
/// # Ok::<(), twofa_types::NameError>(())
/// ```
pub fn authorize_replacement(request: &AccessRequest<'_>) -> Result<(), Refusal> {
    let settings = request.settings.ok_or(unknown_project())?;
    let member = request.role.is_some();
    let by_code = AccessRequest {
        proof: request.proof.filter(|p| member && p.how == How::Code),
        ..*request
    };
    match valid_proof(settings, &by_code, u64::from(settings.step_up_age())) {
        Ok(_) => Ok(()),
        Err(refusal) => {
            let (factor, codes) = (&request.factor, asks_for_codes(settings.sso()));
            let ways = match factor.state {
                FactorState::Active if codes => SOMEBODY_ELSE.or(Remedy::EnterCode),
                FactorState::None | FactorState::Pending if codes => {
                    SOMEBODY_ELSE.or(Remedy::SetUp)
                }
                _ => factor.ways_to_recovery().unwrap_or(SOMEBODY_ELSE),
            };
            Err(Refusal::new(refusal.reason(), ways))
        }
    }
}

/// The refusal of somebody whose proof could not even be opened, so that no project is known to ask about.
pub const fn no_proof() -> Refusal {
    Refusal::new(
        Reason::ProofInvalid,
        Remedies::NONE.or(Remedy::EnterCode).or(Remedy::SetUp),
    )
}

/// The refusal of whatever would be done to a factor whose record lies ahead of the clock: see
/// [`FactorView::clock_behind`].
pub(crate) const fn clock_behind() -> Refusal {
    Refusal::new(Reason::ClockBehind, SUPPORT)
}

/// Whether a factor is in a state in which its key can be replaced, once its owner is authorized to.
///
/// # Errors
///
/// `clock-behind`, `record-unreadable`, `nothing-to-replace`, `locked`, in this order.
///
/// ```
/// use twofa_policy::{FactorView, Reason, replaceable};
/// use twofa_types::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// assert!(replaceable(&FactorView::active(now), now).is_ok());
/// let refused = replaceable(&FactorView::NONE, now).unwrap_err();
/// assert_eq!(refused.reason(), Reason::NothingToReplace);
/// ```
pub const fn replaceable(factor: &FactorView, now: UnixTime) -> Result<(), Refusal> {
    if factor.clock_behind(now) {
        return Err(clock_behind());
    }
    if let Some(ways) = factor.ways_to_recovery() {
        return Err(Refusal::new(Reason::RecordUnreadable, ways));
    }
    if !matches!(factor.state, FactorState::Active) {
        let ways = Remedies::NONE.or(Remedy::SetUp);
        return Err(Refusal::new(Reason::NothingToReplace, ways));
    }
    if factor.lock.holds(now) {
        let ways = match factor.lock {
            Lock::Until(end) => SOMEBODY_ELSE.or(Remedy::WaitUntil(end)),
            Lock::Open | Lock::UntilReset => SOMEBODY_ELSE,
        };
        return Err(Refusal::new(Reason::Locked, ways));
    }
    Ok(())
}
