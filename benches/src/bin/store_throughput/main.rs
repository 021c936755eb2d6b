//! What a login costs on a store: the whole `answer` beside the same statements issued raw on the same pool,
//! and beside a bare conditional `UPDATE`, in turns within one process; and the same as factors grow in number.
//!
//! ```text
//! store_throughput throughput postgres://... | FILE      at 1, 8 and 32 at once
//! store_throughput growth     postgres://... | FOLDER    10^3 to 10^6 factors, a database for each
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `service.rs` | people who have set up, and log in again and again |
//! | `raw.rs` | the statements of an answer, and the bare update |
//! | `fill.rs` | factors and events of people who never come |
//! | `rounds.rs` | many at once, and what is counted |
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that fails has nothing to report"
)]

mod fill;
mod raw;
mod rounds;
mod service;

use std::str::FromStr;

use raw::Raw;
use rounds::Rounds;
use service::People;
use twofa_sqlx::sqlx::postgres::{PgConnectOptions, PgConnection};
use twofa_sqlx::sqlx::{self, AssertSqlSafe, Connection};
use twofa_sqlx::{Database, Limits, PgStore};

/// Short rounds in turns, so that whatever else the machine does falls on all of them.
const ROUNDS: usize = 90;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    twofa_benches::header("what a login costs on a store");
    match arguments.as_slice() {
        ["throughput", target] => throughput(target).await,
        ["growth", target] => growth(target).await,
        _ => panic!("usage: store_throughput throughput|growth TARGET"),
    }
}

/// A store with at most `connections` at once. SQLite's pool has one size; its writers queue anyway.
async fn open(target: &str, connections: usize) -> Database {
    if target.starts_with("postgres") {
        let options = PgConnectOptions::from_str(target).unwrap();
        let connections = u32::try_from(connections).unwrap();
        let limits = Limits::default().with_connections(connections);
        PgStore::create(target).await.unwrap().0.close().await;
        Database::Postgres(PgStore::open_with(options, limits).await.unwrap())
    } else {
        Database::create(target).await.unwrap().0
    }
}

async fn throughput(target: &str) {
    for at_once in [1, 8, 32] {
        let number = if at_once == 1 { 50 } else { 10 * at_once };
        let database = open(target, at_once).await;
        let people = People::set_up(&database, &format!("service{at_once}"), number).await;
        let sample = people.sample().await;
        let raw = Raw::set_up(&database, &format!("raw{at_once}"), number, &sample).await;
        let (mut begin, mut answer) = (Rounds::default(), Rounds::default());
        let (mut statements, mut bare) = (Rounds::default(), Rounds::default());
        // The first round warms caches and prepared statements, and is dropped.
        for round in 0..=ROUNDS {
            let order: [usize; 3] = match round % 3 {
                0 => [0, 1, 2],
                1 => [1, 2, 0],
                _ => [2, 0, 1],
            };
            for kind in order {
                match kind {
                    0 => {
                        let parked = people.begin(at_once).await;
                        let answered = people.answer(at_once).await;
                        begin.add(round, parked);
                        answer.add(round, answered);
                    }
                    1 => {
                        raw.park(at_once).await;
                        statements.add(round, raw.answer(at_once).await);
                    }
                    _ => bare.add(round, raw.bare(at_once).await),
                }
            }
        }
        println!("{at_once} at once");
        begin.print("begin (standing, load, park)");
        answer.print("answer (resume, standing, apply)");
        statements.print("the same statements, raw");
        bare.print("bare conditional update");
        println!(
            "  answer / raw statements = {:.3}   answer / bare update = {:.3}",
            answer.ratio(&statements),
            answer.ratio(&bare),
        );
        database.close().await;
    }
}

async fn growth(target: &str) {
    let mut stores = Vec::new();
    for (name, factors) in [
        ("e3", 1_000),
        ("e4", 10_000),
        ("e5", 100_000),
        ("e6", 1_000_000),
    ] {
        let url = if target.starts_with("postgres") {
            let mut connection = PgConnection::connect(target).await.unwrap();
            let create = AssertSqlSafe(format!("CREATE DATABASE twofa_{name}"));
            sqlx::raw_sql(create)
                .execute(&mut connection)
                .await
                .unwrap();
            let (server, _) = target.rsplit_once('/').unwrap();
            format!("{server}/twofa_{name}")
        } else {
            format!("{target}/{name}.db")
        };
        let database = open(&url, 8).await;
        let people = People::set_up(&database, "acme", 60).await;
        let sample = people.sample().await;
        let size = fill::fill(&database, factors - 60, &sample).await;
        println!("{factors} factors: {size}");
        stores.push((
            factors,
            database,
            people,
            Rounds::default(),
            Rounds::default(),
        ));
    }
    for round in 0..=ROUNDS {
        for (_, _, people, begin, answer) in &mut stores {
            begin.add(round, people.begin(1).await);
            answer.add(round, people.answer(1).await);
        }
    }
    let mut first = None;
    for (factors, database, _, begin, answer) in stores {
        println!("{factors} factors, one at a time");
        begin.print("begin");
        answer.print("answer");
        let typical = begin.typical() + answer.typical();
        let first = *first.get_or_insert(typical);
        println!(
            "  a typical login / that with 10^3 = {:.3}",
            typical / first
        );
        database.close().await;
    }
}
