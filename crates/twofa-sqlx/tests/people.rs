//! Projects and members are kept with the records: a hand in their tables is found, and a change beside the check is
//! no fault.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "bodies of tests that are called from two places"
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::{Fresh, at, operator, project, put_member, put_project, service, user};
use twofa::policy::{PasswordUnderSso, ProjectSettings, Role, Sso};
use twofa::{BadPlace, Check, Fault, Project, Subject, TwoFactor};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx;

on_both!(
    a_hand_among_settings_roles_and_members_is_found,
    who_was_removed_and_is_put_back_by_hand_is_found,
    a_project_of_the_version_before_is_taken_as_it_stands,
    a_change_beside_the_check_is_no_fault,
    of_two_who_change_one_row_none_is_lost,
);

type Service = TwoFactor<Database, Database>;

fn mandatory() -> Project {
    Project {
        settings: ProjectSettings::mandatory_from(at(1_669_852_800)),
        issuer: Some("Acme".into()),
    }
}

/// The project acme with its administrator and two members, and beta with one.
async fn people(database: &Database) -> Service {
    let (service, by) = (service(database), operator());
    for id in ["acme", "beta"] {
        service
            .add_project(&project(id), &mandatory(), &by)
            .await
            .unwrap();
    }
    for (id, name, role) in [
        ("acme", "ada", Role::Administrator),
        ("acme", "ann", Role::Member),
        ("acme", "zoe", Role::Member),
        ("beta", "ada", Role::Member),
    ] {
        let (id, name) = (project(id), user(name));
        service.add_member(&id, &name, role, &by).await.unwrap();
    }
    service
}

async fn by_hand(database: &Database, statement: &'static str) {
    let done = match database {
        Database::Sqlite(store) => sqlx::raw_sql(statement)
            .execute(store.pool())
            .await
            .map(drop),
        Database::Postgres(store) => sqlx::raw_sql(statement)
            .execute(store.pool())
            .await
            .map(drop),
        _ => panic!("tests run on both"),
    };
    done.unwrap();
}

async fn bad(service: &Service) -> Vec<(Subject, Fault)> {
    let mut found = Vec::new();
    let mut told = |bad: &BadPlace| found.push((bad.subject.clone(), bad.fault));
    let check = service.audit_check(&Check::default(), &mut told).await;
    let verified = check.unwrap();
    assert_eq!(verified.bad, found.len() as u64);
    found
}

async fn a_hand_among_settings_roles_and_members_is_found(fresh: Fresh) {
    let database = fresh.open().await;
    let service = people(&database).await;
    assert_eq!(bad(&service).await, []);
    let acme = Subject::project_itself(&project("acme"));
    let of = |name| Subject::member(&project("acme"), &user(name));
    for (hand, back, whose, fault) in [
        (
            "UPDATE twofa_project SET sso = 'exempt' WHERE project = 'acme'",
            "UPDATE twofa_project SET sso = 'off' WHERE project = 'acme'",
            acme.clone(),
            Fault::SettingsAltered,
        ),
        (
            "UPDATE twofa_project SET mandate_from = NULL WHERE project = 'acme'",
            "UPDATE twofa_project SET mandate_from = 1669852800 WHERE project = 'acme'",
            acme.clone(),
            Fault::SettingsAltered,
        ),
        (
            "UPDATE twofa_project SET issuer = 'Evil' WHERE project = 'acme'",
            "UPDATE twofa_project SET issuer = 'Acme' WHERE project = 'acme'",
            acme.clone(),
            Fault::SettingsAltered,
        ),
        (
            "UPDATE twofa_project SET step_up_age = 86400 WHERE project = 'acme'",
            "UPDATE twofa_project SET step_up_age = 300 WHERE project = 'acme'",
            acme.clone(),
            Fault::SettingsAltered,
        ),
        (
            "UPDATE twofa_member SET role = 'administrator' WHERE user_id = 'ann'",
            "UPDATE twofa_member SET role = 'member' WHERE user_id = 'ann'",
            of("ann"),
            Fault::MemberAltered,
        ),
        (
            "DELETE FROM twofa_member WHERE user_id = 'zoe'",
            "INSERT INTO twofa_member VALUES ('acme', 'zoe', 'member')",
            of("zoe"),
            Fault::MemberAltered,
        ),
        // Before all others, between them, and after them all.
        (
            "INSERT INTO twofa_member VALUES ('acme', 'AAA', 'administrator')",
            "DELETE FROM twofa_member WHERE user_id = 'AAA'",
            of("AAA"),
            Fault::MemberAltered,
        ),
        (
            "INSERT INTO twofa_member VALUES ('acme', 'mallory', 'administrator')",
            "DELETE FROM twofa_member WHERE user_id = 'mallory'",
            of("mallory"),
            Fault::MemberAltered,
        ),
        (
            "INSERT INTO twofa_member VALUES ('acme', 'zzz', 'member')",
            "DELETE FROM twofa_member WHERE user_id = 'zzz'",
            of("zzz"),
            Fault::MemberAltered,
        ),
    ] {
        by_hand(&database, hand).await;
        assert_eq!(bad(&service).await, [(whose, fault)], "{hand}");
        by_hand(&database, back).await;
        assert_eq!(bad(&service).await, [], "{back}");
    }
    by_hand(
        &database,
        "DELETE FROM twofa_member; UPDATE twofa_project SET sso = 'exempt'",
    )
    .await;
    assert_eq!(
        bad(&service).await.len(),
        6,
        "all of them, in both projects"
    );
    let acme = project("acme");
    let one = service.audit_verify(Some(&acme)).await.unwrap();
    assert_eq!(one.bad, 4, "those of {acme} alone");
}

