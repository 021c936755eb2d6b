//! What the process holds in memory. Sign-ins cost some by design: however many arrive, and however many hang up,
//! it is bounded. And keys lie there, which no core file may carry away.

use std::time::Duration;

use openidconnect::reqwest::Method;

use crate::server::Server;
use crate::visitor::Visitor;

/// The most that the process has ever held in memory, in MiB.
fn most_held(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() / 1024
}

/// Hashing takes 19 MiB a time, two at a time; three hundred at a time would be 5,700.
#[tokio::test(flavor = "multi_thread")]
async fn many_sign_ins_at_once_take_no_more_memory_than_a_few() {
    let server = Server::start();
    let mut visitor = Visitor::new(&server);
    visitor.get("/login").await;
    let before = most_held(&server);
    // Those with little patience hang up while their password is being looked at.
    for (people, apart, patience) in [(300, 10, 40), (60, 0, 60_000)] {
        let (apart, patience) = (
            Duration::from_millis(apart),
            Duration::from_millis(patience),
        );
        let tasks: Vec<_> = (0..people)
            .map(|number| {
                let form = [
                    ("csrf", visitor.csrf.as_str()),
                    ("email", "ann@acme.example"),
                    ("password", "guess"),
                ];
                let request = visitor.request(Method::POST, "/login").form(&form);
                tokio::spawn(async move {
                    tokio::time::sleep(apart * number).await;
                    // Whether it is answered in time is not what is measured.
                    request.timeout(patience).send().await.is_ok()
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    let more = most_held(&server).saturating_sub(before);
    println!("{before} MiB and {more} more");
    assert!(more < 400, "{more} MiB more than {before}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_crash_leaves_no_core_file() {
    let server = Server::start();
    let process = server.process();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{core:?}");
}
