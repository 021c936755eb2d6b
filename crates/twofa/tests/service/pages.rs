//! More than one page of everything: nothing is lost or doubled where pages join.

use twofa::policy::{Mandate, ProjectSettings, Role, SignInMethod, Warning};
use twofa::testkit::{MANDATE, MemoryHarness, Site, fine, project, service_over, user};
use twofa::types::{ProjectId, UserId};
use twofa::{
    Directory, Project, RecordRow, SignIn, Standing, Store, Subject, SubjectEvent, forward_store,
};

const MEMBERS: usize = 1_234;

/// Members of whom every third has begun to set up, and people with records who are members no more.
fn crowd(site: &Site<'_, MemoryHarness>) -> Vec<UserId> {
    let everybody: Vec<_> = (0..MEMBERS + 100)
        .map(|n| user(&format!("u{n:05}")))
        .collect();
    for (number, user) in everybody.iter().enumerate() {
        site.member(user, Some(Role::Member));
        if number % 3 == 0 || number >= MEMBERS {
            let _set_up = site.set_up(user);
        }
    }
    // Somewhere in the middle, so that records without members lie between those with.
    let (left, stayed): (Vec<_>, Vec<_>) =
        (0..everybody.len()).partition(|number| number % 13 == 5);
    for number in left {
        site.member(&everybody[number], None);
    }
    stayed
        .into_iter()
        .map(|number| everybody[number].clone())
        .collect()
}

#[test]
fn a_dry_run_over_pages_says_for_each_what_a_login_meets() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let stayed = crowd(&site);
    site.enrol(&stayed[700]);
    site.set(ProjectSettings::new());
    let then = ProjectSettings::new().with_mandate(Mandate::From(MANDATE));
    let mut seen = Vec::new();
    let each = |member| seen.push(member);
    let impact = site
        .service()
        .impact(&site.project, &then, SignInMethod::Password, each);
    let impact = fine(site.wait(impact));
    // Ada, Ann and Bob are members as well.
    assert_eq!(seen.len(), stayed.len() + 3);
    assert!(
        seen.windows(2).all(|pair| pair[0].user < pair[1].user),
        "each once, in order"
    );
    assert_eq!(impact.summary.members(), u64::try_from(seen.len()).unwrap());
    assert_eq!(impact.summary.now().challenge, 1);
    assert_eq!(impact.summary.then().enrol, impact.summary.members() - 1);
    assert!(impact.warnings.contains(Warning::SingleAdministrator));
    for member in &seen {
        let sign_in = SignIn::password(&site.project, &member.user);
        assert_eq!(
            fine(site.wait(site.service().explain(&sign_in))),
            member.now
        );
    }
    site.set(then);
    for member in &seen {
        let sign_in = SignIn::password(&site.project, &member.user);
        assert_eq!(
            fine(site.wait(site.service().explain(&sign_in))),
            member.then
        );
    }
}

/// How a directory lists its members.
#[derive(Clone, Copy)]
enum Lists {
    /// In an order of its own, as one that sorts by name would.
    Backwards,
    /// From the beginning on each call, as one that overlooks where it is to go on.
    Anew,
}

/// A directory that does so.
struct Odd<D>(D, Lists);

impl<D: Directory> Directory for Odd<D> {
    type Error = D::Error;

    async fn standing(
        &self,
        project: &ProjectId,
        user: &UserId,
    ) -> Result<Option<Standing>, D::Error> {
        self.0.standing(project, user).await
    }

    async fn project(&self, project: &ProjectId) -> Result<Option<Project>, D::Error> {
        self.0.project(project).await
    }

    async fn members(
        &self,
        project: &ProjectId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(UserId, Role)>, D::Error> {
        if matches!(self.1, Lists::Anew) {
            return self.0.members(project, None, limit).await;
        }
        let mut all = self.0.members(project, None, u32::MAX).await?;
        all.reverse();
        let after = all.iter().position(|(user, _)| Some(user) == after);
        let from = after.map_or(0, |at| at + 1);
        let limit = usize::try_from(limit).unwrap();
        Ok(all.into_iter().skip(from).take(limit).collect())
    }
}

#[test]
fn a_dry_run_is_right_whatever_the_order_of_members() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    crowd(&site);
    site.set(ProjectSettings::new());
    let then = ProjectSettings::mandatory_from(MANDATE);
    let (store, directory) = site.open();
    let backwards = service_over(
        store,
        Odd(directory, Lists::Backwards),
        &site.keyring(),
        &site.clock,
    );
    let (mut forward, mut back) = (Vec::new(), Vec::new());
    let method = SignInMethod::Password;
    let one = site
        .service()
        .impact(&site.project, &then, method, |member| forward.push(member));
    let one = fine(site.wait(one));
    let other = backwards.impact(&site.project, &then, method, |member| back.push(member));
    let other = fine(site.wait(other));
    back.reverse();
    assert_eq!((one, forward), (other, back));
}

