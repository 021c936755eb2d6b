//! After a backup was restored: who is behind what was exported since, and proofs from before.

use twofa_types::Name;

use super::TwoFactor;
use super::checkpoint::Checkpoint;
use super::key_changes::at_rest;
use crate::directory::Directory;
use crate::error::Error;
use crate::retry::Tries;
use crate::store::{Store, Subject};

/// Somebody whose chain went further than the store now knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Whose chain.
    pub subject: Subject,
    /// The number of the last event that was exported.
    pub exported: u64,
    /// The number of the last event that is there.
    pub stored: u64,
}

/// What has become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It is as it was, in its place or as the last that was archived.
    There,
    /// It was archived, and the store cannot say whether as it was.
    Archived,
    /// It is not there, or another is.
    Missing,
}

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// Whose events went further, in a copy that was kept elsewhere, than the store knows after a backup was
    /// restored: subject, number and code of the last exported event of each. Among them is whoever was reset since,
    /// whose lost phone the backup brings back.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn restore_check(
        &self,
        exported: impl IntoIterator<Item = (Subject, u64, [u8; 32]), IntoIter: Send> + Send,
    ) -> Result<Vec<Behind>, Error> {
        let mut behind = Vec::new();
        for (subject, seq, mac) in exported {
            // A chain that was archived beyond the event went further, not less far.
            if self.holds_event(&subject, seq, &mac).await? == Held::Missing {
                let found = self.store.load(&subject).await.map_err(Error::store)?;
                behind.push(Behind {
                    subject,
                    exported: seq,
                    stored: found.last_event,
                });
            }
        }
        Ok(behind)
    }

    /// Whether an event is there, of that number and with that code.
    pub(super) async fn holds_event(
        &self,
        subject: &Subject,
        seq: u64,
        mac: &[u8; 32],
    ) -> Result<Held, Error> {
        let page = self.store.chain(subject, seq.saturating_sub(1), 1).await;
        let page = page.map_err(Error::store)?;
        if let Some(event) = page.first().filter(|event| event.row.seq == seq) {
            let same = event.row.mac == *mac;
            return Ok(if same { Held::There } else { Held::Missing });
        }
        let checkpoint = self.store.checkpoint(subject).await.map_err(Error::store)?;
        let Some(checkpoint) = checkpoint else {
            return Ok(Held::Missing);
        };
        let keys = self.keys().await?;
        let checkpoint = Checkpoint::open(&keys, subject, &checkpoint);
        Ok(match checkpoint {
            Ok(last) if last.seq == seq && last.mac == *mac => Held::There,
            Ok(last) if last.seq > seq => Held::Archived,
            _ => Held::Missing,
        })
    }

    /// Voids every proof that was made until now, on each instance within a second and for good: everybody signs in
    /// again. For a restored backup, and for sessions that may have leaked. An operator answers for it, on a ticket;
    /// both are on the store's own chain.
    ///
    /// # Errors
    ///
    /// [`KeyringError::NotInstalled`](crate::KeyringError::NotInstalled) for a store that a version before made and
    /// that was not migrated; [`Error::Store`]; [`Error::Contended`].
    pub async fn void_proofs(&self, operator: &Name, ticket: &Name) -> Result<(), Error> {
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let (_, stored, mut draft) = self.draft().await?;
            draft.void_proofs().map_err(at_rest)?;
            let detail = Some(format!("by {operator}, ticket {ticket}"));
            let (version, now) = (stored.version, self.now());
            if self
                .write_draft(version, &mut draft, "proofs-voided", detail, now)
                .await?
            {
                return Ok(());
            }
            tries.again().await?;
        }
    }
}
