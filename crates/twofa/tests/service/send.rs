//! Every future of the service can move between threads.

use twofa::lifecycle::Actor;
use twofa::otpauth::KeyUri;
use twofa::policy::{Changer, ProjectSettings, SignInMethod};
use twofa::types::{ProjectId, UserId};
use twofa::{
    Attempt, Check, Directory, EventQuery, Events, LoginId, Proof, SignIn, Store, Subject,
    TwoFactor,
};

fn sent<T: Send>(_: T) {}

/// Compiled and never called: whether it compiles is the test.
#[expect(dead_code, reason = "compiling is the test")]
fn all_futures_are_send<S: Store, D: Directory>(
    service: &TwoFactor<S, D>,
    (project, user, subject): (&ProjectId, &UserId, &Subject),
    (login, proof, uri): (&LoginId, &Proof, &KeyUri),
    settings: ProjectSettings,
    actor: &Actor,
) {
    let sign_in = SignIn::password(project, user);
    sent(service.explain(&sign_in));
    sent(service.begin(sign_in.clone()));
    sent(service.answer(Attempt::new(login, "123456")));
    sent(service.recheck(proof));
    sent(service.replace(proof));
    sent(service.factors(proof, Some(user), 10));
    sent(service.reset(proof, user));
    sent(service.support_reset(project, user, "op", "T-1"));
    sent(service.impact(project, &settings, SignInMethod::Password, |_| {}));
    sent(service.events(Events::Person(project, user), 0, 10));
    sent(service.latest_events(project, &EventQuery::default(), 10));
    sent(service.audit_check(&Check::default(), &mut |_| {}));
    sent(service.audit_verify(Some(project)));
    sent(service.notices(project, 0, 10));
    sent(service.sweep(10));
    sent(service.reseal(|_| {}));
    sent(service.import(project, user, uri, actor));
    sent(service.check_keyring());
    sent(service.settings_changed(project, settings, settings, Changer::Operator, Some(actor)));
    sent(service.store().load(subject));
}

#[test]
fn a_service_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<TwoFactor<twofa::MemoryStore, twofa::MemoryDirectory>>();
    moved::<twofa::LoginPass>();
    moved::<twofa::Enrolment>();
    moved::<twofa::Error>();
}

/// As an application with tokio calls it.
#[tokio::test(flavor = "multi_thread")]
async fn answers_may_be_given_by_spawned_tasks() {
    use std::sync::Arc;
    use twofa::testkit::{MANDATE, START, set_up};
    use twofa::{Answer, Keyring, MemoryDirectory, MemoryStore};

    let (project, user): (ProjectId, UserId) = ("acme".parse().unwrap(), "ann".parse().unwrap());
    let directory = MemoryDirectory::new();
    directory.set_project(&project, ProjectSettings::mandatory_from(MANDATE));
    directory.set_member(&project, &user, twofa::policy::Role::Member);
    let keyring = Keyring::generate().unwrap();
    let service = TwoFactor::builder(MemoryStore::new(), directory, keyring).clock(|| START);
    let service = Arc::new(service.build().unwrap());
    let set_up = set_up(
        service
            .begin(SignIn::password(&project, &user))
            .await
            .unwrap(),
    );
    let code = twofa::testkit::Authenticator::scan(&set_up).code(START);
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (service, login, code) =
                (Arc::clone(&service), set_up.login().clone(), code.clone());
            tokio::spawn(async move { service.answer(Attempt::new(&login, &code)).await })
        })
        .collect();
    let mut passes = 0;
    for task in tasks {
        passes += i32::from(matches!(task.await.unwrap().unwrap(), Answer::Accepted(_)));
    }
    assert_eq!(passes, 1, "64 tasks, one code, one session");
}
