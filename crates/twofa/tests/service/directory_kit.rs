//! The checks of a directory: one that breaks a promise is found, by the check that says so.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use twofa::policy::{ProjectSettings, Role};
use twofa::testkit::{self, DirectoryHarness, directory, project};
use twofa::types::{ProjectId, UserId};
use twofa::{Directory, MemoryDirectory, Project, Standing};

/// How a directory breaks its promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Not,
    /// Each page begins anew.
    IgnoresAfter,
    IgnoresTheLimit,
    /// A role is remembered from when it was first asked for.
    RemembersRoles,
    /// Whoever is asked for is a member.
    TakesAnybody,
    /// Any project is there.
    KnowsAnyProject,
    /// The last two of each page have changed places, so that the next page goes on after the wrong one.
    SwapsTheLastTwo,
    /// The project has other rules beside a person than by itself.
    TwoSetsOfRules,
}

struct Ours {
    inner: Arc<MemoryDirectory>,
    broken: Broken,
}

struct Open {
    inner: Arc<MemoryDirectory>,
    broken: Broken,
    roles: Mutex<HashMap<UserId, Option<Role>>>,
}

impl Directory for Open {
    type Error = Infallible;

    async fn standing(
        &self,
        of: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, Infallible> {
        let of = match self.broken {
            Broken::KnowsAnyProject => project("ours"),
            _ => of.clone(),
        };
        let Some(mut found) = self.inner.standing(&of, user).await? else {
            return Ok(None);
        };
        match self.broken {
            Broken::RemembersRoles => {
                let mut roles = self.roles.lock().unwrap();
                found.role = *roles.entry(user.clone()).or_insert(found.role);
            }
            Broken::TakesAnybody => found.role = found.role.or(Some(Role::Member)),
            Broken::TwoSetsOfRules => {
                found.project.settings = ProjectSettings::new().with_step_up_age(7);
            }
            _ => {}
        }
        Ok(Some(found))
    }

    async fn project(&self, of: &ProjectId) -> Result<Option<Project>, Infallible> {
        self.inner.project(of).await
    }

    async fn members(
        &self,
        of: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, Infallible> {
        let after = after.filter(|_| self.broken != Broken::IgnoresAfter);
        match self.broken {
            Broken::IgnoresTheLimit => self.inner.members(of, after, u32::MAX).await,
            Broken::SwapsTheLastTwo => {
                let mut page = self.inner.members(of, after, limit).await?;
                if let [.., before, last] = page.as_mut_slice() {
                    std::mem::swap(before, last);
                }
                Ok(page)
            }
            _ => self.inner.members(of, after, limit).await,
        }
    }
}

impl DirectoryHarness for Ours {
    type Directory = Open;

    async fn open(&self) -> Open {
        Open {
            inner: Arc::clone(&self.inner),
            broken: self.broken,
            roles: Mutex::default(),
        }
    }

    fn project(&self) -> ProjectId {
        project("ours")
    }

    async fn put_member(&self, user: &UserId, role: Option<Role>) {
        match role {
            Some(role) => self.inner.set_member(&self.project(), user, role),
            None => self.inner.remove_member(&self.project(), user),
        }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        testkit::block_on(future)
    }
}

fn ours(broken: Broken) -> Ours {
    let inner = Arc::new(MemoryDirectory::new());
    inner.set_project(&project("ours"), ProjectSettings::new());
    Ours { inner, broken }
}

mod of_one_project {
    use super::{Broken, ours};

    twofa::testkit::directory_suite!(ours(Broken::Not));
}

#[test]
fn a_directory_that_breaks_a_promise_is_found() {
    type Check = fn(&Ours);
    let checks: [(Broken, Check); 7] = [
        (Broken::IgnoresAfter, directory::members_are_listed_whole),
        (Broken::IgnoresTheLimit, directory::members_are_listed_whole),
        (Broken::SwapsTheLastTwo, directory::members_are_listed_whole),
        (Broken::RemembersRoles, directory::a_role_counts_at_once),
        (Broken::TakesAnybody, directory::a_stranger_is_no_member),
        (Broken::KnowsAnyProject, directory::a_stranger_is_no_member),
        (
            Broken::TwoSetsOfRules,
            directory::a_project_reads_alike_both_ways,
        ),
    ];
    for (broken, check) in checks {
        check(&ours(Broken::Not));
        let found = catch_unwind(AssertUnwindSafe(|| check(&ours(broken))));
        let said = found.expect_err(&format!("{broken:?} is not found"));
        let said = match said.downcast::<String>() {
            Ok(said) => *said,
            Err(said) => said.downcast::<&str>().unwrap().to_string(),
        };
        assert!(said.contains("broken promise"), "{broken:?}: {said}");
    }
}
