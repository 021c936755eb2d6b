//! The installation's own record is repaired: it says which store this is and which keys it rests under, so that
//! without it nothing can be read.

use std::cmp::Ordering;

use twofa_lifecycle::EventKind;
use twofa_policy::MissingKey;
use twofa_types::Name;

use super::TwoFactor;
use super::key_changes::at_rest;
use super::recovery::version_of;
use super::verify::Fault;
use super::verify::recovered::TwinOn;
use crate::directory::Directory;
use crate::error::{Error, RestError};
use crate::installation::Installation;
use crate::keyring::{Keyring, KeyringError};
use crate::keys::{Draft, Keys};
use crate::retry::Tries;
use crate::seal;
use crate::store::{Applied, Found, Recovery, Store, Subject};

impl<S: Store, D: Directory> TwoFactor<S, D> {
    /// An operator repairs the store's own record of its keys, where it cannot be read: it is made anew from the ring,
    /// and its chain goes on with what was found on it. Says what was wrong; `None` where it can be read. Every proof is
    /// void then, and everybody signs in again.
    ///
    /// Which key is for what is taken from the ring as it is: give the key file of now, and no older copy. Where the
    /// ring is not the store's, or does not hold its active key, nothing is done unless the keys are
    /// [given up](MissingKey::GivenUp): then the store goes on under this ring, and whoever's record rests under keys
    /// that are lost is recovered one by one
    /// ([`support_reset_even_though_the_key_is_missing`](TwoFactor::support_reset_even_though_the_key_is_missing)).
    ///
    /// The caller vouches that `operator` is one.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] with [`KeyringError::Mismatch`] where the keys would have to be given up;
    /// [`Error::Store`]; [`Error::Contended`].
    pub async fn repair_keys(
        &self,
        operator: &Name,
        ticket: &Name,
        lost: MissingKey,
    ) -> Result<Option<Fault>, Error> {
        let place = Subject::installation();
        let mut tries = Tries::new(Self::MAX_TRIES);
        loop {
            let now = self.now();
            let found = self.store.load(&place).await.map_err(Error::store)?;
            let ring = self.keys.ring()?;
            let Some(fault) = fault_of(&ring, &found)? else {
                return Ok(None);
            };
            let body = found.stored.as_ref().map(seal::unverified_body);
            let old = body.and_then(Result::ok);
            let old = old.and_then(|(_, body)| Installation::decode(body).ok());
            let (mut draft, known) = Draft::anew(&ring, old.as_ref(), now).map_err(at_rest)?;
            if lost == MissingKey::MayComeBack && (!known || fault == Fault::KeyMissing) {
                let id = ring.active_id();
                let source = RestError::Key(KeyringError::Mismatch { id });
                return Err(Error::unreadable(&place, source));
            }
            let survey = self
                .survey(&place, &draft.keys, (fault, &found), TwinOn::None)
                .await?;
            draft.installation.chain = survey.head;
            let detail = format!("{} ticket {ticket}", survey.evidence);
            let told = (
                EventKind::Recovered.code(),
                Some(detail),
                Some(operator.as_str()),
            );
            let mut change = Self::draft_change(version_of(&found), &mut draft, told, now)?;
            // The record that it is compared with is taken away in the same write.
            change.installation = 0;
            change.recovery = Some(Box::new(Recovery {
                damaged: found.stored,
                found_at: now,
                twin: None,
            }));
            let applied = self.write(&change).await?;
            self.keys.look_again();
            if applied == Applied::Committed {
                return Ok(Some(fault));
            }
            tries.again().await?;
        }
    }
}

/// What is wrong with the installation's record; `None` where it can be read, and where nothing was ever kept.
fn fault_of(ring: &Keyring, found: &Found) -> Result<Option<Fault>, Error> {
    let Some(stored) = &found.stored else {
        return Ok((found.last_event > 0).then_some(Fault::RecordMissing));
    };
    let keys = match Keys::of(ring, stored) {
        Ok(keys) => keys,
        Err(RestError::Key(_)) => return Ok(Some(Fault::KeyMissing)),
        Err(newer @ (RestError::Newer | RestError::Random)) => return Err(at_rest(newer)),
        Err(_) => return Ok(Some(Fault::RecordAltered)),
    };
    let seq = keys.installation().map_or(0, |i| i.chain.seq);
    Ok(match seq.cmp(&found.last_event) {
        Ordering::Equal => None,
        Ordering::Less => Some(Fault::RecordRolledBack),
        Ordering::Greater => Some(Fault::ChainCut),
    })
}
