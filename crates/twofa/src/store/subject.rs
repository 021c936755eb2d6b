//! Whose record it is: [`Subject`].

use std::cmp::Ordering;

use twofa_types::{ProjectId, UserId};

/// Whose record, and whose chain of events: a person's within a project, the project's own, or that of the
/// installation.
///
/// The project's own chain (no user) holds what concerns nobody's factor: changed settings, and attempts by
/// people who are no members. The installation's record (no project, no user) says which store this is and
/// which keys it rests under. Stores keep a part that is missing as the empty text, which no [`ProjectId`] and
/// no [`UserId`] can be.
///
/// Subjects are ordered by the bytes of their keys, as stores list them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    project: Option<ProjectId>,
    user: Option<UserId>,
    /// The keys of a row that another hand wrote, where they are no ids.
    foreign: Option<Box<(String, String)>>,
}

impl Subject {
    /// A person's factor within a project.
    pub fn member(project: &ProjectId, user: &UserId) -> Self {
        Self {
            project: Some(project.clone()),
            user: Some(user.clone()),
            foreign: None,
        }
    }

    /// The project itself.
    pub fn project_itself(project: &ProjectId) -> Self {
        Self {
            project: Some(project.clone()),
            user: None,
            foreign: None,
        }
    }

    /// The installation: the store as a whole.
    pub const fn installation() -> Self {
        Self {
            project: None,
            user: None,
            foreign: None,
        }
    }

    /// Whose row it is that lies under these keys. Never fails: a row whose keys are no ids was written by another
    /// hand, and is [foreign](Self::is_foreign).
    ///
    /// ```
    /// use twofa::Subject;
    /// use twofa::types::{ProjectId, UserId};
    ///
    /// let (acme, ann) = (ProjectId::new("acme")?, UserId::new("ann")?);
    /// assert_eq!(Subject::from_keys("acme", "ann"), Subject::member(&acme, &ann));
    /// assert_eq!(Subject::from_keys("acme", ""), Subject::project_itself(&acme));
    /// assert_eq!(Subject::from_keys("", ""), Subject::installation());
    /// assert!(Subject::from_keys("acme", "a\u{1b}").is_foreign());
    /// # Ok::<(), twofa::types::NameError>(())
    /// ```
    pub fn from_keys(project: &str, user: &str) -> Self {
        let known = (
            (!project.is_empty()).then(|| ProjectId::new(project)),
            (!user.is_empty()).then(|| UserId::new(user)),
        );
        match known {
            (None, None) => Self::installation(),
            (Some(Ok(project)), None) => Self::project_itself(&project),
            (Some(Ok(project)), Some(Ok(user))) => Self::member(&project, &user),
            (id, _) => Self {
                project: id.and_then(Result::ok),
                user: None,
                foreign: Some(Box::new((project.to_owned(), user.to_owned()))),
            },
        }
    }

    /// Whether its keys are no ids, so that nothing here can have written it.
    pub fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// The project, unless this is the installation, or [foreign](Self::is_foreign) without one.
    pub fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }

    /// The person, unless this is a project itself or the installation.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The project's id as stores keep it: empty for the installation.
    pub fn project_key(&self) -> &str {
        match &self.foreign {
            Some(keys) => &keys.0,
            None => self.project.as_ref().map_or("", ProjectId::as_str),
        }
    }

    /// The person's id as stores keep it: empty for a project itself and for the installation.
    pub fn user_key(&self) -> &str {
        match &self.foreign {
            Some(keys) => &keys.1,
            None => self.user.as_ref().map_or("", UserId::as_str),
        }
    }
}

impl Ord for Subject {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (self.project_key(), other.project_key());
        one.cmp(two)
            .then_with(|| self.user_key().cmp(other.user_key()))
    }
}

impl PartialOrd for Subject {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
