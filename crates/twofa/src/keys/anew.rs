//! The installation's record made anew, where the one that lies there cannot be read.

use twofa_types::UnixTime;

use super::{BTreeMap, Draft, Entry, Installation, Keys, ProofKey, StoreId, Use, check_of};
use crate::error::RestError;
use crate::keyring::{KeyState, Keyring};
use crate::random;

impl Draft {
    /// The record of a ring, in place of one that cannot be read; and whether one of the ring's keys is the store's, by
    /// what that record says of it.
    ///
    /// Nothing that lies there is believed: which key is for what, the ring says. Its id is the store's where a key
    /// fits it. Keys that the ring does not hold are remembered, and are for nothing.
    pub(crate) fn anew(
        ring: &Keyring,
        old: Option<&Installation>,
        now: UnixTime,
    ) -> Result<(Self, bool), RestError> {
        let mut id = [0; 16];
        random::fill(&mut id).map_err(|_| RestError::Random)?;
        let store = old.map_or(StoreId::from_bytes(id), |old| old.store);
        let (mut uses, mut entries, mut known) = (BTreeMap::new(), Vec::new(), false);
        for (id, key) in ring.keys() {
            let make = |bound: bool| {
                let to = bound.then_some(&store);
                Use::new(key.state, key.state, &key.bytes, to)
            };
            let entry = old.and_then(|old| old.entry(id));
            let fits = |bound: &bool| {
                entry.is_some_and(|entry| check_of(&make(*bound).events, &store) == entry.check)
            };
            let fitting = [true, false].into_iter().find(fits);
            known |= fitting.is_some();
            let bound = match (key.state, entry) {
                // What is left of such a key says nothing of how it was bound.
                (KeyState::Events, Some(entry)) => entry.bound,
                _ => fitting.unwrap_or(true),
            };
            let usage = make(bound);
            entries.push(Entry {
                id,
                state: usage.state,
                since: now,
                bound,
                check: check_of(&usage.events, &store),
            });
            uses.insert(id, usage);
        }
        let others = old.into_iter().flat_map(|old| &old.keys);
        let others = others.filter(|entry| !uses.contains_key(&entry.id));
        entries.extend(others.map(|entry| Entry {
            state: KeyState::Events,
            since: now,
            ..entry.clone()
        }));
        let keys = Keys {
            active: ring.active_id(),
            uses,
            installation: None,
            version: 0,
            proofs: vec![ProofKey::fresh(ring.active_id())?],
        };
        let installation = Installation {
            store,
            purpose: crate::Purpose::Production,
            made: old.map_or(now, |old| old.made),
            keys: entries,
            proofs: Vec::new(),
            chain: twofa_lifecycle::ChainHead::default(),
        };
        Ok((Self { installation, keys }, known))
    }
}
