//! People who log in again and again, and what must hold of them after a death.

use std::collections::BTreeMap;
use std::path::Path;

use twofa::lifecycle::Actor;
use twofa::policy::{ProjectSettings, Reason, Role};
use twofa::testkit::{Authenticator, Clock};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Answer, Attempt, Begin, Error, Keyring, Project, SignIn, Store, Subject, TwoFactor};
use twofa_sqlx::Database;

pub(crate) const PEOPLE: usize = 6;

/// Of each person, the times of the logins that were answered "accepted".
pub(crate) type Acknowledged = BTreeMap<usize, Vec<u64>>;

type Service = TwoFactor<Database, Database>;

const START: u64 = 1_669_852_800;

/// Each round of logins happens on a day of its own.
fn day(round: u64) -> u64 {
    START + round * 86_400
}

pub(crate) struct People {
    keys: String,
    uris: Vec<String>,
}

fn project() -> ProjectId {
    "acme".parse().unwrap()
}

fn user(n: usize) -> UserId {
    format!("person{n}@example.com").parse().unwrap()
}

impl People {
    /// Makes the project and its people, and sets all of them up.
    pub(crate) async fn set_up(database: &Database) -> Self {
        let settings = ProjectSettings::mandatory_from(UnixTime::from_secs(START));
        let issuer = None;
        let made = Project { settings, issuer };
        let keys = Keyring::generate().unwrap().to_text().to_string();
        let mut people = Self {
            keys,
            uris: Vec::new(),
        };
        let (service, clock) = people.service(database);
        clock.set(UnixTime::from_secs(START));
        let by = Actor::operator("grace".parse().unwrap());
        service.add_project(&project(), &made, &by).await.unwrap();
        for n in 0..PEOPLE {
            let (acme, member) = (project(), user(n));
            let added = service.add_member(&acme, &member, Role::Member, &by);
            added.await.unwrap();
            let begun = service.begin(SignIn::password(&project(), &user(n))).await;
            let Begin::Enrol(set_up) = begun.unwrap() else {
                panic!("no set-up was begun")
            };
            let uri = set_up.uri().expose_secret().to_owned();
            let code = Authenticator::read(&uri).code(clock.now());
            let answer = service.answer(Attempt::new(set_up.login(), &code)).await;
            assert!(matches!(answer.unwrap(), Answer::Accepted(_)));
            people.uris.push(uri);
        }
        people
    }

    /// For a program of its own to read.
    pub(crate) fn save(&self, folder: &Path) {
        std::fs::write(folder.join("keys"), &self.keys).unwrap();
        std::fs::write(folder.join("uris"), self.uris.join("\n")).unwrap();
    }

    pub(crate) fn load(folder: &Path) -> Self {
        let uris = std::fs::read_to_string(folder.join("uris")).unwrap();
        Self {
            keys: std::fs::read_to_string(folder.join("keys")).unwrap(),
            uris: uris.lines().map(str::to_owned).collect(),
        }
    }

    fn service(&self, database: &Database) -> (Service, Clock) {
        let clock = Clock::at(UnixTime::from_secs(START));
        let keyring = Keyring::from_text(&self.keys).unwrap();
        let service = TwoFactor::builder(database.clone(), database.clone(), keyring)
            .clock(clock.reading())
            .build()
            .unwrap();
        (service, clock)
    }

    fn phone(&self, n: usize) -> Authenticator {
        Authenticator::read(self.uris.get(n).unwrap())
    }

    /// Person `n` logs in twice a minute, and `told` hears the time of each login that was accepted. Every code
    /// is right and fresh: whatever is not accepted is an error, and ends it.
    pub(crate) async fn log_in(
        &self,
        database: &Database,
        n: usize,
        round: u64,
        mut told: impl FnMut(u64),
    ) -> Result<(), Error> {
        let (service, clock) = self.service(database);
        let phone = self.phone(n);
        let sign_in = SignIn::password(&project(), &user(n));
        clock.set(UnixTime::from_secs(day(round)));
        loop {
            clock.forward(30);
            let Begin::Challenge(challenge) = service.begin(sign_in.clone()).await? else {
                panic!("a factor in use was not asked for")
            };
            let code = phone.code(clock.now());
            match service
                .answer(Attempt::new(challenge.login(), &code))
                .await?
            {
                Answer::Accepted(_) => told(clock.now().as_secs()),
                Answer::Rejected(why) => panic!("{n} at {}: {why:?}", clock.now()),
            }
        }
    }

    /// After a death: every login that was acknowledged is on the record, no code of it is accepted again, the
    /// audit is whole, and people can go on.
    pub(crate) async fn check(&self, database: &Database, acknowledged: &Acknowledged, round: u64) {
        assert_eq!(forgotten(database, acknowledged).await, []);
        for (&n, times) in acknowledged {
            for time in times.iter().rev().take(3) {
                let answer = self.answer(database, n, *time).await;
                let Answer::Rejected(why) = answer else {
                    panic!("person {n}'s code of {time} was accepted again")
                };
                assert_eq!(why.reason(), Reason::CodeAlreadyUsed);
            }
        }
        for n in 0..PEOPLE {
            let later = day(round) + 80_000;
            let answer = self.answer(database, n, later).await;
            assert!(matches!(answer, Answer::Accepted(_)), "{n}: {answer:?}");
        }
        let (service, _) = self.service(database);
        let verified = service.audit_verify(None).await.unwrap();
        assert_eq!(verified.first_bad, None);
        assert!(verified.events >= PEOPLE as u64);
    }

    /// Person `n` begins at `time` and types the code of that time.
    async fn answer(&self, database: &Database, n: usize, time: u64) -> Answer {
        let (service, clock) = self.service(database);
        clock.set(UnixTime::from_secs(time));
        let sign_in = SignIn::password(&project(), &user(n));
        let Begin::Challenge(challenge) = service.begin(sign_in).await.unwrap() else {
            panic!("a factor in use was not asked for")
        };
        let code = self.phone(n).code(clock.now());
        service
            .answer(Attempt::new(challenge.login(), &code))
            .await
            .unwrap()
    }
}

/// The logins that were acknowledged and are not on the record: whose, and when.
pub(crate) async fn forgotten(
    database: &Database,
    acknowledged: &Acknowledged,
) -> Vec<(usize, u64)> {
    let mut forgotten = Vec::new();
    for (&n, times) in acknowledged {
        let accepted = accepted(database, n).await;
        let missing = times.iter().filter(|time| !accepted.contains(time));
        forgotten.extend(missing.map(|&time| (n, time)));
    }
    forgotten
}

/// The times at which person `n` was accepted, by the audit.
async fn accepted(database: &Database, n: usize) -> Vec<u64> {
    let subject = Subject::member(&project(), &user(n));
    let mut times = Vec::new();
    let mut after = 0;
    loop {
        let page = database.chain(&subject, after, 500).await.unwrap();
        let Some(last) = page.last() else {
            return times;
        };
        after = last.row.seq;
        times.extend(
            page.iter()
                .filter(|e| e.row.event == "accepted")
                .map(|e| e.row.at.as_secs()),
        );
    }
}
