//! Pages: in order, joined without a gap, never longer than asked.

use twofa_lifecycle::SummaryState;
use twofa_types::UserId;

use super::values::{Draft, member};
use super::{commit, open, wait};
use crate::testkit::harness::Harness;
use crate::testkit::site::{project, user};
use crate::{Directory, RecordRow, Store, Subject, SubjectEvent};

/// Every page that `next` gives, joined; each is asked for with the last entry of the one before.
fn pages<T: Clone>(limit: usize, mut next: impl FnMut(Option<&T>) -> Vec<T>) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let page = next(all.last());
        assert!(
            page.len() <= limit,
            "broken promise: a page of {limit} has {}",
            page.len()
        );
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Factors are listed by user id, page by page, within one project, without those that never were.
pub fn factors_are_listed_in_pages<H: Harness>(harness: &H) {
    let store = open(harness);
    let acme = project("acme");
    let states = [
        SummaryState::Active,
        SummaryState::Pending,
        SummaryState::Reset,
    ];
    for number in 0..25_usize {
        let subject = member("acme", &format!("user-{number:02}"));
        let state = states
            .get(number % 3)
            .copied()
            .unwrap_or(SummaryState::Active);
        commit(
            harness,
            &store,
            &Draft::new(&subject, 0).state(state).change(),
        );
    }
    commit(
        harness,
        &store,
        &Draft::new(&member("acmf", "user-99"), 0).change(),
    );
    let never = Draft::new(&member("acme", "user-10x"), 0).state(SummaryState::None);
    commit(harness, &store, &never.change());
    let itself = Subject::project_itself(&acme);
    commit(
        harness,
        &store,
        &Draft::new(&itself, 0).state(SummaryState::None).change(),
    );

    let expected: Vec<_> = (0..25).map(|number| format!("user-{number:02}")).collect();
    for limit in [1, 7, 25, 100] {
        let rows = pages(limit, |last: Option<&crate::FactorRow>| {
            let limit = u32::try_from(limit).unwrap_or(1);
            wait(
                harness,
                store.factors(&acme, last.map(|row| &row.user), limit),
            )
        });
        let users: Vec<_> = rows.iter().map(|row| row.user.as_str()).collect();
        assert_eq!(
            users, expected,
            "broken promise: each factor once, in order (pages of {limit})"
        );
    }
    let nobody = wait(harness, store.factors(&acme, Some(&user("zzz")), 9));
    assert!(
        nobody.is_empty(),
        "broken promise: after the last there is none"
    );
}

/// Records are listed with their subjects, the project's own first, of one project or of all.
pub fn subjects_are_listed_in_pages<H: Harness>(harness: &H) {
    let store = open(harness);
    let mut expected = Vec::new();
    for project_id in ["acme", "acme 2", "Zeta"] {
        expected.push(Subject::project_itself(&project(project_id)));
        for user_id in ["ann", "bob", "ünal"] {
            expected.push(member(project_id, user_id));
        }
    }
    for subject in expected.iter().rev() {
        commit(
            harness,
            &store,
            &Draft::new(subject, 0)
                .record(subject.user_key().as_bytes())
                .change(),
        );
    }
    expected.sort_unstable();
    for limit in [1, 3, 5, 100] {
        let page = u32::try_from(limit).unwrap_or(1);
        let found = pages(limit, |last: Option<&RecordRow>| {
            wait(
                harness,
                store.subjects(None, last.map(|row| &row.subject), page),
            )
        });
        for RecordRow {
            subject, stored, ..
        } in &found
        {
            assert_eq!(
                stored.record,
                subject.user_key().as_bytes(),
                "broken promise: its record"
            );
        }
        let found: Vec<_> = found.into_iter().map(|row| row.subject).collect();
        assert_eq!(
            found, expected,
            "broken promise: every subject once, in order"
        );

        let acme = project("acme");
        let found = pages(limit, |last: Option<&RecordRow>| {
            wait(
                harness,
                store.subjects(Some(&acme), last.map(|row| &row.subject), page),
            )
        });
        let found: Vec<_> = found.into_iter().map(|row| row.subject).collect();
        let of_acme: Vec<_> = expected
            .iter()
            .filter(|s| s.project() == Some(&acme))
            .cloned()
            .collect();
        assert_eq!(
            found, of_acme,
            "broken promise: one project's subjects and no others"
        );
    }
    assert!(
        wait(harness, store.orphans(None, None, 9)).is_empty(),
        "broken promise: none is an orphan"
    );
}

/// A chain is read in the order of its numbers, from any of them on.
pub fn a_chain_is_read_in_pages<H: Harness>(harness: &H) {
    let store = open(harness);
    let (ann, bob) = (member("acme", "ann"), member("acme", "bob"));
    for number in 0..10 {
        let first = 3 * number + 1;
        commit(
            harness,
            &store,
            &Draft::new(&ann, number).events(first..=first + 2).change(),
        );
        commit(
            harness,
            &store,
            &Draft::new(&bob, number)
                .events(number + 1..=number + 1)
                .change(),
        );
    }
    for limit in [1, 4, 30, 100] {
        let page = u32::try_from(limit).unwrap_or(1);
        let rows = pages(limit, |last: Option<&SubjectEvent>| {
            wait(
                harness,
                store.chain(&ann, last.map_or(0, |event| event.row.seq), page),
            )
        });
        let seqs: Vec<_> = rows.iter().map(|event| event.row.seq).collect();
        assert_eq!(
            seqs,
            (1..=30).collect::<Vec<_>>(),
            "broken promise: no gap, nobody else's"
        );
    }
    assert_eq!(
        wait(harness, store.chain(&ann, 28, 9)).len(),
        2,
        "broken promise: from the middle"
    );
}

