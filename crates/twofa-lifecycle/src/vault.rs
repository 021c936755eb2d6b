use alloc::boxed::Box;
use core::fmt;

use twofa_totp::Secret;

/// Opens and seals the secrets of *one* subject.
///
/// The implementation binds what it seals to that subject and to the generation (as associated data), so that a
/// sealed secret moved to another row, or brought back from before a reset, opens nothing. Deterministic given
/// the nonce: it draws no randomness of its own.
pub trait Vault {
    /// Why a secret could not be sealed or opened. Never to be taken for a wrong code.
    type Error;

    /// Seals `secret` for this subject and `generation`. `nonce` is never used twice.
    ///
    /// # Errors
    ///
    /// The implementation's own.
    fn seal(
        &self,
        generation: u32,
        secret: &Secret,
        nonce: &[u8; 24],
    ) -> Result<SealedSecret, Self::Error>;

    /// Opens what [`Vault::seal`] sealed for the same subject and `generation`.
    ///
    /// # Errors
    ///
    /// The implementation's own: the key is missing, or the secret was sealed for another row.
    fn open(&self, generation: u32, sealed: &SealedSecret) -> Result<Secret, Self::Error>;
}

/// A secret at rest: opaque bytes that only a [`Vault`] understands. Between 1 and
/// [`SealedSecret::MAX_BYTES`] of them.
///
/// ```
/// use twofa_lifecycle::SealedSecret;
///
/// let sealed = SealedSecret::from_bytes(&[7; 60])?;
/// assert_eq!(sealed.as_bytes().len(), 60);
/// assert!(SealedSecret::from_bytes(&[]).is_err());
/// # Ok::<(), twofa_lifecycle::SealedSecretError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Box<[u8]>);

impl SealedSecret {
    /// The most bytes that a record makes room for: a secret of 128 bytes with a generous header.
    pub const MAX_BYTES: usize = 512;

    /// Takes a copy of `bytes`.
    ///
    /// # Errors
    ///
    /// [`SealedSecretError`] where there are none or more than [`SealedSecret::MAX_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealedSecretError> {
        if bytes.is_empty() || bytes.len() > Self::MAX_BYTES {
            return Err(SealedSecretError { bytes: bytes.len() });
        }
        Ok(Self(Box::from(bytes)))
    }

    /// The bytes, as a [`Vault`] made them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSecret({} bytes)", self.0.len())
    }
}

/// A sealed secret of a length that no record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret of {bytes} bytes; it must have between 1 and {max}", max = SealedSecret::MAX_BYTES)]
pub struct SealedSecretError {
    /// How many bytes were given.
    pub bytes: usize,
}