async fn who_was_removed_and_is_put_back_by_hand_is_found(fresh: Fresh) {
    let database = fresh.open().await;
    let service = people(&database).await;
    let (acme, by) = (project("acme"), operator());
    let settings = mandatory().settings;
    let set = Project {
        settings: settings.with_sso(Sso::On(PasswordUnderSso::Exempt)),
        ..mandatory()
    };
    service.set_project(&acme, &set, &by).await.unwrap();
    let ann = user("ann");
    service.remove_member(&acme, &ann, &by).await.unwrap();
    assert_eq!(bad(&service).await, []);
    let back = "INSERT INTO twofa_member VALUES ('acme', 'ann', 'member')";
    by_hand(&database, back).await;
    let ann = Subject::member(&acme, &ann);
    assert_eq!(bad(&service).await, [(ann, Fault::MemberAltered)]);
}

async fn a_project_of_the_version_before_is_taken_as_it_stands(fresh: Fresh) {
    let database = fresh.open().await;
    let (service, by) = (service(&database), operator());
    let (acme, ann, zoe) = (project("acme"), user("ann"), user("zoe"));
    put_project(&database, &acme, mandatory().settings).await;
    put_member(&database, &acme, &ann, Some(Role::Member)).await;
    put_member(&database, &acme, &zoe, Some(Role::Administrator)).await;
    // What nobody keeps with the record cannot be compared, and goes on as it did.
    service
        .set_role(&acme, &ann, Role::Administrator, &by)
        .await
        .unwrap();
    put_member(&database, &acme, &ann, Some(Role::Member)).await;
    assert_eq!(bad(&service).await, []);

    assert_eq!(service.adopt_project(&acme, &by).await.unwrap(), Some(2));
    assert_eq!(bad(&service).await, []);
    assert_eq!(
        service.adopt_project(&acme, &by).await.unwrap(),
        None,
        "once"
    );
    put_member(&database, &acme, &ann, Some(Role::Administrator)).await;
    put_member(&database, &acme, &user("mallory"), Some(Role::Member)).await;
    put_project(&database, &acme, ProjectSettings::new()).await;
    let of = |name: &str| Subject::member(&acme, &user(name));
    assert_eq!(
        bad(&service).await,
        [
            (Subject::project_itself(&acme), Fault::SettingsAltered),
            (of("ann"), Fault::MemberAltered),
            (of("mallory"), Fault::MemberAltered),
        ]
    );
}

async fn a_change_beside_the_check_is_no_fault(fresh: Fresh) {
    let database = fresh.open().await;
    let service = people(&database).await;
    let over = AtomicBool::new(false);
    let changes = async {
        let (acme, by) = (project("acme"), operator());
        let (ann, new) = (user("ann"), user("new"));
        let mut changed = 0_u32;
        while !over.load(Ordering::Relaxed) {
            let age = changed % 300;
            let set = Project {
                settings: mandatory().settings.with_step_up_age(age),
                ..mandatory()
            };
            service.set_project(&acme, &set, &by).await.unwrap();
            let role = if changed.is_multiple_of(2) {
                Role::Administrator
            } else {
                Role::Member
            };
            service.set_role(&acme, &ann, role, &by).await.unwrap();
            service.add_member(&acme, &new, role, &by).await.unwrap();
            service.remove_member(&acme, &new, &by).await.unwrap();
            changed += 1;
        }
        changed
    };
    let checks = async {
        for _ in 0..40 {
            assert_eq!(bad(&service).await, []);
        }
        over.store(true, Ordering::Relaxed);
    };
    let (rounds, ()) = tokio::join!(changes, checks);
    assert!(rounds > 0, "nothing was changed meanwhile");
}

async fn of_two_who_change_one_row_none_is_lost(fresh: Fresh) {
    let database = fresh.open().await;
    let service = people(&database).await;
    let (acme, by) = (project("acme"), operator());
    let names: Vec<_> = (0..20).map(|n| user(&format!("new{n}"))).collect();
    let add = async || {
        let mut added = 0;
        for name in &names {
            match service.add_member(&acme, name, Role::Member, &by).await {
                Ok(()) => added += 1,
                Err(error) => assert_eq!(error.code(), "duplicate-member"),
            }
        }
        added
    };
    let (one, two, three) = tokio::join!(add(), add(), add());
    assert_eq!(one + two + three, names.len(), "each was added once");
    assert_eq!(bad(&service).await, []);
}
