//! Running the program, and the authenticator app: `oathtool`, so that no code of ours checks a code of ours.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::Value;
use tempfile::TempDir;

/// 2022-12-01T00:00:00Z.
pub(crate) const MANDATE: u64 = 1_669_852_800;

/// A folder with a store of its own, and everything that the program said in it.
pub(crate) struct Play {
    folder: TempDir,
    store: Option<String>,
    said: Mutex<Vec<u8>>,
}

/// How one run ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    what: String,
}

/// A time as `--at` takes it.
pub(crate) fn at(seconds: u64) -> String {
    seconds.to_string()
}

impl Play {
    /// On a SQLite file, as the program does without being told; made for rehearsals.
    pub(crate) fn new() -> Self {
        Self::bare(None).rehearsing()
    }

    /// On a store that is named in the environment, with its keys in `keys`; made for rehearsals.
    pub(crate) fn on(store: String) -> Self {
        Self::bare(Some(store)).rehearsing()
    }

    /// In an empty folder, where nothing was made yet.
    pub(crate) fn bare(store: Option<String>) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            store,
            said: Mutex::default(),
        }
    }

    fn rehearsing(self) -> Self {
        self.run(&["init", "--rehearsal", "--json"]).exits(0);
        self
    }

    /// Whether the store is the file that a run makes without being told.
    pub(crate) fn is_file(&self) -> bool {
        self.store.is_none()
    }

    /// What the store and its keys are called.
    pub(crate) fn names(&self) -> (String, PathBuf) {
        match &self.store {
            None => {
                let path = self.path("twofa.db");
                (path.display().to_string(), self.path("twofa.db.key"))
            }
            Some(url) => (url.clone(), self.path("keys")),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A run that ends by itself, with nothing on standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> Ran {
        let mut child = self.start(args);
        let mut pipe = child.stdin.take().unwrap();
        // One that reads nothing may be gone before all is written.
        let _ = pipe.write_all(stdin);
        drop(pipe);
        self.end(child, args)
    }

    /// As [`Self::run`], at a time and with --json.
    pub(crate) fn json(&self, seconds: u64, args: &[&str]) -> Ran {
        let at = at(seconds);
        self.run(&[args, &["--json", "--at", &at]].concat())
    }

    /// A run to be talked to.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut program = program(self.folder());
        if let Some(store) = &self.store {
            program
                .env("TWOFA_STORE", store)
                .env("TWOFA_KEY_FILE", "keys");
        }
        program.args(args).spawn().expect("the program starts")
    }

    pub(crate) fn end(&self, child: Child, args: &[&str]) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        let ran = Ran {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            what: format!("twofa {}", args.join(" ")),
        };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.told());
        let mut said = self.said.lock().unwrap();
        // Enrolments say a secret, and nothing else may.
        if !ran.stdout.contains("\"uri\"") {
            said.extend(stdout);
        }
        said.extend(stderr);
        ran
    }

    /// Everything that was said, enrolments left out.
    pub(crate) fn said(&self) -> Vec<u8> {
        self.said.lock().unwrap().clone()
    }

    /// A project that is mandatory from [`MANDATE`] on, with these administrators and members.
    pub(crate) fn project(&self, name: &str, administrators: &[&str], members: &[&str]) {
        let before = MANDATE - 100_000;
        let rules = ["project", "add", name, "--mandatory-from", "2022-12-01"];
        self.json(before, &rules).done();
        for user in administrators {
            self.json(before, &["member", "add", name, user, "--admin"])
                .done();
        }
        for user in members {
            self.json(before, &["member", "add", name, user]).done();
        }
    }

    /// Signs somebody in who must set up, and sets up. Gives the app that holds the key.
    pub(crate) fn enrol(&self, seconds: u64, project: &str, user: &str) -> App {
        let begun = self.json(seconds, &["login", project, user]).done();
        assert_eq!(begun["next"], "enrol", "{begun}");
        let app = App::scan(begun["uri"].as_str().unwrap());
        let answered = self.answer(seconds, &begun, &app.code(seconds)).done();
        assert_eq!(answered["accepted"], true);
        app
    }

    /// Begins a login that asks for a code.
    pub(crate) fn challenge(&self, seconds: u64, project: &str, user: &str) -> Value {
        let begun = self.json(seconds, &["login", project, user]).done();
        assert_eq!(begun["next"], "challenge", "{begun}");
        begun
    }

    pub(crate) fn answer(&self, seconds: u64, begun: &Value, code: &str) -> Ran {
        let login = begun["login"].as_str().unwrap();
        self.json(seconds, &["answer", login, code])
    }

    /// A copy of the store, as a backup is: another folder with the file, or another database.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = self.store.as_ref().map(|url| {
            let copied = format!("{url}_copy");
            let (server, from) = url.rsplit_once('/').unwrap();
            let to = format!("{from}_copy");
            execute_on(
                &format!("{server}/postgres"),
                &format!("CREATE DATABASE {to} TEMPLATE {from}"),
            );
            copied
        });
        if self.is_file() {
            std::fs::copy(self.path("twofa.db"), folder.path().join("twofa.db")).unwrap();
        }
        Self {
            folder,
            store,
            said: Mutex::default(),
        }
    }

    /// The copy, with the keys and the files that were kept beside the store that is gone.
    pub(crate) fn restored(&self, copy: Self) -> Self {
        for entry in std::fs::read_dir(self.folder()).unwrap() {
            let name = entry.unwrap().file_name();
            if !name.to_string_lossy().starts_with("twofa.db") || name == "twofa.db.key" {
                std::fs::copy(self.folder().join(&name), copy.folder().join(&name)).unwrap();
            }
        }
        copy
    }

    /// What a hand in the database does, whichever it is.
    pub(crate) fn alter(&self, statement: &str) {
        let rows = match &self.store {
            None => execute(&self.path("twofa.db"), statement),
            Some(url) => execute_on(url, statement),
        };
        assert!(rows > 0, "{statement}");
    }

    /// Signs in with a code.
    pub(crate) fn sign_in(&self, seconds: u64, project: &str, user: &str, code: &str) -> Ran {
        let begun = self.challenge(seconds, project, user);
        self.answer(seconds, &begun, code)
    }
}

