use core::{fmt, str};

use crate::{Name, NameError};

macro_rules! id {
    ($(#[$doc:meta])* $id:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(Name);

        impl $id {
            /// Checks `text` by the rules of [`Name`] and takes a copy of it.
            ///
            /// # Errors
            ///
            /// Says which bound was broken, and where.
            pub fn new(text: &str) -> Result<Self, NameError> {
                Name::new(text).map(Self)
            }

            /// The id, as the application wrote it.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl str::FromStr for $id {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $id {
            type Error = NameError;

            fn try_from(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}

id! {
    /// A project: the tenant inside which a mandate, single sign-on and administrators count. A factor belongs
    /// to one project; the same person in another project has another factor.
    ///
    /// ```
    /// use twofa_types::{ProjectId, UserId};
    ///
    /// let project: ProjectId = "acme".parse()?;
    /// assert_eq!(project.as_str(), "acme");
    /// // let mixed: UserId = project;       does not compile
    /// # Ok::<(), twofa_types::NameError>(())
    /// ```
    ProjectId
}

id! {
    /// A person within a project, by whatever the application signs them in with: an e-mail address, a number.
    /// Ids are compared byte for byte; an application that folds case does so before it comes here.
    UserId
}
