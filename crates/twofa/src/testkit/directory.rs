//! What proves a [`Directory`] by itself: for an application that keeps factors in a store which is proven already, and
//! whose projects and rules are its own, or which has one project of a constant name.

use std::collections::BTreeMap;
use std::future::Future;

use twofa_policy::Role;
use twofa_types::{ProjectId, UserId};

use super::site::{fine, project, user};
use crate::{Directory, Standing};

/// A directory to be tested. Each check gets a harness of its own, whose project has no members at first.
pub trait DirectoryHarness: Sync {
    /// The directory.
    type Directory: Directory;

    /// The directory as it stands: as another process, or the next request, has it.
    fn open(&self) -> impl Future<Output = Self::Directory> + Send;

    /// A project that is there: of an application that has but one, that one. Its rules may be any.
    fn project(&self) -> ProjectId;

    /// Adds a member to it, changes their role, or takes them out (`None`).
    fn put_member(&self, user: &UserId, role: Option<Role>) -> impl Future<Output = ()> + Send;

    /// Drives a future to its end on the calling thread.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

fn standing<H: DirectoryHarness>(harness: &H, of: &ProjectId, who: &UserId) -> Option<Standing> {
    let found = harness.block_on(async { harness.open().await.standing(of, who).await });
    fine(found)
}

fn role<H: DirectoryHarness>(harness: &H, who: &UserId) -> Option<Role> {
    let found = standing(harness, &harness.project(), who);
    match found {
        Some(standing) => standing.role,
        None => panic!("broken promise: the project is there, whoever asks"),
    }
}

/// Whoever was never added is no member, of a project that is there; a project that is not there has no standing.
pub fn a_stranger_is_no_member<H: DirectoryHarness>(harness: &H) {
    let stranger = user("stranger@example.com");
    assert_eq!(
        role(harness, &stranger),
        None,
        "broken promise: whoever was never added is no member"
    );
    let nowhere = project("nowhere at all");
    assert!(
        standing(harness, &nowhere, &stranger).is_none(),
        "broken promise: a project that is not there has no standing"
    );
    let there = harness.block_on(async { harness.open().await.project(&nowhere).await });
    assert!(
        fine(there).is_none(),
        "broken promise: nor is it found by itself"
    );
}

/// A project says the same of itself, however it is asked for.
pub fn a_project_reads_alike_both_ways<H: DirectoryHarness>(harness: &H) {
    let (id, ann) = (harness.project(), user("ann@example.com"));
    harness.block_on(harness.put_member(&ann, Some(Role::Member)));
    let by_itself = harness.block_on(async { harness.open().await.project(&id).await });
    let beside = standing(harness, &id, &ann).map(|standing| standing.project);
    assert!(
        fine(by_itself) == beside && beside.is_some(),
        "broken promise: the project is the same beside a person's role"
    );
}

/// A promotion, a demotion and a departure count from the next call on, also through a handle that was open before.
pub fn a_role_counts_at_once<H: DirectoryHarness>(harness: &H) {
    let (id, ann, bob) = (
        harness.project(),
        user("ann@example.com"),
        user("bob@example.com"),
    );
    let open = harness.block_on(harness.open());
    harness.block_on(harness.put_member(&bob, Some(Role::Member)));
    for now in [
        Some(Role::Member),
        Some(Role::Administrator),
        Some(Role::Member),
        None,
        Some(Role::Administrator),
    ] {
        harness.block_on(harness.put_member(&ann, now));
        assert_eq!(
            role(harness, &ann),
            now,
            "broken promise: a role counts from the next call on"
        );
        let held = fine(harness.block_on(open.standing(&id, &ann)));
        assert_eq!(
            held.and_then(|standing| standing.role),
            now,
            "broken promise: nothing is remembered of a role"
        );
        assert_eq!(
            role(harness, &bob),
            Some(Role::Member),
            "broken promise: one person's role is nobody else's"
        );
    }
}

/// Every member is listed once, with their role, whatever the size of the pages.
pub fn members_are_listed_whole<H: DirectoryHarness>(harness: &H) {
    const PEOPLE: usize = 203;
    let id = harness.project();
    let mut people = BTreeMap::new();
    for number in 0..PEOPLE {
        // Not in the order of their numbers, nor of their ids.
        let mixed = number * 101 % PEOPLE;
        let who = user(&format!("person{mixed}@example.com"));
        let what = if mixed.is_multiple_of(7) {
            Role::Administrator
        } else {
            Role::Member
        };
        harness.block_on(harness.put_member(&who, Some(what)));
        people.insert(who, what);
    }
    for limit in [7_u32, 100, 203, 1000] {
        let (mut listed, mut after) = (BTreeMap::new(), None::<UserId>);
        loop {
            let page = harness.block_on(async {
                let directory = harness.open().await;
                directory.members(&id, after.as_ref(), limit).await
            });
            let page = fine(page);
            let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
            assert!(
                count <= limit,
                "broken promise: a page has at most {limit}, and not {count}"
            );
            for (who, what) in page {
                after = Some(who.clone());
                assert!(
                    listed.insert(who.clone(), what).is_none(),
                    "broken promise: {who} is listed once"
                );
            }
            if count < limit {
                break;
            }
        }
        assert!(
            listed == people,
            "broken promise: all are listed, {limit} at a time: {} of {PEOPLE}",
            listed.len()
        );
    }
}

/// Makes a `#[test]` of every check of a directory. The expression makes a [`DirectoryHarness`], and is evaluated anew in
/// each test. Use it once in a module.
///
/// ```
/// use std::sync::Arc;
/// use twofa::MemoryDirectory;
/// use twofa::policy::{ProjectSettings, Role};
/// use twofa::testkit::{self, DirectoryHarness};
/// use twofa::types::{ProjectId, UserId};
///
/// // One project of a constant name, with its rules in the code.
/// struct Ours(Arc<MemoryDirectory>);
///
/// impl DirectoryHarness for Ours {
///     type Directory = Arc<MemoryDirectory>;
///
///     async fn open(&self) -> Self::Directory {
///         Arc::clone(&self.0)
///     }
///
///     fn project(&self) -> ProjectId {
///         testkit::project("ours")
///     }
///
///     async fn put_member(&self, user: &UserId, role: Option<Role>) {
///         match role {
///             Some(role) => self.0.set_member(&self.project(), user, role),
///             None => self.0.remove_member(&self.project(), user),
///         }
///     }
///
///     fn block_on<F: Future>(&self, future: F) -> F::Output {
///         testkit::block_on(future)
///     }
/// }
///
/// fn ours() -> Ours {
///     let directory = MemoryDirectory::new();
///     directory.set_project(&testkit::project("ours"), ProjectSettings::new());
///     Ours(Arc::new(directory))
/// }
///
/// mod directory {
///     twofa::testkit::directory_suite!(super::ours());
/// }
/// testkit::directory::members_are_listed_whole(&ours());
/// ```
#[macro_export]
macro_rules! directory_suite {
    ($harness:expr $(,)?) => {
        $crate::directory_suite! { @each ($harness)
            a_stranger_is_no_member, a_project_reads_alike_both_ways, a_role_counts_at_once,
            members_are_listed_whole
        }
    };
    (@each ($harness:expr) $($check:ident),+) => {
        $(
            #[test]
            fn $check() {
                $crate::testkit::directory::$check(&$harness);
            }
        )+
    };
}
