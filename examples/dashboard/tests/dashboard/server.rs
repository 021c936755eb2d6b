//! The program under test: started in a folder of its own, with a clock that tests move.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use twofa::lifecycle::Actor;
use twofa::{KeySource, TwoFactor};
use twofa_sqlx::Database;
use twofa_sqlx::sqlx;

/// 2022-12-01T00:00:00Z, from when on the seeded projects require a second factor.
pub(crate) const MANDATE: i64 = 1_669_852_800;

/// A running dashboard.
pub(crate) struct Server {
    child: Child,
    /// Such as `http://127.0.0.1:40123`.
    pub(crate) address: String,
    /// Where it listens, which differs where another address is its public one.
    pub(crate) listening: String,
    passwords: BTreeMap<String, String>,
    folder: TempDir,
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    ahead: Mutex<i64>,
}

/// One that was ended, and what is left of it.
pub(crate) struct Stopped {
    pub(crate) folder: TempDir,
    ahead: i64,
    passwords: BTreeMap<String, String>,
}

impl Stopped {
    /// Another one in its folder, with these variables in its environment.
    pub(crate) fn start(self, variables: &[(&str, &str)]) -> Server {
        let mut next = Server::start_as(self.folder, self.ahead, &[], |command| {
            command.envs(variables.iter().copied());
        });
        assert!(next.passwords.is_empty(), "passwords are said once");
        next.passwords = self.passwords;
        next
    }
}

/// The program in a folder, with nothing of ours in its environment.
fn program(folder: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twofa-dashboard"));
    command
        .args(["--listen", "127.0.0.1:0"])
        .args(options)
        .current_dir(folder)
        .env_remove("TWOFA_STORE")
        .env_remove("TWOFA_KEY_FILE")
        .env_remove("TWOFA_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Where a command is, or how to get it.
pub(crate) fn needs(command: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(command))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("missing {command}: apt-get install -y {package}"))
}

fn faketime() -> PathBuf {
    std::fs::read_dir("/usr/lib")
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketime.so.1"))
        .find(|file| file.is_file())
        .expect("missing libfaketime: apt-get install -y faketime")
}

/// Seconds since 1970 on this machine.
pub(crate) fn real_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Who changes people and rules beside the running program.
pub(crate) fn operator() -> Actor {
    Actor::operator("grace".parse().unwrap())
}

impl Server {
    /// One that believes it is now.
    pub(crate) fn start() -> Self {
        Self::start_at(real_now(), &[])
    }

