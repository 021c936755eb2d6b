//! A keyring as several hosts have it: [`SharedRing`].

use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::site::fine;
use crate::{KeySource, Keyring};

/// A keyring that several services share, as they share a key file: what one of them changes, all read.
#[derive(Clone)]
pub struct SharedRing(Arc<Mutex<Zeroizing<String>>>);

impl SharedRing {
    /// A ring of one fresh key.
    pub fn generate() -> Self {
        Self(Arc::new(Mutex::new(fine(Keyring::generate()).to_text())))
    }

    /// Its text as it stands.
    pub fn text(&self) -> Zeroizing<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The ring as it stands.
    pub fn ring(&self) -> Keyring {
        fine(Keyring::from_text(&self.text()))
    }

    /// Puts another in its place.
    pub fn replace(&self, ring: &Keyring) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ring.to_text();
    }

    /// Where services read it.
    pub fn source(&self) -> KeySource {
        let shared = self.clone();
        KeySource::closure(move || Keyring::from_text(&shared.text()))
    }
}

impl std::fmt::Debug for SharedRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedRing(..)")
    }
}
