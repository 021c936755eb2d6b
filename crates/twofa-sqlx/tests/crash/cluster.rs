//! A PostgreSQL of a test's own, to be killed.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tempfile::TempDir;

pub(crate) struct Cluster {
    folder: TempDir,
    port: u16,
    running: bool,
}

/// How a server ends.
#[derive(Clone, Copy)]
pub(crate) enum Death {
    /// `kill -9` of the postmaster.
    Kill,
    /// An immediate stop, as a power button does.
    Immediate,
}

fn program(name: &str) -> PathBuf {
    let folder = std::env::var("TWOFA_TEST_POSTGRES_BIN").unwrap_or_else(|_| {
        panic!("TWOFA_TEST_POSTGRES_BIN names no PostgreSQL: run ./test, or scripts/postgres.sh cargo test")
    });
    PathBuf::from(folder).join(name)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn quietly(command: &mut Command) -> bool {
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    output.status().unwrap().success()
}

impl Cluster {
    /// An empty cluster with durable commits, not started.
    pub(crate) fn new() -> Self {
        let cluster = Self::folder();
        let mut initdb = cluster.command("initdb");
        initdb.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
        assert!(
            quietly(initdb.arg("-D").arg(cluster.data())),
            "initdb failed"
        );
        cluster
    }

    fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            assert!(quietly(
                Command::new("chown").arg("postgres:").arg(folder.path())
            ));
        }
        Self {
            folder,
            port: 0,
            running: false,
        }
    }

    /// Puts a copy of a file into its data, for the server alone.
    pub(crate) fn gives(&self, file: &std::path::Path, name: &str) {
        let there = self.data().join(name);
        std::fs::copy(file, &there).unwrap();
        assert!(quietly(Command::new("chmod").arg("600").arg(&there)));
        if is_root() {
            assert!(quietly(Command::new("chown").arg("postgres:").arg(&there)));
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of PostgreSQL's, which refuses root.
    fn command(&self, name: &str) -> Command {
        let program = program(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--init-groups",
                "--",
            ]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    /// Starts it, with more settings, on a port that was free a moment ago.
    pub(crate) fn start(&mut self, settings: &[&str]) {
        for _ in 0..50 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            self.port = listener.local_addr().unwrap().port();
            drop(listener);
            let mut options = format!(
                "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=",
                self.port
            );
            for setting in settings {
                options = format!("{options} -c {setting}");
            }
            let mut start = self.command("pg_ctl");
            start
                .arg("-D")
                .arg(self.data())
                .arg("-l")
                .arg(self.folder.path().join("log"));
            if quietly(start.args(["-w", "-t", "60", "-o", &options, "start"])) {
                self.running = true;
                return;
            }
            // The port was taken, or children of the last one are still going.
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start: {log}");
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn die(&mut self, death: Death) {
        match death {
            Death::Kill => {
                let file = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
                let postmaster = file.lines().next().unwrap();
                assert!(quietly(Command::new("kill").args(["-9", postmaster])));
            }
            Death::Immediate => self.stop(),
        }
        self.running = false;
    }

    fn stop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D").arg(self.data());
        quietly(stop.args(["-m", "immediate", "-w", "stop"]));
        self.running = false;
    }

    /// A copy of this one that follows it, not started.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::folder();
        let mut copy = standby.command("pg_basebackup");
        copy.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &self.port.to_string(),
        ]);
        copy.args(["-X", "stream", "-R", "-c", "fast", "-D"])
            .arg(standby.data());
        assert!(quietly(&mut copy), "pg_basebackup failed");
        standby
    }

    /// Makes commits wait for the standby from now on.
    pub(crate) async fn wait_for_sync(&self) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        for setting in [
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ] {
            sqlx::raw_sql(setting)
                .execute(&mut connection)
                .await
                .unwrap();
        }
        loop {
            let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            let standbys: i64 = sqlx::query_scalar(state)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if standbys == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        connection.close().await.unwrap();
    }

    pub(crate) fn promote(&self) {
        let mut promote = self.command("pg_ctl");
        promote.arg("-D").arg(self.data());
        assert!(
            quietly(promote.args(["-w", "-t", "60", "promote"])),
            "no promotion"
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.running {
            self.stop();
        }
    }
}
