//! Projects and members, on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "bodies of tests that are called from two places"
)]

mod support;

use support::{Fresh, at, operator, project, service, user};
use twofa::policy::{Handover, Mandate, PasswordUnderSso, ProjectSettings, Role, SelfReset, Sso};
use twofa::types::UnixTime;
use twofa::{Directory, Error, Project};

on_both!(
    settings_come_back_as_they_were_set,
    members_and_roles,
    lists_are_paged_by_bytes,
);

fn plain() -> Project {
    Project {
        settings: ProjectSettings::default(),
        issuer: None,
    }
}

async fn settings_come_back_as_they_were_set(fresh: Fresh) {
    let store = fresh.open().await;
    let (service, by) = (service(&store), operator());
    let acme = project("acme");
    assert_eq!(store.project(&acme).await.unwrap(), None);
    assert_eq!(store.standing(&acme, &user("zoe")).await.unwrap(), None);
    let error = service.set_project(&acme, &plain(), &by).await.unwrap_err();
    assert!(matches!(error, Error::UnknownProject(p) if *p == acme));

    service.add_project(&acme, &plain(), &by).await.unwrap();
    assert_eq!(store.project(&acme).await.unwrap(), Some(plain()));
    let mandates = [
        Mandate::Optional,
        Mandate::From(UnixTime::EPOCH),
        Mandate::From(at(1_669_852_800)),
        Mandate::From(UnixTime::MAX),
    ];
    let ssos = [
        Sso::Off,
        Sso::On(PasswordUnderSso::Exempt),
        Sso::On(PasswordUnderSso::Challenge),
        Sso::On(PasswordUnderSso::Refuse),
    ];
    for mandate in mandates {
        for sso in ssos {
            for (handover, self_reset, age) in [
                (Handover::NotRequired, SelfReset::Allowed, 0),
                (Handover::Required, SelfReset::Refused, 86_400),
            ] {
                let set = Project {
                    settings: ProjectSettings::new()
                        .with_mandate(mandate)
                        .with_sso(sso)
                        .with_handover(handover)
                        .with_self_reset(self_reset)
                        .with_step_up_age(age),
                    issuer: (age == 0).then(|| "Ünïcode & Söhne".into()),
                };
                service.set_project(&acme, &set, &by).await.unwrap();
                assert_eq!(store.project(&acme).await.unwrap().unwrap(), set);
            }
        }
    }
    let before = store.project(&acme).await.unwrap();
    let error = service.add_project(&acme, &plain(), &by).await.unwrap_err();
    assert!(matches!(error, Error::DuplicateProject(p) if *p == acme));
    assert_eq!(store.project(&acme).await.unwrap(), before);
    assert_eq!(service.audit_verify(None).await.unwrap().first_bad, None);
}

async fn members_and_roles(fresh: Fresh) {
    let store = fresh.open().await;
    let (service, by) = (service(&store), operator());
    let (acme, beta, zoe) = (project("acme"), project("beta"), user("zoe"));
    let error = service
        .add_member(&acme, &zoe, Role::Member, &by)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::UnknownProject(p) if *p == acme));
    service.add_project(&acme, &plain(), &by).await.unwrap();
    service.add_project(&beta, &plain(), &by).await.unwrap();
    let role = async |p| store.standing(p, &zoe).await.unwrap().unwrap().role;

    assert_eq!(role(&acme).await, None);
    service
        .add_member(&acme, &zoe, Role::Administrator, &by)
        .await
        .unwrap();
    assert_eq!(role(&acme).await, Some(Role::Administrator));
    assert_eq!(
        role(&beta).await,
        None,
        "an administrator of one project is nobody in another"
    );
    let error = service
        .add_member(&acme, &zoe, Role::Member, &by)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DuplicateMember(who) if who.user() == Some(&zoe)));
    assert_eq!(role(&acme).await, Some(Role::Administrator));
    service
        .set_role(&acme, &zoe, Role::Member, &by)
        .await
        .unwrap();
    assert_eq!(role(&acme).await, Some(Role::Member));
    service.remove_member(&acme, &zoe, &by).await.unwrap();
    assert_eq!(role(&acme).await, None);
    for error in [
        service.remove_member(&acme, &zoe, &by).await.unwrap_err(),
        service
            .set_role(&acme, &zoe, Role::Member, &by)
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::UnknownMember(who) if who.user() == Some(&zoe)));
    }
}

async fn lists_are_paged_by_bytes(fresh: Fresh) {
    let store = fresh.open().await;
    let (service, by) = (service(&store), operator());
    let mut names = [
        "acme",
        "Acme",
        "ácme",
        "a\u{301}cme",
        "zeta",
        "😀",
        "\u{e000}",
    ];
    for name in names {
        service
            .add_project(&project(name), &plain(), &by)
            .await
            .unwrap();
        service
            .add_member(&project("acme"), &user(name), Role::Member, &by)
            .await
            .unwrap();
    }
    names.sort_unstable();
    for limit in [1, 3, 100] {
        let mut projects = Vec::new();
        loop {
            let page = store.list_projects(projects.last(), limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            projects.extend(page.into_iter().map(|(id, _)| id));
        }
        assert_eq!(
            projects.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
            names
        );
        let mut members = Vec::new();
        loop {
            let acme = project("acme");
            let page = store.members(&acme, members.last(), limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            members.extend(page.into_iter().map(|(id, _)| id));
        }
        assert_eq!(
            members.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
            names
        );
    }
}
