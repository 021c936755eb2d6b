//! [`forward_store!`](crate::forward_store): a store in front of another.

use std::sync::Arc;

use super::Store;

/// Writes the named methods of [`Store`](crate::Store), each of which asks the store beneath. For a store that
/// wraps another and does a few of its calls differently. `heads` and `chains` that are not named are answered by way
/// of `subjects` and `chain`, as the wrapper has them.
///
/// `forward_store!(self => self.inner; load, park)` asks `self.inner`. With `self => self.inner, via self.watch;`
/// the future of each call goes through a method of the wrapper's own, which may turn its error into another.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use twofa::{Applied, Change, MemoryStore, Store, forward_store};
///
/// /// Counts how often a writer came too late.
/// struct Counting<S> {
///     inner: S,
///     conflicts: AtomicU64,
/// }
///
/// impl<S: Store> Store for Counting<S> {
///     type Error = S::Error;
///
///     async fn apply(&self, change: &Change) -> Result<Applied, Self::Error> {
///         let applied = self.inner.apply(change).await?;
///         if applied == Applied::Conflict {
///             self.conflicts.fetch_add(1, Ordering::Relaxed);
///         }
///         Ok(applied)
///     }
///
///     forward_store! { self => self.inner;
///         load, resume, drain, park, sweep, factors, subjects, orphans, remains, chain,
///         heads, chains, checkpoint, cut, events, horizon, latest, notices
///     }
/// }
/// # let store = Counting { inner: MemoryStore::new(), conflicts: AtomicU64::new(0) };
/// # let page = futures_lite::future::block_on(store.subjects(None, None, 9));
/// # assert!(page.is_ok_and(|page| page.is_empty()));
/// ```
#[macro_export]
macro_rules! forward_store {
    ($this:ident => $inner:expr; $($method:ident),+ $(,)?) => {
        $($crate::forward_store! { @$method $this [$inner] })+
    };
    ($this:ident => $inner:expr, via $that:ident.$via:ident; $($method:ident),+ $(,)?) => {
        $($crate::forward_store! { @$method $this [$inner, $via] })+
    };

    (@load $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            load(subject: &$crate::Subject) -> $crate::Found }
    };
    (@resume $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            resume(login: &$crate::lifecycle::LoginHash) -> Option<$crate::Resumed> }
    };
    (@apply $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            apply(change: &$crate::Change) -> $crate::Applied }
    };
    (@drain $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how drain() -> () }
    };
    (@park $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            park(subject: &$crate::Subject, login: &$crate::lifecycle::ParkedLogin) -> () }
    };
    (@sweep $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            sweep(before: $crate::types::UnixTime, limit: u32) -> u64 }
    };
    (@factors $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            factors(
                project: &$crate::types::ProjectId,
                after: Option<&$crate::types::UserId>,
                limit: u32
            ) -> Vec<$crate::FactorRow> }
    };
    (@subjects $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            subjects(
                project: Option<&$crate::types::ProjectId>,
                after: Option<&$crate::Subject>,
                limit: u32
            ) -> Vec<$crate::RecordRow> }
    };
    (@orphans $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            orphans(
                project: Option<&$crate::types::ProjectId>,
                after: Option<&$crate::Subject>,
                limit: u32
            ) -> Vec<$crate::Subject> }
    };
    (@remains $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            remains(subject: &$crate::Subject) -> $crate::Remains }
    };
    (@chain $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            chain(subject: &$crate::Subject, after: u64, limit: u32)
                -> Vec<$crate::SubjectEvent> }
    };
    (@heads $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            heads(
                project: Option<&$crate::types::ProjectId>,
                after: Option<&$crate::Subject>,
                up_to: u64,
                limit: u32
            ) -> Vec<$crate::HeadRow> }
    };
    (@chains $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            chains(span: &$crate::ChainSpan<'_>, limit: u32) -> Vec<$crate::SubjectEvent> }
    };
    (@checkpoint $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            checkpoint(subject: &$crate::Subject) -> Option<Vec<u8>> }
    };
    (@cut $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how cut(installation: u64, cuts: &[$crate::Cut]) -> $crate::Applied }
    };
    (@events $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            events(project: Option<&$crate::types::ProjectId>, after: u64, limit: u32)
                -> Vec<$crate::SubjectEvent> }
    };
    (@horizon $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how horizon() -> u64 }
    };
    (@latest $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            latest(
                project: &$crate::types::ProjectId,
                which: &$crate::EventQuery<'_>,
                limit: u32
            ) -> Vec<$crate::SubjectEvent> }
    };
    (@notices $this:ident $how:tt) => {
        $crate::forward_store! { @fn $this $how
            notices(project: &$crate::types::ProjectId, after: u64, limit: u32)
                -> Vec<$crate::SubjectEvent> }
    };

    (@fn $this:ident $how:tt $method:ident($($arg:ident: $type:ty),*) -> $out:ty) => {
        async fn $method(&$this $(, $arg: $type)*) -> ::core::result::Result<$out, Self::Error> {
            $crate::forward_store! { @ask $this $how $method($($arg),*) }
        }
    };
    (@ask $this:ident [$inner:expr] $method:ident($($arg:ident),*)) => {
        $crate::Store::$method(&$inner $(, $arg)*).await
    };
    (@ask $this:ident [$inner:expr, $via:ident] $method:ident($($arg:ident),*)) => {
        $this.$via($crate::Store::$method(&$inner $(, $arg)*)).await
    };
}

/// A store that many share.
impl<S: Store> Store for Arc<S> {
    type Error = S::Error;

    forward_store! { self => **self;
        load, resume, apply, drain, park, sweep, factors, subjects, orphans, remains, chain, heads,
        chains, checkpoint, cut, events, horizon, latest, notices
    }
}
