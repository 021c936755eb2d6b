//! Trouble between service, store and directory: each an error of its own, none a pass.

use std::convert::Infallible;
use std::sync::Arc;

use twofa::policy::{ProjectSettings, Role, SignInMethod};
use twofa::testkit::{Fault, FaultyStore, MemoryHarness, Site, fine, project, service_over, user};
use twofa::types::{ProjectId, UserId};
use twofa::{
    Attempt, Directory, Error, Keyring, MemoryStore, Project, SignIn, Standing, TwoFactor,
};

#[test]
fn f27_every_call_of_every_operation_may_fail() {
    type Faulty = TwoFactor<FaultyStore<Arc<MemoryStore>>, Arc<twofa::MemoryDirectory>>;
    type Operation = fn(&Site<'_, MemoryHarness>, &Faulty, &twofa::Proof) -> Result<(), Error>;
    let operations: [(&str, Operation); 12] = [
        ("begin", |s, f, _| {
            s.wait(f.begin(SignIn::password(&s.project, &s.bob)))
                .map(drop)
        }),
        ("explain", |s, f, _| {
            s.wait(f.explain(&SignIn::password(&s.project, &s.ann)))
                .map(drop)
        }),
        ("recheck", |s, f, p| s.wait(f.recheck(p)).map(drop)),
        ("factors", |s, f, p| s.wait(f.factors(p, None, 9)).map(drop)),
        ("reset", |s, f, p| s.wait(f.reset(p, &s.ann)).map(drop)),
        ("support reset", |s, f, _| {
            s.wait(f.support_reset(&s.project, &s.bob, "op", "T"))
                .map(drop)
        }),
        ("replace", |s, f, p| s.wait(f.replace(p)).map(drop)),
        ("impact", |s, f, _| {
            let then = ProjectSettings::new();
            s.wait(f.impact(&s.project, &then, SignInMethod::Password, |_| {}))
                .map(drop)
        }),
        ("audit", |s, f, _| {
            s.wait(f.events(twofa::Events::All, 0, 9)).map(drop)
        }),
        ("verify", |s, f, _| s.wait(f.audit_verify(None)).map(drop)),
        ("reseal", |s, f, _| s.wait(f.reseal(|_| {})).map(drop)),
        ("check keyring", |s, f, _| {
            s.wait(f.check_keyring()).map(drop)
        }),
    ];
    for (what, operation) in operations {
        for fault in [Fault::Before, Fault::After] {
            let mut failed = 0;
            for call in 1..20 {
                let harness = MemoryHarness::default();
                let site = Site::new(&harness);
                let admin = site.enrol(&site.ada);
                site.enrol(&site.ann);
                let proof = site.sign_in(&site.ada, &admin);
                let _set_up = site.set_up(&site.bob);
                let (store, directory) = site.open();
                let store = FaultyStore::new(store);
                let faulty = service_over(store, directory, &site.keyring(), &site.clock);
                faulty.store().fail_call(call, fault);
                let result = operation(&site, &faulty, &proof);
                if faulty.store().calls() < call {
                    assert!(result.is_ok(), "{what} without trouble: {result:?}");
                    break;
                }
                failed += 1;
                let error = result.expect_err("a failed call is no success");
                assert!(
                    matches!(error, Error::Store(_)),
                    "{what}, call {call}: {error:?}"
                );
                assert_eq!(error.code(), "store");
                site.audit_is_whole();
                faulty.store().heal();
                // Again without trouble: what was asked for happens, or had happened.
                let again = operation(&site, &faulty, &proof);
                assert!(again.is_ok(), "{what} again: {again:?}");
                site.audit_is_whole();
            }
            assert!(failed > 0, "{what} calls the store");
        }
    }
}

/// Another writer is always first.
struct Contended(Arc<MemoryStore>);

impl twofa::Store for Contended {
    type Error = twofa::MemoryStoreError;

    async fn apply(&self, _: &twofa::Change) -> Result<twofa::Applied, Self::Error> {
        Ok(twofa::Applied::Conflict)
    }

    twofa::forward_store! { self => self.0;
        load, resume, park, sweep, factors, subjects, orphans, remains, chain, checkpoint, cut,
        events, horizon, latest, notices
    }
}

#[test]
fn a_write_that_is_always_lost_is_an_error_in_the_end() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    let login = site.challenge(&site.ann);
    let (store, directory) = site.open();
    let contended = service_over(Contended(store), directory, &site.keyring(), &site.clock);
    let code = phone.code(site.now());
    let results = [
        site.wait(contended.answer(Attempt::new(&login, &code)))
            .map(drop),
        site.wait(contended.begin(SignIn::password(&site.project, &site.bob)))
            .map(drop),
        site.wait(contended.reset(&proof, &site.ann)).map(drop),
        site.wait(contended.support_reset(&site.project, &site.ann, "op", "T"))
            .map(drop),
        site.wait(contended.replace(&proof)).map(drop),
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(error.code(), "contended");
        let Error::Contended { attempts } = error else {
            panic!("contended");
        };
        let most = TwoFactor::<MemoryStore, twofa::MemoryDirectory>::MAX_TRIES;
        assert_eq!(attempts, most);
    }
    let _pass = twofa::testkit::accepted(site.answer(&login, &code));
}

/// A directory that fails, or that knows nothing.
struct Deaf;

#[derive(Debug, thiserror::Error)]
#[error("nobody answers")]
struct NobodyAnswers;

