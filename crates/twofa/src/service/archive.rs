//! Retention: old events leave their chains for a file, and a checkpoint stands in their place.
//!
//! What is to leave is written first, and taken out once it is durable, page by page: killed at any moment, nothing
//! is lost. What was written and not taken out is written once more by the next run, in a part of its own, and read
//! only once.

use twofa_types::UnixTime;

use super::TwoFactor;
use super::checkpoint::{Checkpoint, Part};
use super::pages::Pages;
use super::verify::{ManyChains, RECORDS};
use crate::directory::Directory;
use crate::error::Error;
use crate::keys::Keys;
use crate::retry::Tries;
use crate::store::{Applied, Cut, HeadRow, Store, Subject, SubjectEvent};

/// How many events are written and taken out at a time.
const BATCH: usize = 1_000;

/// An event that leaves the store, or lies in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedEvent {
    /// The event.
    pub event: SubjectEvent,
    /// Where a part begins: the code of the event before it, of which nothing needs to be in the same file. All others
    /// follow the one before them in the file.
    pub before: Option<[u8; 32]>,
}

/// Archived events as they lie in their files, in the order of the lines.
pub type ArchivedEvents<'a> = dyn Iterator<Item = Result<ArchivedEvent, Box<dyn std::error::Error + Send + Sync>>>
    + Send
    + 'a;

/// Where events go that leave the store.
pub trait ArchiveSink: Send {
    /// Trouble with the file.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Keeps these for good, in this order. They leave the store once this has returned, so that it must not return
    /// before they would survive a power cut.
    fn keep(
        &mut self,
        page: &[ArchivedEvent],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What was archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveDone {
    /// Events that left the store.
    pub events: u64,
    /// Chains that they belonged to.
    pub chains: u64,
    /// Chains with a bad place before the date, left as they are from there on: what was altered must not leave the
    /// place where it is found.
    pub left: u64,
}

/// What is written next.
#[derive(Default)]
struct Batch {
    page: Vec<ArchivedEvent>,
    cuts: Vec<(Subject, u64, Checkpoint)>,
}

/// A chain on its way out.
struct Leaving {
    /// How far it was taken out.
    checkpoint: Checkpoint,
    part: Part,
    /// The last one that was read: it leaves once another one is seen behind it.
    held: Option<SubjectEvent>,
    /// Events that are in the batch.
    events: u64,
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Takes events from before a time out of all chains, the store's own too, and gives them to `sink`. Each chain
    /// keeps its last event, whatever its age, and what it has is checked as before without those that left. Logins
    /// may go on meanwhile. Ended at any moment and begun again, it goes on.
    ///
    /// Notices from before that time leave as well: whoever mails them, or copies events by their cursors, should
    /// have read beyond it. Nobody is asked who they are, and no event says that it was done: a
    /// [`Head`](crate::Head) stays the same.
    ///
    /// # Errors
    ///
    /// [`Error::Archive`] when the sink fails; [`Error::Store`]; [`Error::Unreadable`] where a key is missing;
    /// [`Error::Contended`] where somebody else archives at the same time. What was taken out until then is in the
    /// sink.
    pub async fn archive<K: ArchiveSink>(
        &self,
        before: UnixTime,
        sink: &mut K,
    ) -> Result<ArchiveDone, Error> {
        // Nothing is written for a store that cannot let go of it.
        let able = self.store.cut(self.keys().await?.version(), &[]).await;
        able.map_err(Error::store).map(drop)?;
        let mut done = ArchiveDone::default();
        let mut batch = Batch::default();
        let mut pages = Pages::of("heads");
        loop {
            let after = pages.after().cloned();
            let page = self.store.heads(None, after.as_ref(), u64::MAX, RECORDS);
            let page = page.await.map_err(Error::store)?;
            let more = pages.read(&page, RECORDS, |row| row.subject.clone())?;
            let until = page.last().map(|row| row.subject.clone());
            let mut events = ManyChains::between(after, until, 0);
            for row in page.iter().filter(|row| !row.subject.is_foreign()) {
                self.archive_chain(row, before, &mut events, &mut batch, sink, &mut done)
                    .await?;
            }
            if !more {
                break;
            }
        }
        self.take_out(&mut batch, sink, &mut done).await?;
        Ok(done)
    }

    async fn archive_chain<K: ArchiveSink>(
        &self,
        row: &HeadRow,
        before: UnixTime,
        events: &mut ManyChains,
        batch: &mut Batch,
        sink: &mut K,
        done: &mut ArchiveDone,
    ) -> Result<(), Error> {
        let subject = &row.subject;
        let keys = self.keys().await?;
        let checkpoint = match &row.checkpoint {
            None => Some(Checkpoint::default()),
            Some(bytes) => Checkpoint::open(&keys, subject, bytes).ok(),
        };
        let Some(checkpoint) = checkpoint else {
            done.left += 1;
            return Ok(());
        };
        let mut leaving = Leaving {
            checkpoint,
            part: Part::after(&checkpoint),
            held: None,
            events: 0,
        };
        // What the next one is compared with: one further than what leaves.
        let mut seen = Part::after(&checkpoint);
        while let Some(event) = events.next_of(&self.store, subject).await? {
            let right = seen.goes_on_with(&keys, &event);
            if !right.map_err(|source| Error::unreadable(subject, source))? {
                done.left += 1;
                leaving.held = None;
                break;
            }
            if let Some(held) = leaving.held.take() {
                leaving.leave(&keys, held, batch)?;
            }
            if event.row.at >= before {
                break;
            }
            leaving.held = Some(event);
            if batch.page.len() >= BATCH {
                leaving.close(subject, batch);
                self.take_out(batch, sink, done).await?;
            }
        }
        events.skip(subject);
        leaving.close(subject, batch);
        done.chains += u64::from(leaving.events > 0);
        Ok(())
    }

    /// Writes what is to leave, and only then takes it out.
    async fn take_out<K: ArchiveSink>(
        &self,
        batch: &mut Batch,
        sink: &mut K,
        done: &mut ArchiveDone,
    ) -> Result<(), Error> {
        let Batch { page, cuts } = std::mem::take(batch);
        if cuts.is_empty() {
            return Ok(());
        }
        let kept = sink.keep(&page).await;
        kept.map_err(|error| Error::Archive(Box::new(error)))?;
        let events = u64::try_from(page.len()).unwrap_or(u64::MAX);
        self.lay_down(&cuts).await?;
        done.events += events;
        Ok(())
    }

    /// Under the keys as they stand, whatever becomes of them meanwhile.
    async fn lay_down(&self, cuts: &[(Subject, u64, Checkpoint)]) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let keys = self.keys().await?;
            let sealed = cuts.iter().map(|(subject, from, checkpoint)| {
                let bytes = checkpoint.seal(&keys, subject);
                Ok(Cut {
                    subject: subject.clone(),
                    from: *from,
                    to: checkpoint.seq,
                    checkpoint: bytes.map_err(|source| Error::unreadable(subject, source))?,
                })
            });
            let sealed = sealed.collect::<Result<Vec<_>, Error>>()?;
            let cut = self.store.cut(keys.version(), &sealed).await;
            match cut.map_err(Error::store)? {
                Applied::Committed => return Ok(()),
                Applied::Conflict => return Err(Error::Contended { attempts: 1 }),
                Applied::Stale => self.keys.look_again(),
            }
            tries.again().await?;
        }
    }

