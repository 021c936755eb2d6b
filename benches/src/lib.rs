//! A small harness for claims about speed: ours and a peer, in one process, in turns.
//!
//! Rounds of a fifth of a millisecond alternate between the two, so that whatever else the machine does falls on both;
//! the medians of the rounds are compared. It must never be part of a test: timing proves nothing there.
//!
//! | item | subject |
//! |---|---|
//! | [`header`] | names the processor, without which a figure says little |
//! | [`compare`] | `name: ours/peer = ratio`, with both in nanoseconds |
//! | [`measure`] | one of ours alone |
#![expect(clippy::print_stdout, reason = "printing figures is what it is for")]

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

/// Rounds of each side. Odd, so that the median is one of them.
const ROUNDS: usize = 501;

/// How long one round lasts, about.
const ROUND: Duration = Duration::from_micros(200);

/// Prints what is measured and on which processor.
pub fn header(subject: &str) {
    println!("# {subject}\n# processor: {}", processor());
}

/// The processor's name, as the operating system knows it.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model\t")) {
        (Some(name), Some(family), Some(model)) => {
            format!("{name} (family {family}, model {model})")
        }
        (Some(name), ..) => name,
        _ => "unknown".to_owned(),
    }
}

/// Measures `ours` beside `peer`, prints `name: ours/peer = ratio`, and returns the ratio of the medians.
pub fn compare<A, B>(name: &str, mut ours: impl FnMut() -> A, mut peer: impl FnMut() -> B) -> f64 {
    let (our_calls, peer_calls) = (calibrate(&mut ours), calibrate(&mut peer));
    let mut our_rounds = Vec::with_capacity(ROUNDS);
    let mut peer_rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        our_rounds.push(round(&mut ours, our_calls));
        peer_rounds.push(round(&mut peer, peer_calls));
    }
    let (our, other) = (median(our_rounds), median(peer_rounds));
    let ratio = our / other;
    let places = if ratio < 0.01 { 6 } else { 3 };
    println!("{name}: ours/peer = {ratio:.places$}   ({our:.1} ns / {other:.1} ns)");
    ratio
}

/// Measures one alone, prints and returns its nanoseconds, divided by `units`: how many things one call does.
pub fn measure<A>(name: &str, units: u32, mut run: impl FnMut() -> A) -> f64 {
    let calls = calibrate(&mut run);
    let rounds = (0..ROUNDS).map(|_| round(&mut run, calls)).collect();
    let ns = median(rounds) / f64::from(units);
    println!("{name}: {ns:.1} ns");
    ns
}

/// How many calls make up a round; warms up on the way.
fn calibrate<A>(run: &mut impl FnMut() -> A) -> u32 {
    let mut calls: u32 = 1;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(run());
        }
        if start.elapsed() >= ROUND || calls > u32::MAX / 2 {
            return calls;
        }
        calls *= 2;
    }
}

/// Nanoseconds a call, over one round.
fn round<A>(run: &mut impl FnMut() -> A, calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(run());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The comparison's code runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/COMPARE.md")]
pub struct Compare;
