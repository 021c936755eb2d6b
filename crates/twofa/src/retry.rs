//! The one retry policy for a write that another writer came before.

use std::future;
use std::task::Poll;

use crate::Error;

/// Counts the tries of one operation.
pub(crate) struct Tries {
    most: u32,
    made: u32,
}

impl Tries {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, made: 0 }
    }

    /// Gives way to other tasks, and lets the caller try once more; an error when that was the last try.
    pub(crate) async fn again(&mut self) -> Result<(), Error> {
        self.made += 1;
        if self.made >= self.most {
            return Err(Error::Contended {
                attempts: self.made,
            });
        }
        let mut gave_way = false;
        future::poll_fn(|context| {
            if std::mem::replace(&mut gave_way, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        Ok(())
    }
}
