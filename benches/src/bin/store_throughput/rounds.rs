//! Many at once, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One round: how long it took, and how long each call.
pub(crate) struct Round {
    whole: Duration,
    calls: Vec<Duration>,
}

/// Runs `call` for each number below `number`, `at_once` at a time.
pub(crate) async fn run<F, R>(number: usize, at_once: usize, call: F) -> Round
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (next, call) = (Arc::clone(&next), call.clone());
            tokio::spawn(async move {
                let mut calls = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= number {
                        return calls;
                    }
                    let start = Instant::now();
                    call(n).await;
                    calls.push(start.elapsed());
                }
            })
        })
        .collect();
    let mut calls = Vec::with_capacity(number);
    for task in tasks {
        calls.extend(task.await.unwrap());
    }
    Round {
        whole: start.elapsed(),
        calls,
    }
}

/// All rounds of one kind of call.
#[derive(Default)]
pub(crate) struct Rounds {
    per_second: Vec<f64>,
    calls: Vec<Duration>,
}

impl Rounds {
    /// Adds a round; drops the first.
    pub(crate) fn add(&mut self, round: usize, done: Round) {
        if round > 0 {
            let calls = u32::try_from(done.calls.len()).unwrap();
            self.per_second
                .push(f64::from(calls) / done.whole.as_secs_f64());
            self.calls.extend(done.calls);
        }
    }

    /// The median of the rounds' throughputs divided by those of the same rounds of `other`.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        let ratios = self
            .per_second
            .iter()
            .zip(&other.per_second)
            .map(|(a, b)| a / b);
        median(ratios.collect())
    }

    /// The median call, in seconds.
    pub(crate) fn typical(&self) -> f64 {
        median(self.calls.iter().map(Duration::as_secs_f64).collect())
    }

    pub(crate) fn print(&self, name: &str) {
        let mut calls = self.calls.clone();
        calls.sort_unstable();
        let at = |percent: usize| calls[(calls.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        println!(
            "  {name}: {:.0}/s, p50 {:.3} ms, p99 {:.3} ms",
            median(self.per_second.clone()),
            at(50),
            at(99)
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