    /// Puts every checkpoint under the active key.
    pub(super) async fn reseal_checkpoints(&self) -> Result<(), Error> {
        let mut pages = Pages::of("heads");
        loop {
            let page = self.store.heads(None, pages.after(), u64::MAX, RECORDS);
            let page = page.await.map_err(Error::store)?;
            let keys = self.keys().await?;
            let active = Some(keys.active_id());
            for row in &page {
                let older = |bytes: &&Vec<u8>| crate::seal::key_id(bytes) != active;
                let Some(bytes) = row.checkpoint.as_ref().filter(older) else {
                    continue;
                };
                // One that was altered stays, and is found.
                if let Ok(checkpoint) = Checkpoint::open(&keys, &row.subject, bytes) {
                    let cut = (row.subject.clone(), checkpoint.seq, checkpoint);
                    self.lay_down(&[cut]).await?;
                }
            }
            if !pages.read(&page, RECORDS, |row| row.subject.clone())? {
                return Ok(());
            }
        }
    }
}

impl Leaving {
    fn leave(&mut self, keys: &Keys, event: SubjectEvent, batch: &mut Batch) -> Result<(), Error> {
        let before = self.part.is_empty().then_some(self.part.mac);
        let right = self.part.goes_on_with(keys, &event);
        right.map_err(|source| Error::unreadable(&event.subject, source))?;
        self.events += 1;
        batch.page.push(ArchivedEvent { event, before });
        Ok(())
    }

    /// The part that is in the batch ends here.
    fn close(&mut self, subject: &Subject, batch: &mut Batch) {
        if self.part.is_empty() {
            return;
        }
        let from = self.checkpoint.seq;
        self.checkpoint = self.checkpoint.then(&self.part);
        self.part = Part::after(&self.checkpoint);
        batch.cuts.push((subject.clone(), from, self.checkpoint));
    }
}
