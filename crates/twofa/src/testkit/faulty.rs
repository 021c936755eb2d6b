//! Trouble on demand: [`FaultyStore`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{Store, forward_store};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Before it does anything: the connection is gone, the disk is full.
    Before,
    /// After it has done what it was asked: the reply is lost.
    After,
}

/// Why a call of a [`FaultyStore`] failed.
#[derive(Debug, thiserror::Error)]
pub enum FaultyError<E> {
    /// It was meant to.
    #[error("call {call} was made to fail")]
    Injected {
        /// Its number, from 1.
        call: u64,
    },
    /// The store beneath failed.
    #[error(transparent)]
    Inner(E),
}

/// A store some of whose calls fail. Calls are counted from 1, whatever they are.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    calls: AtomicU64,
    plan: Mutex<Option<Plan>>,
}

/// Which calls fail, and how.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Calls that are passed over first.
    over: u64,
    /// Calls that fail then.
    fails: u64,
    /// Whether calls that read count.
    reads: bool,
    fault: Fault,
}

impl<S: Store> FaultyStore<S> {
    /// Nothing fails yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            calls: AtomicU64::new(0),
            plan: Mutex::new(None),
        }
    }

    /// Counts calls from 1 again, and makes call `number` fail.
    pub fn fail_call(&self, number: u64, fault: Fault) {
        self.plan(Some(Plan {
            over: number.saturating_sub(1),
            fails: 1,
            reads: true,
            fault,
        }));
    }

    /// Counts calls from 1 again, and makes the next call that writes fail: a crash before or after a commit.
    pub fn fail_next_write(&self, fault: Fault) {
        self.plan(Some(Plan {
            over: 0,
            fails: 1,
            reads: false,
            fault,
        }));
    }

    /// Makes every call fail from now on.
    pub fn fail_all(&self, fault: Fault) {
        self.plan(Some(Plan {
            over: 0,
            fails: u64::MAX,
            reads: true,
            fault,
        }));
    }

    /// Counts calls from 1 again, and lets them be.
    pub fn heal(&self) {
        self.plan(None);
    }

    /// Calls since the last plan.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The store beneath.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn plan(&self, plan: Option<Plan>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        self.calls.store(0, Ordering::SeqCst);
    }

    /// What is to become of the next call.
    fn next(&self, writes: bool) -> (u64, Option<Fault>) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(plan) = plan.as_mut().filter(|plan| writes || plan.reads) else {
            return (call, None);
        };
        if plan.over > 0 {
            plan.over -= 1;
            return (call, None);
        }
        if plan.fails == 0 {
            return (call, None);
        }
        plan.fails -= 1;
        (call, Some(plan.fault))
    }

    async fn read<T>(
        &self,
        inner: impl Future<Output = Result<T, S::Error>> + Send,
    ) -> Result<T, FaultyError<S::Error>> {
        self.call(false, inner).await
    }

    async fn write<T>(
        &self,
        inner: impl Future<Output = Result<T, S::Error>> + Send,
    ) -> Result<T, FaultyError<S::Error>> {
        self.call(true, inner).await
    }

    async fn call<T>(
        &self,
        writes: bool,
        inner: impl Future<Output = Result<T, S::Error>> + Send,
    ) -> Result<T, FaultyError<S::Error>> {
        let (call, fault) = self.next(writes);
        if fault == Some(Fault::Before) {
            return Err(FaultyError::Injected { call });
        }
        let done = inner.await.map_err(FaultyError::Inner)?;
        if fault == Some(Fault::After) {
            return Err(FaultyError::Injected { call });
        }
        Ok(done)
    }
}

impl<S: Store> Store for FaultyStore<S> {
    type Error = FaultyError<S::Error>;

    forward_store! { self => self.inner, via self.read;
        load, resume, factors, subjects, orphans, remains, chain, heads, chains, checkpoint,
        events, horizon, latest, notices
    }

    forward_store! { self => self.inner, via self.write;
        apply, cut, drain, park, sweep
    }
}
