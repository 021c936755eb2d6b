//! An operator who changes settings, roles and members all the time, and what must hold of them after a death.

use twofa::lifecycle::Actor;
use twofa::policy::{ProjectSettings, Role};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Directory, Keyring, Project, Store, Subject, TwoFactor};
use twofa_sqlx::Database;

type Service = TwoFactor<Database, Database>;

/// How many change members, each others than the rest; one more changes the settings.
const HANDS: usize = 3;

pub(crate) fn project() -> ProjectId {
    "acme".parse().unwrap()
}

fn user(n: usize) -> UserId {
    format!("person{n}@example.com").parse().unwrap()
}

fn operator() -> Actor {
    Actor::operator("grace".parse().unwrap())
}

fn rules(age: u32) -> Project {
    Project {
        settings: ProjectSettings::mandatory_from(UnixTime::EPOCH).with_step_up_age(age),
        issuer: None,
    }
}

fn service(database: &Database, keys: &str) -> Service {
    let keyring = Keyring::from_text(keys).unwrap();
    TwoFactor::builder(database.clone(), database.clone(), keyring)
        .build()
        .unwrap()
}

/// Makes the project, and says its keys.
pub(crate) async fn set_up(database: &Database) -> String {
    let keys = Keyring::generate().unwrap().to_text().to_string();
    let service = service(database, &keys);
    service
        .add_project(&project(), &rules(0), &operator())
        .await
        .unwrap();
    keys
}

/// Changes all there is until it is killed, and tells of each change.
pub(crate) async fn change(
    database: Database,
    keys: String,
    told: impl Fn() + Clone + Send + 'static,
) {
    let mut tasks = Vec::new();
    for n in 0..HANDS {
        let (service, told) = (service(&database, &keys), told.clone());
        tasks.push(tokio::spawn(async move {
            let (acme, user, by) = (project(), user(n), operator());
            drop(service.remove_member(&acme, &user, &by).await);
            loop {
                let added = service.add_member(&acme, &user, Role::Member, &by);
                added.await.unwrap();
                told();
                let set = service.set_role(&acme, &user, Role::Administrator, &by);
                set.await.unwrap();
                told();
                service.remove_member(&acme, &user, &by).await.unwrap();
                told();
            }
        }));
    }
    let service = service(&database, &keys);
    tasks.push(tokio::spawn(async move {
        for age in (0..300).cycle() {
            let (acme, rules, by) = (project(), rules(age), operator());
            service.set_project(&acme, &rules, &by).await.unwrap();
            told();
        }
    }));
    for task in tasks {
        task.await.unwrap();
    }
}

/// No row without its event, and no event without its row. Says how many events there are.
pub(crate) async fn check(database: &Database, keys: &str) -> u64 {
    let verified = service(database, keys).audit_verify(None).await.unwrap();
    assert_eq!(verified.first_bad, None);
    for n in 0..HANDS {
        let subject = Subject::member(&project(), &user(n));
        let standing = database.standing(&project(), &user(n)).await.unwrap();
        let last = last(database, &subject).await;
        let said = match last.as_ref().map(|(event, _)| event.as_str()) {
            Some("member-added") => Some(Role::Member),
            Some("role-changed") => Some(Role::Administrator),
            Some("member-removed") | None => None,
            Some(other) => panic!("{other}"),
        };
        assert_eq!(standing.unwrap().role, said, "{n}: {last:?}");
    }
    let (_, detail) = last(database, &Subject::project_itself(&project()))
        .await
        .unwrap();
    let rules = database.project(&project()).await.unwrap().unwrap();
    assert!(detail.ends_with(&rules.settings.to_string()), "{detail}");
    verified.events
}

/// The last event of a chain, and its detail.
async fn last(database: &Database, subject: &Subject) -> Option<(String, String)> {
    let end = database.load(subject).await.unwrap().last_event;
    let page = database
        .chain(subject, end.saturating_sub(1), 9)
        .await
        .unwrap();
    let event = page.into_iter().next_back()?;
    Some((event.row.event, event.row.detail.unwrap_or_default()))
}