#[test]
fn keys_and_audit_are_gone_through_to_the_end() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    crowd(&site);
    let phone = site.enrol(&site.ann);
    // A chain of more than a page: replays write an event each, five to a login.
    let mut events = site.events(&site.ann).len();
    while events <= 1_010 {
        let login = site.challenge(&site.ann);
        for _ in 0..5 {
            let used = site.answer(&login, &phone.code(site.now()));
            assert_eq!(
                twofa::testkit::reason(used),
                twofa::policy::Reason::CodeAlreadyUsed
            );
            events += 1;
        }
    }
    let records = fine(site.wait(site.service().audit_verify(None)));
    assert_eq!(records.first_bad, None);
    assert!(
        records.factors > 500 && records.events > records.factors + 1_000,
        "{records:?}"
    );
    site.activate_new_key();
    let rotated = site.another();
    let mut reports = Vec::new();
    let done = fine(site.wait(rotated.reseal(|so_far| reports.push(so_far))));
    assert_eq!(
        (done.seen, done.resealed),
        (records.factors, records.factors)
    );
    assert!(reports.len() > 2 && reports.windows(2).all(|pair| pair[0].seen <= pair[1].seen));
    let again = fine(site.wait(rotated.audit_verify(Some(&site.project))));
    let counts = |found: &twofa::Verification| (found.factors, found.events, found.bad);
    assert_eq!(counts(&again), counts(&records));
    let elsewhere = fine(site.wait(rotated.audit_verify(Some(&project("elsewhere")))));
    assert_eq!((elsewhere.factors, elsewhere.events), (0, 0));
}

#[test]
fn help_is_looked_for_among_all_members() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    crowd(&site);
    let last = user("zz-administrator");
    site.member(&last, Some(Role::Administrator));
    site.enrol(&last);
    site.enrol(&site.ann);
    let warnings = site.support_reset(&site.ann).unwrap().warnings();
    assert!(warnings.contains(Warning::AdministratorCouldReset));
}

/// A store whose lists begin anew on each call.
struct Stuck<S>(S);

impl<S: Store> Store for Stuck<S> {
    type Error = S::Error;

    async fn subjects(
        &self,
        project: Option<&ProjectId>,
        _: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, Self::Error> {
        self.0.subjects(project, None, limit).await
    }

    async fn chain(
        &self,
        subject: &Subject,
        _: u64,
        limit: u32,
    ) -> Result<Vec<SubjectEvent>, Self::Error> {
        self.0.chain(subject, 0, limit).await
    }

    forward_store! { self => self.0;
        load, resume, apply, drain, park, sweep, factors, orphans, remains, checkpoint, cut, events,
        horizon, latest, notices
    }
}

#[test]
fn a_list_that_stands_still_is_an_error_and_no_hang() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let stayed = crowd(&site);
    let phone = site.enrol(&stayed[0]);
    let login = site.challenge(&stayed[0]);
    for _ in 0..600 {
        let _ = site.answer(&login, &phone.code(site.now()));
    }
    let (store, directory) = site.open();
    let stuck = service_over(Stuck(store), directory, &site.keyring(), &site.clock);
    let code = |error: Option<twofa::Error>| error.map(|error| error.code());
    let repeated = Some("page-repeated");
    assert_eq!(code(site.wait(stuck.audit_verify(None)).err()), repeated);
    assert_eq!(code(site.wait(stuck.reseal(|_| {})).err()), repeated);
    assert_eq!(code(site.wait(stuck.list_keys()).err()), repeated);
    let (store, directory) = site.open();
    let stuck = service_over(
        store,
        Odd(directory, Lists::Anew),
        &site.keyring(),
        &site.clock,
    );
    let then = ProjectSettings::new();
    let impact = stuck.impact(&site.project, &then, SignInMethod::Password, |_| {});
    assert_eq!(code(site.wait(impact).err()), repeated);
    let reset = stuck.support_reset(&site.project, &stayed[0], "op", "T-1");
    assert_eq!(code(site.wait(reset).err()), repeated);
}
