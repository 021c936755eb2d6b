//! People who have set up, and log in again and again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use twofa::lifecycle::Actor;
use twofa::testkit::Authenticator;
use twofa::{Answer, Attempt, Begin, Keyring, LoginId, Project, SignIn, Store, Subject, TwoFactor};
use twofa_policy::{ProjectSettings, Role};
use twofa_sqlx::Database;
use twofa_types::{ProjectId, UnixTime, UserId};

use crate::rounds::{Round, run};

/// 2022-12-01, when the mandate begins.
const START: u64 = 1_669_852_800;

pub(crate) struct People(Arc<Inner>);

struct Inner {
    database: Database,
    twofa: TwoFactor<Database, Database>,
    clock: Arc<AtomicU64>,
    project: ProjectId,
    people: Vec<(UserId, Authenticator, Mutex<Option<LoginId>>)>,
}

/// What a record and its events look like after some logins.
pub(crate) struct Sample {
    pub(crate) record: Vec<u8>,
    pub(crate) project: ProjectId,
}

impl People {
    pub(crate) async fn set_up(database: &Database, project: &str, number: usize) -> Self {
        let clock = Arc::new(AtomicU64::new(START));
        let read = Arc::clone(&clock);
        let keyring = Keyring::generate().unwrap();
        let twofa = TwoFactor::builder(database.clone(), database.clone(), keyring)
            .issuer("Bench")
            .clock(move || UnixTime::from_secs(read.load(Ordering::Relaxed)))
            .build()
            .unwrap();
        let project: ProjectId = project.parse().unwrap();
        let settings = ProjectSettings::mandatory_from(UnixTime::from_secs(START));
        let issuer = None;
        let by = Actor::operator("operator".parse().unwrap());
        let made = Project { settings, issuer };
        twofa.add_project(&project, &made, &by).await.unwrap();
        let mut people = Vec::new();
        for n in 0..number {
            // Spread over the whole index by a multiplication modulo 2^32.
            let mixed = u32::try_from(n).unwrap().wrapping_mul(2_654_435_761);
            let user: UserId = format!("{mixed:08x}-{n:07}@example.com").parse().unwrap();
            let added = twofa.add_member(&project, &user, Role::Member, &by);
            added.await.unwrap();
            let begun = twofa
                .begin(SignIn::password(&project, &user))
                .await
                .unwrap();
            let Begin::Enrol(set_up) = begun else {
                panic!("not an enrolment")
            };
            let phone = Authenticator::scan(&set_up);
            let code = phone.code(twofa.now());
            let attempt = Attempt::new(set_up.login(), &code);
            let answer = twofa.answer(attempt).await.unwrap();
            assert!(matches!(answer, Answer::Accepted(_)));
            people.push((user, phone, Mutex::new(None)));
        }
        Self(Arc::new(Inner {
            database: database.clone(),
            twofa,
            clock,
            project,
            people,
        }))
    }

    pub(crate) async fn sample(&self) -> Sample {
        let subject = Subject::member(&self.0.project, &self.0.people[0].0);
        let stored = self
            .0
            .database
            .load(&subject)
            .await
            .unwrap()
            .stored
            .unwrap();
        Sample {
            record: stored.record,
            project: self.0.project.clone(),
        }
    }

    /// Everybody's credentials are right, two time steps later.
    pub(crate) async fn begin(&self, at_once: usize) -> Round {
        self.0.clock.fetch_add(60, Ordering::Relaxed);
        let inner = Arc::clone(&self.0);
        run(inner.people.len(), at_once, move |n| {
            let inner = Arc::clone(&inner);
            async move {
                let (user, _, login) = &inner.people[n];
                let sign_in = SignIn::password(&inner.project, user);
                let begun = inner.twofa.begin(sign_in).await.unwrap();
                let Begin::Challenge(challenge) = begun else {
                    panic!("not a challenge")
                };
                *login.lock().unwrap() = Some(challenge.login().clone());
            }
        })
        .await
    }

    /// Everybody types the right code.
    pub(crate) async fn answer(&self, at_once: usize) -> Round {
        let now = self.0.twofa.now();
        let typed: Arc<Vec<_>> = Arc::new(
            self.0
                .people
                .iter()
                .map(|(_, phone, login)| (login.lock().unwrap().take().unwrap(), phone.code(now)))
                .collect(),
        );
        let inner = Arc::clone(&self.0);
        run(inner.people.len(), at_once, move |n| {
            let (inner, typed) = (Arc::clone(&inner), Arc::clone(&typed));
            async move {
                let (login, code) = &typed[n];
                let answer = inner.twofa.answer(Attempt::new(login, code)).await.unwrap();
                assert!(matches!(answer, Answer::Accepted(_)));
            }
        })
        .await
    }
}
