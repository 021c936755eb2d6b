//! Lists that are read page by page, from sources that this crate did not write.

use crate::error::Error;
use crate::store::is_full;

/// Where a list stands. A source that does not go on after what it was given is an error: following it would never
/// end.
pub(super) struct Pages<K> {
    /// The call, for the error.
    of: &'static str,
    after: Option<K>,
}

impl<K: PartialEq> Pages<K> {
    pub(super) fn of(call: &'static str) -> Self {
        Self {
            of: call,
            after: None,
        }
    }

    /// What the next page is to come after.
    pub(super) fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// Takes a page that was read with `limit`, and says whether more may follow.
    pub(super) fn read<T>(
        &mut self,
        page: &[T],
        limit: u32,
        key: impl Fn(&T) -> K,
    ) -> Result<bool, Error> {
        let last = page.last().filter(|_| is_full(page, limit)).map(key);
        if last.is_some() && last == self.after {
            return Err(Error::StandsStill { call: self.of });
        }
        let more = last.is_some();
        self.after = last.or(self.after.take());
        Ok(more)
    }
}