impl Directory for Deaf {
    type Error = NobodyAnswers;

    async fn standing(&self, _: &ProjectId, _: &UserId) -> Result<Option<Standing>, Self::Error> {
        Err(NobodyAnswers)
    }

    async fn project(&self, _: &ProjectId) -> Result<Option<Project>, Self::Error> {
        Err(NobodyAnswers)
    }

    async fn members(
        &self,
        _: &ProjectId,
        _: Option<&UserId>,
        _: u32,
    ) -> Result<Vec<(UserId, Role)>, Self::Error> {
        Err(NobodyAnswers)
    }
}

#[test]
fn trouble_with_the_directory_is_an_error() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    let login = site.challenge(&site.ann);
    let deaf = service_over(site.open().0, Deaf, &site.keyring(), &site.clock);
    let code = phone.code(site.now());
    let then = ProjectSettings::new();
    let results = [
        site.wait(deaf.answer(Attempt::new(&login, &code)))
            .map(drop),
        site.wait(deaf.begin(SignIn::password(&site.project, &site.ann)))
            .map(drop),
        site.wait(deaf.recheck(&proof)).map(drop),
        site.wait(deaf.factors(&proof, None, 9)).map(drop),
        site.wait(deaf.reset(&proof, &site.ann)).map(drop),
        site.wait(deaf.support_reset(&site.project, &site.ann, "op", "T"))
            .map(drop),
        site.wait(deaf.replace(&proof)).map(drop),
        site.wait(deaf.impact(&site.project, &then, SignInMethod::Password, |_| {}))
            .map(drop),
        site.wait(deaf.notices(&site.project, 0, 9)).map(drop),
        site.wait(deaf.events(twofa::Events::Project(&site.project), 0, 9))
            .map(drop),
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(error.code(), "directory");
        assert!(error.to_string().contains("nobody answers"), "{error}");
    }
    assert_eq!(site.count(&site.ann, "failed"), 0);
    let _pass = twofa::testkit::accepted(site.answer(&login, &code));
}

#[test]
fn unknown_projects_and_strangers_are_errors() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let login = site.challenge(&site.ann);
    let nowhere = project("nowhere");
    let stranger = user("stranger@example.com");
    let code = |result: Result<twofa::Begin, Error>| result.map(drop).map_err(|error| error.code());
    let begin =
        |project, user| code(site.wait(site.service().begin(SignIn::password(project, user))));
    assert_eq!(begin(&nowhere, &site.ann), Err("unknown-project"));
    assert_eq!(begin(&site.project, &stranger), Err("unknown-member"));
    assert_eq!(
        code(site.wait(site.service().begin(SignIn::sso(&nowhere, &site.ann)))),
        Err("unknown-project")
    );
    site.member(&site.ann, None);
    let answered = site.try_answer(&login, &phone.code(site.now())).map(drop);
    assert_eq!(
        answered.map_err(|error| error.code()),
        Err("unknown-member"),
        "who left, left"
    );
    let store = site.open().0;
    let found = fine(site.wait(twofa::Store::subjects(&store, Some(&nowhere), None, 9)));
    assert!(found.is_empty(), "made-up names leave no records");
}

#[test]
fn a_service_is_not_built_for_an_issuer_that_no_uri_holds() {
    for issuer in ["", "a:b", "tab\there", " spaced "] {
        let keyring = Keyring::generate().unwrap();
        let builder = TwoFactor::builder(MemoryStore::new(), Deaf, keyring);
        let error = builder.issuer(issuer).build().unwrap_err();
        assert_eq!(error.code(), "key-uri", "{issuer:?}");
    }
}

/// A project's own issuer, which the directory may have of any kind.
struct Issuer(&'static str);

impl Directory for Issuer {
    type Error = Infallible;

    async fn standing(&self, _: &ProjectId, _: &UserId) -> Result<Option<Standing>, Infallible> {
        let settings = ProjectSettings::mandatory_from(twofa::testkit::MANDATE);
        let issuer = Some(self.0.to_owned());
        Ok(Some(Standing {
            project: Project { settings, issuer },
            role: Some(Role::Member),
        }))
    }

    async fn project(&self, _: &ProjectId) -> Result<Option<Project>, Infallible> {
        Ok(None)
    }

    async fn members(
        &self,
        _: &ProjectId,
        _: Option<&UserId>,
        _: u32,
    ) -> Result<Vec<(UserId, Role)>, Infallible> {
        Ok(Vec::new())
    }
}

#[test]
fn a_set_up_that_cannot_be_shown_is_not_begun() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let with = |issuer| service_over(site.open().0, Issuer(issuer), &site.keyring(), &site.clock);
    let sign_in = || SignIn::password(&site.project, &site.ann);
    let error = site
        .wait(with("Acme: the best").begin(sign_in()))
        .unwrap_err();
    assert_eq!(error.code(), "key-uri");
    let subject = twofa::Subject::member(&site.project, &site.ann);
    let stored = fine(site.wait(twofa::Store::load(&site.open().0, &subject)));
    assert_eq!(
        stored.stored, None,
        "nothing was written for a set-up that nobody will see"
    );
    let set_up = twofa::testkit::set_up(fine(site.wait(with("Acmé & Söhne").begin(sign_in()))));
    assert_eq!(set_up.key_uri().issuer(), Some("Acmé & Söhne"));
    assert_eq!(set_up.key_uri().account(), "ann@example.com");
}
