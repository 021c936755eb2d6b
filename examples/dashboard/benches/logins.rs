//! Whole logins against the real program over HTTP, with its defaults (SQLite, every write synchronous): sign-in
//! page, password, code page, code. How many a second, how long the slowest of a hundred takes, and how much memory
//! the program holds before and after.
//!
//!     cargo bench -p twofa-dashboard
//!
//! Twice: with the password hash that the dashboard uses, and with one that costs nothing, so that what is left is
//! the dashboard and the second factor. `TWOFA_LOGINS` says how many logins each figure is of; with the password, of a
//! fifth of them, 400 at most.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on stops, and says its figures on standard output"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use openidconnect::reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use openidconnect::reqwest::{Client, RequestBuilder, redirect::Policy};
use tokio::sync::Mutex;
use twofa::lifecycle::Actor;
use twofa::otpauth::KeyUri;
use twofa::policy::Role;
use twofa::totp::{self, Secret, Totp};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{Keyring, TwoFactor};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx;

const PASSWORD: &str = "the same for everybody";
/// A person signs in once in a time step, so there must be enough of them.
const PEOPLE: usize = 12_000;
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// Somebody with a phone.
struct Person {
    email: String,
    phone: Totp,
    /// The step of the code that they used last.
    last: u64,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn program(folder: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_twofa-dashboard"))
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .env_remove("TWOFA_STORE")
        .env_remove("TWOFA_KEY_FILE")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("Open ")?.split(' ').next()?.to_owned()))
        .expect("the dashboard starts");
    // What else it says is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// What the process holds in memory, in MiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() / 1024
}

/// People with factors, as an operator's import makes them.
async fn people(folder: &Path, hash: &str) -> Vec<Arc<Mutex<Person>>> {
    const INSERT: &str =
        "INSERT INTO dashboard_account (email, project, password) VALUES ($1, 'acme', $2)";
    let file = folder.join("twofa-dashboard.db");
    let database = Database::create(file.to_str().unwrap()).await.unwrap().0;
    let Database::Sqlite(store) = &database else {
        return Vec::new();
    };
    let keyring = Keyring::load_file(&folder.join("twofa-dashboard.db.key")).unwrap();
    let service = TwoFactor::builder(database.clone(), database.clone(), keyring)
        .build()
        .unwrap();
    let acme: ProjectId = "acme".parse().unwrap();
    let by = Actor::operator("operator".parse().unwrap());
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let email = format!("person-{number}@acme.example");
        let user: UserId = email.parse().unwrap();
        let insert = sqlx::query(INSERT).bind(&email).bind(hash);
        insert.execute(store.pool()).await.unwrap();
        let added = service.add_member(&acme, &user, Role::Member, &by);
        added.await.unwrap();
        let bytes = format!("{number:020}");
        let secret = || Secret::from_bytes(bytes.as_bytes()).unwrap();
        let params = totp::Params::default();
        let uri = KeyUri::totp("Acme", &email, secret(), params).unwrap();
        service.import(&acme, &user, &uri, &by).await.unwrap();
        people.push(Arc::new(Mutex::new(Person {
            email,
            phone: Totp::new(&secret(), params),
            last: 0,
        })));
    }
    database.close().await;
    people
}

/// One login as a browser makes it; how long it took.
async fn login(http: &Client, address: &str, person: &mut Person) -> Duration {
    while now() / 30 <= person.last {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let begun = Instant::now();
    let mut session = String::new();
    let mut token = String::new();
    let url = format!("{address}/login");
    send(http.get(&url), &mut session, &mut token).await;
    let form = [
        ("csrf", token.as_str()),
        ("email", &person.email),
        ("password", PASSWORD),
    ];
    let request = http.post(&url).form(&form);
    let place = send(request, &mut session, &mut token).await;
    assert_eq!(place, "/two-factor/verify", "{}", person.email);
    let url = format!("{address}{place}");
    send(http.get(&url), &mut session, &mut token).await;
    let time = now();
    let code = person.phone.generate(UnixTime::from_secs(time)).expose();
    let form = [("csrf", token.as_str()), ("code", code.as_ref())];
    let request = http.post(&url).form(&form);
    let place = send(request, &mut session, &mut token).await;
    assert_eq!(place, "/", "{}", person.email);
    person.last = time / 30;
    begun.elapsed()
}

async fn send(request: RequestBuilder, session: &mut String, token: &mut String) -> String {
    let answer = request
        .header(COOKIE, session.as_str())
        .send()
        .await
        .unwrap();
    if let Some(cookie) = answer.headers().get(SET_COOKIE) {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        pair.clone_into(session);
    }
    let place = answer.headers().get(LOCATION);
    let place = place.map_or("", |place| place.to_str().unwrap()).to_owned();
    let body = answer.text().await.unwrap();
    if let Some((_, rest)) = body.split_once("name=\"csrf\" value=\"") {
        rest.split('"').next().unwrap().clone_into(token);
    }
    place
}

/// So many logins over so many connections; each person in turn.
async fn measure(
    address: &str,
    people: &[Arc<Mutex<Person>>],
    from: &mut usize,
    logins: usize,
    connections: usize,
) -> (f64, Vec<Duration>) {
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for share in 0..connections {
        let count = logins / connections + usize::from(share < logins % connections);
        let people: Vec<_> = (0..count)
            .map(|_| {
                *from += 1;
                Arc::clone(&people[*from % people.len()])
            })
            .collect();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let address = address.to_owned();
        tasks.push(tokio::spawn(async move {
            let mut took = Vec::new();
            for person in people {
                took.push(login(&http, &address, &mut *person.lock().await).await);
            }
            took
        }));
    }
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.unwrap());
    }
    took.sort();
    let whole = u32::try_from(logins).map_or(0.0, f64::from);
    (whole / begun.elapsed().as_secs_f64(), took)
}

#[tokio::main]
async fn main() {
    let logins: usize = std::env::var("TWOFA_LOGINS").map_or(2_000, |n| n.parse().unwrap());
    let free = Params::new(8, 1, 1, None).unwrap();
    for (name, logins, hasher) in [
        (
            "password included (Argon2id, its defaults)",
            (logins / 5).min(400),
            Argon2::default(),
        ),
        (
            "password excluded (a hash that costs nothing)",
            logins,
            Argon2::new(Algorithm::Argon2id, Version::V0x13, free),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, address) = program(folder.path());
        let hash = hasher.hash_password(PASSWORD.as_bytes()).unwrap();
        let people = people(folder.path(), &hash.to_string()).await;
        println!("{name}: {} people", people.len());
        let mut from = 0;
        // The first ones fill caches and pools.
        measure(&address, &people, &mut from, 64, 16).await;
        let before = resident(child.id());
        for connections in CONNECTIONS {
            let (rate, took) = measure(&address, &people, &mut from, logins, connections).await;
            let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
            println!(
                "  {connections:>3} connections: {rate:>7.1} logins/s, median {:>6.1?}, p99 {:>6.1?}, \
                 memory {} MiB",
                at(50),
                at(99),
                resident(child.id()),
            );
        }
        println!(
            "  memory: {before} MiB after 64 logins, {} MiB after {from}",
            resident(child.id())
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