    /// One that believes it is another time, with more options.
    pub(crate) fn start_at(time: i64, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, time - real_now(), options)
    }

    /// Ends it the hard way, and starts another one in its folder.
    pub(crate) fn again(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let ahead = *self.ahead.lock().unwrap();
        let passwords = std::mem::take(&mut self.passwords);
        Stopped {
            folder,
            ahead,
            passwords,
        }
        .start(&[])
    }

    /// Ends it in an orderly way.
    pub(crate) fn stop(mut self) -> Stopped {
        self.signal(rustix::process::Signal::TERM);
        self.ends_within(Duration::from_secs(15));
        Stopped {
            folder: std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()),
            ahead: *self.ahead.lock().unwrap(),
            passwords: std::mem::take(&mut self.passwords),
        }
    }

    /// One that ends by itself at once, with an error; what it says.
    pub(crate) fn refuses(folder: &Path, options: &[&str], variables: &[(&str, &str)]) -> String {
        let mut child = program(folder, options)
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(15) {
                child.kill().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        said
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether a file lies in its folder.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.folder.path().join(file).is_file()
    }

    fn start_in(folder: TempDir, ahead: i64, options: &[&str]) -> Self {
        Self::start_as(folder, ahead, options, |_| {})
    }

    /// One that is started in a way of its own.
    pub(crate) fn start_as(
        folder: TempDir,
        ahead: i64,
        options: &[&str],
        adjust: impl FnOnce(&mut Command),
    ) -> Self {
        write_clock(folder.path(), ahead);
        let mut command = program(folder.path(), options);
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME_TIMESTAMP_FILE", folder.path().join("clock"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        adjust(&mut command);
        let mut child = command.spawn().expect("the dashboard starts");
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let (pipe, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        let mut server = Self {
            child,
            address: String::new(),
            listening: String::new(),
            passwords: BTreeMap::new(),
            folder,
            said,
            ahead: Mutex::new(ahead),
        };
        let listening = server.hears("Listening on http");
        listening
            .split(' ')
            .nth(2)
            .unwrap()
            .clone_into(&mut server.listening);
        let opening = server.hears("Open http");
        let address = opening.split(' ').nth(1).unwrap();
        address.clone_into(&mut server.address);
        for line in server.said.lock().unwrap().iter() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let [email, password, "administrator" | "member", ..] = words[..] {
                let (email, password) = (email.to_owned(), password.to_owned());
                server.passwords.insert(email, password);
            }
        }
        server
    }

    /// Waits for a line that holds `part`, and says it whole.
    pub(crate) fn hears(&self, part: &str) -> String {
        let begun = Instant::now();
        loop {
            let said = self.said.lock().unwrap().clone();
            if let Some(line) = said.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "no {part:?} in {said:#?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything it has said.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// The password of a seeded account, or of one that was added.
    pub(crate) fn password(&self, email: &str) -> &str {
        &self.passwords[email]
    }

    /// What its clock shows.
    pub(crate) fn now(&self) -> i64 {
        real_now() + *self.ahead.lock().unwrap()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: i64) {
        let mut ahead = self.ahead.lock().unwrap();
        *ahead += seconds;
        write_clock(self.folder.path(), *ahead);
    }

    /// Its process, for looking at its memory.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop, or whatever else the signal says.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        let process = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended, which it must have done soon.
    pub(crate) fn ends_within(&mut self, time: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < time, "it still runs after {time:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The database, as an operator's tool opens it beside the running program.
    pub(crate) async fn database(&self) -> Database {
        let file = self.folder.path().join("twofa-dashboard.db");
        Database::create(file.to_str().unwrap()).await.unwrap().0
    }

    /// The service, as an operator's tool has it beside the running program.
    pub(crate) async fn service(&self) -> TwoFactor<Database, Database> {
        let database = self.database().await;
        let key = self.folder.path().join("twofa-dashboard.db.key");
        TwoFactor::builder(database.clone(), database, KeySource::file(key))
            .build()
            .unwrap()
    }

    /// Adds a member with the password of another account of that project.
    pub(crate) async fn add_like(&mut self, email: &str, like: &str) {
        const COPY: &str = "INSERT INTO dashboard_account (email, project, password) \
            SELECT $1, project, password FROM dashboard_account WHERE email = $2";
        let database = self.database().await;
        let Database::Sqlite(store) = &database else {
            panic!("the default store is SQLite");
        };
        let copy = sqlx::query(COPY).bind(email).bind(like);
        copy.execute(store.pool()).await.unwrap();
        let project = like.split_once('@').unwrap().1.strip_suffix(".example");
        let role = twofa::policy::Role::Member;
        database.close().await;
        let service = self.service().await;
        let project = project.unwrap().parse().unwrap();
        let (user, by) = (email.parse().unwrap(), operator());
        let added = service.add_member(&project, &user, role, &by);
        added.await.unwrap();
        service.store().close().await;
        let password = self.passwords[like].clone();
        self.passwords.insert(email.to_owned(), password);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In one step, so that the program never reads half a number.
fn write_clock(folder: &Path, ahead: i64) {
    let new = folder.join("clock.new");
    std::fs::write(&new, format!("{ahead:+}\n")).unwrap();
    std::fs::rename(new, folder.join("clock")).unwrap();
}
