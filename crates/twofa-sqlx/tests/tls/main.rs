//! TLS to PostgreSQL: a server with a certificate that the test made, and each `sslmode`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong around a test has nobody to be reported to"
)]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../crash/cluster.rs"]
mod cluster;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use cluster::Cluster;
use support::{change, member};
use twofa::{Applied, Store as _};
use twofa_sqlx::{PgStore, sqlx};

/// What a tool of Debian's does in a folder.
fn openssl(folder: &Path, args: &str) {
    let done = Command::new("openssl")
        .args(args.split(' '))
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|e| panic!("openssl ({e}): apt-get install -y openssl"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {args}: {said}");
}

/// Two authorities, and a certificate of the first one's for `localhost`.
fn certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for authority in ["ca", "other"] {
        openssl(
            folder,
            &format!(
                "req -x509 {key} -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
            ),
        );
    }
    openssl(
        folder,
        &format!("req {key} -subj /CN=localhost -keyout server.key -out server.csr"),
    );
    std::fs::write(
        folder.join("names"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
}

#[tokio::test]
async fn each_sslmode_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let mut cluster = Cluster::new();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (from, to) in [("server.pem", "server.crt"), ("server.key", "server.key")] {
        cluster.gives(&folder.path().join(from), to);
    }
    cluster.start(&["ssl=on"]);
    let local = cluster.url();
    let url = local.replace("127.0.0.1", "localhost");
    let root = |root: &str| format!("sslrootcert={}", at(root));

    let (store, _) = PgStore::create(&format!("{url}?sslmode=require"))
        .await
        .unwrap();
    let zoe = member("acme", "zoe");
    let applied = store.apply(&change(&zoe, 0)).await.unwrap();
    assert_eq!(applied, Applied::Committed);
    let encrypted: bool =
        sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(store.pool())
            .await
            .unwrap();
    assert!(encrypted);
    store.close().await;

    for (name, opens, what) in [
        (
            format!("{url}?sslmode=verify-full&{}", root("ca.pem")),
            true,
            "the right authority",
        ),
        (
            format!("{local}?sslmode=verify-ca&{}", root("ca.pem")),
            true,
            "any name",
        ),
        (
            format!("{url}?sslmode=verify-full&{}", root("other.pem")),
            false,
            "another authority",
        ),
        (
            format!("{local}?sslmode=verify-full&{}", root("ca.pem")),
            false,
            "another name",
        ),
        (format!("{url}?sslmode=verify-full"), false, "nobody known"),
        (
            format!("{local}?sslmode=require&{}", root("ca.pem")),
            true,
            "an authority that is named is asked, as by libpq",
        ),
        (
            format!("{local}?{}&sslmode=require", root("other.pem")),
            false,
            "and the wrong one knows nothing of it",
        ),
        (format!("{url}?sslmode=disable"), true, "this machine"),
    ] {
        let opened = PgStore::open(&name).await;
        match (opened, opens) {
            (Ok(store), true) => store.close().await,
            (Err(error), false) => assert_eq!(error.code(), "store-unreachable", "{error}"),
            (Ok(_), false) => panic!("{what}: opened"),
            (Err(error), true) => panic!("{what}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let server = std::env::var("TWOFA_TEST_POSTGRES").unwrap();
    let error = PgStore::open(&format!("{server}?sslmode=require"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "store-unreachable");
    assert!(error.to_string().contains("TLS"), "{error}");
}
