//! The application's own people: a table of passwords and roles, which is also what the rules are asked of.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use twofa::policy::{ProjectSettings, Role};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Directory, Project, Standing};

/// Everybody, by e-mail address. There is one project, and it requires a second factor.
#[derive(Clone)]
pub struct Users {
    pub project: ProjectId,
    people: Arc<BTreeMap<UserId, (Role, String)>>,
    nobody: Arc<str>,
}

impl Users {
    /// A table of these people.
    pub fn new(project: ProjectId, people: Vec<(UserId, Role, &str)>) -> Result<Self, Error> {
        let hash = |password: &str| {
            let hash = Argon2::default().hash_password(password.as_bytes())?;
            Ok::<_, Error>(hash.to_string())
        };
        let nobody = hash("nobody's password")?.into();
        let people = people
            .into_iter()
            .map(|(user, role, password)| Ok((user, (role, hash(password)?))))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            project,
            people: Arc::new(people),
            nobody,
        })
    }

    /// Whose credentials these are. An unknown address costs the same time as a wrong password.
    pub fn check(&self, email: &str, password: &str) -> Option<UserId> {
        let user: Option<UserId> = email.parse().ok();
        let known = user.filter(|user| self.people.contains_key(user));
        let hash = known.as_ref().and_then(|user| self.people.get(user));
        let hash = hash.map_or(&*self.nobody, |(_, hash)| hash);
        let right = PasswordHash::new(hash).is_ok_and(|hash| {
            let password = password.as_bytes();
            Argon2::default().verify_password(password, &hash).is_ok()
        });
        known.filter(|_| right)
    }

    fn mandatory(&self, project: &ProjectId) -> Option<Project> {
        (*project == self.project).then(|| Project {
            settings: ProjectSettings::mandatory_from(UnixTime::from_secs(1_669_852_800)),
            issuer: None,
        })
    }
}

impl Directory for Users {
    type Error = Infallible;

    async fn standing(&self, p: &ProjectId, user: &UserId) -> Result<Option<Standing>, Infallible> {
        Ok(self.mandatory(p).map(|project| Standing {
            project,
            role: self.people.get(user).map(|(role, _)| *role),
        }))
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, Infallible> {
        Ok(self.mandatory(project))
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Infallible> {
        if self.mandatory(project).is_none() {
            return Ok(Vec::new());
        }
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.people.range::<UserId, _>((after, Bound::Unbounded));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let line = |(user, (role, _)): (&UserId, &(Role, _))| (user.clone(), *role);
        Ok(rest.take(limit).map(line).collect())
    }
}