/// Carries statements out in a database, which is made where it is missing, and says how many rows they changed.
pub(crate) fn execute(database: &Path, statement: &str) -> u64 {
    use twofa_sqlx::sqlx::{self, AssertSqlSafe, Connection as _};
    let statement = AssertSqlSafe(statement.to_owned());
    let url = format!("sqlite:{}?mode=rwc", database.display());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let done = sqlx::raw_sql(statement).execute(&mut connection).await;
        connection.close().await.unwrap();
        done.unwrap().rows_affected()
    })
}

/// The same on PostgreSQL.
fn execute_on(url: &str, statement: &str) -> u64 {
    use twofa_sqlx::sqlx::{self, AssertSqlSafe, Connection as _};
    let statement = AssertSqlSafe(statement.to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let done = sqlx::raw_sql(statement).execute(&mut connection).await;
        connection.close().await.unwrap();
        done.unwrap().rows_affected()
    })
}

/// The program in a folder, with no setting of whoever runs the tests.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twofa"));
    command
        .current_dir(folder)
        .env_remove("TWOFA_STORE")
        .env_remove("TWOFA_KEY_FILE")
        .env_remove("TWOFA_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Ran {
    fn told(&self) -> String {
        format!(
            "{}\nexit {}\n{}{}",
            self.what, self.code, self.stdout, self.stderr
        )
    }

    /// Asserts the exit code, and that nothing is written where it does not belong.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.told());
        if code >= 2 {
            assert!(!self.stderr.is_empty(), "{}", self.told());
        }
        self
    }

    /// The objects on standard output, one a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", self.told()));
        self.stdout.lines().map(read).collect()
    }

    fn object(&self) -> Value {
        let mut objects = self.objects();
        assert_eq!(objects.len(), 1, "{}", self.told());
        objects.remove(0)
    }

    /// The one object of a run that was done.
    pub(crate) fn done(self) -> Value {
        self.exits(0).object()
    }

    /// What a check of the audit that found something says at its end, having said each bad place before.
    pub(crate) fn unverified(self) -> Value {
        let mut objects = self.exits(1).objects();
        let end = objects.pop().unwrap();
        assert_eq!(end["bad"], objects.len(), "{end}");
        assert_eq!(end["first_bad"], objects[0]["bad"], "{end}");
        end
    }

    /// The one object of a run that was refused.
    pub(crate) fn refused(self) -> Value {
        self.exits(1).object()
    }

    /// The reason of a run that was refused.
    pub(crate) fn reason(self) -> String {
        self.refused()["reason"].as_str().unwrap().to_owned()
    }

    /// The error of a run that could not be done.
    pub(crate) fn error(self, code: i32) -> Value {
        let ran = self.exits(code);
        let last = ran.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| panic!("{}", ran.told()))
    }
}

/// An authenticator app that scanned a key.
pub(crate) struct App {
    pub(crate) secret: String,
}

impl App {
    pub(crate) fn scan(uri: &str) -> Self {
        let query = uri.split_once("secret=").expect("a secret in the URI").1;
        let secret = query.split('&').next().unwrap().to_owned();
        Self { secret }
    }

    /// What the app shows at a time.
    pub(crate) fn code(&self, seconds: u64) -> String {
        oathtool(&["--totp", "-b", &self.secret, "--now", &date(seconds)])
    }

    /// A code that is right at no time near this one.
    pub(crate) fn wrong(&self, seconds: u64) -> String {
        let right: Vec<_> = (0..60).map(|n| self.code(seconds + 900 - n * 30)).collect();
        let wrong = (0..100)
            .map(|n| format!("{:06}", n * 9_999))
            .find(|code| !right.contains(code));
        wrong.expect("there are more codes than steps")
    }
}

/// What `oathtool` prints. It is a tool of Debian's, as `./test` installs.
pub(crate) fn oathtool(args: &[&str]) -> String {
    tool("oathtool", "oathtool", args)
}

pub(crate) fn tool(name: &str, package: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(args).output().unwrap_or_else(|e| {
        panic!("{name} cannot be run ({e}); install it: apt-get install -y {package}")
    });
    assert!(output.status.success(), "{name}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A time as `oathtool` takes it.
pub(crate) fn date(seconds: u64) -> String {
    let seconds = twofa::types::UnixTime::from_secs(seconds).to_string();
    seconds.replace('T', " ").replace('Z', " UTC")
}

/// Asserts an error, its code, and a word that its message has.
pub(crate) fn assert_error(error: &Value, code: &str, word: &str) {
    let message = error["message"].as_str().unwrap();
    assert_eq!(error["error"], code, "{error}");
    assert!(message.contains(word), "{error}");
    assert!(message.chars().all(|c| !c.is_control()), "{error}");
}