/// A project's events, and its notices, are read in the order of writing, by cursors that grow.
pub fn notices_are_read_in_order<H: Harness>(harness: &H) {
    let store = open(harness);
    let acme = project("acme");
    let people = [
        member("acme", "zoe"),
        member("acme", "ann"),
        Subject::project_itself(&acme),
    ];
    let mut written = Vec::new();
    for number in 0..5 {
        for subject in &people {
            let first = 2 * number + 1;
            commit(
                harness,
                &store,
                &Draft::new(subject, number)
                    .events(first..=first + 1)
                    .change(),
            );
            written.extend([(subject.clone(), first), (subject.clone(), first + 1)]);
            if let Some(user) = subject.user() {
                let elsewhere = member("other", user.as_str());
                let change = Draft::new(&elsewhere, number).events(first..=first + 1);
                commit(harness, &store, &change.change());
            }
        }
    }
    let notices: Vec<_> = written
        .iter()
        .filter(|(_, seq)| seq % 2 == 0)
        .cloned()
        .collect();
    let read = |limit: usize, only: bool| {
        let page = u32::try_from(limit).unwrap_or(1);
        let cursor = |event: &SubjectEvent| {
            let notice = event.notice.filter(|_| only);
            notice.unwrap_or(event.cursor)
        };
        let found = pages(limit, |last: Option<&SubjectEvent>| {
            let after = last.map_or(0, cursor);
            if only {
                wait(harness, store.notices(&acme, after, page))
            } else {
                wait(harness, store.events(Some(&acme), after, page))
            }
        });
        let cursors: Vec<_> = found.iter().map(cursor).collect();
        assert!(
            cursors
                .windows(2)
                .all(|pair| matches!(pair, [one, next] if one < next)),
            "broken promise: cursors grow: {cursors:?}"
        );
        let named = |event: SubjectEvent| (event.subject, event.row.seq);
        found.into_iter().map(named).collect::<Vec<_>>()
    };
    for limit in [1, 4, 100] {
        assert_eq!(
            read(limit, false),
            written,
            "broken promise: events in the order of writing"
        );
        assert_eq!(
            read(limit, true),
            notices,
            "broken promise: notices in the order of writing"
        );
    }
}

/// The directory's members are listed by user id, page by page; standing and project agree with them.
pub fn members_are_listed_in_pages<H: Harness>(harness: &H) {
    use twofa_policy::{ProjectSettings, Role};
    let (_, directory) = harness.block_on(harness.open());
    let acme = project("acme");
    let settings = ProjectSettings::new().with_step_up_age(77);
    assert!(
        wait(harness, directory.project(&acme)).is_none(),
        "broken promise: no such project"
    );
    assert!(wait(harness, directory.standing(&acme, &user("a"))).is_none());
    harness.block_on(harness.put_project(&acme, settings));
    harness.block_on(harness.put_project(&project("other"), ProjectSettings::new()));
    let mut ids: Vec<String> = (0..20).map(|number| format!("user-{number:02}")).collect();
    ids.extend(super::values::TEXTS.map(str::to_owned));
    for id in &ids {
        harness.block_on(harness.put_member(&acme, &user(id), Some(Role::Member)));
    }
    harness.block_on(harness.put_member(&acme, &user("user-03"), Some(Role::Administrator)));
    harness.block_on(harness.put_member(&acme, &user("user-07"), None));
    ids.retain(|id| id != "user-07");
    ids.sort_unstable();
    for limit in [1, 6, 100] {
        let page = u32::try_from(limit).unwrap_or(1);
        let found = pages(limit, |last: Option<&(UserId, Role)>| {
            wait(
                harness,
                directory.members(&acme, last.map(|(user, _)| user), page),
            )
        });
        for (user, role) in &found {
            let expected = if user.as_str() == "user-03" {
                Role::Administrator
            } else {
                Role::Member
            };
            assert_eq!(*role, expected, "broken promise: the role of {user}");
        }
        let found: Vec<_> = found.iter().map(|(user, _)| user.as_str()).collect();
        assert_eq!(
            found, ids,
            "broken promise: every member once, by the bytes of their ids"
        );
    }
    let standing = |id: &str| {
        let standing = wait(harness, directory.standing(&acme, &user(id)));
        standing.map(|standing| (standing.project.settings, standing.role))
    };
    assert_eq!(
        standing("user-03"),
        Some((settings, Some(Role::Administrator)))
    );
    assert_eq!(
        standing("user-07"),
        Some((settings, None)),
        "broken promise: no longer a member"
    );
    let found = wait(harness, directory.project(&acme)).map(|found| found.settings);
    assert_eq!(found, Some(settings), "broken promise: settings are kept");
}
