use crate::{Reason, Refusal, Remedies, Remedy, Role, SettingsGrant};

/// Who asks for a change of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Changer {
    /// Somebody within a project, in whatever role.
    Member(Role),
    /// An operator of the service. The application vouches for that by its own means.
    Operator,
}

/// Decides who may change a project's mandate, single sign-on and the settings beside them: operators only.
///
/// An administrator who could switch the mandate off would make it a suggestion.
///
/// # Errors
///
/// [`Reason::OperatorOnly`] for everybody within a project, administrators included.
///
/// ```
/// use twofa_policy::{Changer, Reason, Role, authorize_settings_change};
///
/// let refused = authorize_settings_change(Changer::Member(Role::Administrator)).unwrap_err();
/// assert_eq!(refused.reason(), Reason::OperatorOnly);
/// assert!(authorize_settings_change(Changer::Operator).is_ok());
/// ```
pub const fn authorize_settings_change(who: Changer) -> Result<SettingsGrant, Refusal> {
    match who {
        Changer::Operator => Ok(SettingsGrant::new()),
        Changer::Member(Role::Administrator | Role::Member) => Err(Refusal::new(
            Reason::OperatorOnly,
            Remedies::NONE.or(Remedy::OpenSupportTicket),
        )),
    }
}
