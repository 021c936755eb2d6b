//! What a store under test is given by: [`Harness`], and the one for the store in memory.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use twofa_policy::{ProjectSettings, Role};
use twofa_types::{ProjectId, UnixTime, UserId};

use super::Hand;
use crate::{Directory, MemoryDirectory, MemoryStore, Store};

/// A store to be tested, and the directory that goes with it.
///
/// Each check gets a harness of its own, whose store is empty at first. It opens the store as often as it
/// likes: what was written through one handle must be there in the next, as after a restart, or in another
/// process. Where it can be had, make `open` connect anew.
///
/// Checks run on plain threads. Those that race start up to 64 of them, and each calls
/// [`block_on`](Harness::block_on); with tokio, a multi-threaded `Runtime` inside the harness does it.
///
/// ```
/// use std::sync::Arc;
/// use twofa::testkit::{self, Harness};
/// use twofa::policy::{ProjectSettings, Role};
/// use twofa::types::{ProjectId, UserId};
/// use twofa::{MemoryDirectory, MemoryStore};
///
/// #[derive(Default)]
/// struct Mine {
///     // A real one: a database of its own for each test, and the runtime that its driver needs.
///     store: Arc<MemoryStore>,
///     directory: Arc<MemoryDirectory>,
/// }
///
/// impl Harness for Mine {
///     type Store = Arc<MemoryStore>;
///     type Directory = Arc<MemoryDirectory>;
///
///     async fn open(&self) -> (Self::Store, Self::Directory) {
///         (Arc::clone(&self.store), Arc::clone(&self.directory))
///     }
///
///     async fn put_project(&self, project: &ProjectId, settings: ProjectSettings) {
///         self.directory.set_project(project, settings);
///     }
///
///     async fn put_member(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
///         match role {
///             Some(role) => self.directory.set_member(project, user, role),
///             None => self.directory.remove_member(project, user),
///         }
///     }
///
///     fn block_on<F: Future>(&self, future: F) -> F::Output {
///         testkit::block_on(future)
///     }
/// }
///
/// testkit::contract::a_stale_write_changes_nothing(&Mine::default());
/// ```
pub trait Harness: Sync {
    /// The store.
    type Store: Store;
    /// The directory.
    type Directory: Directory;

    /// Opens store and directory: empty the first time, and the same data anew each time after.
    fn open(&self) -> impl Future<Output = (Self::Store, Self::Directory)> + Send;

    /// Adds a project to the directory, or changes its settings. They must be read back as they are put, also
    /// where the application itself has one set of rules for everybody.
    fn put_project(
        &self,
        project: &ProjectId,
        settings: ProjectSettings,
    ) -> impl Future<Output = ()> + Send;

    /// Adds a member to a project of the directory, changes their role, or takes them out (`None`).
    fn put_member(
        &self,
        project: &ProjectId,
        user: &UserId,
        role: Option<Role>,
    ) -> impl Future<Output = ()> + Send;

    /// Does what a [`Hand`] in the database does, past the store's own calls, and says whether that can be done here.
    /// Where it cannot, as by default, the checks of how damage is recovered check nothing.
    fn tamper(&self, hand: Hand<'_>) -> impl Future<Output = bool> + Send {
        let _ = hand;
        std::future::ready(false)
    }

    /// Drives a future to its end on the calling thread. Called from many threads at once.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// The harness of [`MemoryStore`] and [`MemoryDirectory`].
#[derive(Debug, Default)]
pub struct MemoryHarness {
    store: Arc<MemoryStore>,
    directory: Arc<MemoryDirectory>,
}

impl Harness for MemoryHarness {
    type Store = Arc<MemoryStore>;
    type Directory = Arc<MemoryDirectory>;

    async fn open(&self) -> (Self::Store, Self::Directory) {
        (Arc::clone(&self.store), Arc::clone(&self.directory))
    }

    async fn put_project(&self, project: &ProjectId, settings: ProjectSettings) {
        self.directory.set_project(project, settings);
    }

    async fn put_member(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
        match role {
            Some(role) => self.directory.set_member(project, user, role),
            None => self.directory.remove_member(project, user),
        }
    }

    async fn tamper(&self, hand: Hand<'_>) -> bool {
        self.store.tamper(hand);
        true
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future that needs no runtime: it sleeps until it is woken, and no more.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A clock that stands where it is put. Its copies are the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock that stands at `time`.
    pub fn at(time: UnixTime) -> Self {
        Self(Arc::new(AtomicU64::new(time.as_secs())))
    }

    /// What it shows.
    pub fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }

    /// Puts it.
    pub fn set(&self, time: UnixTime) {
        self.0.store(time.as_secs(), Ordering::SeqCst);
    }

    /// Puts it forward.
    pub fn forward(&self, seconds: u64) {
        self.set(self.now().saturating_add(seconds));
    }

    /// Puts it back.
    pub fn back(&self, seconds: u64) {
        self.set(self.now().saturating_sub(seconds));
    }

    /// As [`Builder::clock`](crate::Builder::clock) takes one.
    pub fn reading(&self) -> impl Fn() -> UnixTime + Send + Sync + 'static {
        let clock = self.clone();
        move || clock.now()
    }
}
