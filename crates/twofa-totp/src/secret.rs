use core::{fmt, num::NonZeroU8};

use sha1::Digest as _;
use zeroize::Zeroize as _;

use crate::Algorithm;

/// The key that the server and one authenticator app share, held inline and wiped when dropped.
///
/// It has no `Display`, `Clone`, `PartialEq` or serde, and its `Debug` says only that it is there. The one way to
/// its bytes is [`Secret::expose_secret`]. Moving it may leave a copy on the stack, as moving any Rust value may;
/// build it where it stays.
///
/// ```
/// use twofa_totp::Secret;
///
/// let secret = Secret::from_bytes(b"12345678901234567890")?;
/// assert_eq!(secret.expose_secret(), b"12345678901234567890");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// # Ok::<(), twofa_totp::SecretError>(())
/// ```
///
/// ```compile_fail,E0277
/// let secret = twofa_totp::Secret::from_bytes(b"12345678901234567890").unwrap();
/// println!("{secret}");
/// ```
///
/// ```compile_fail,E0599
/// let secret = twofa_totp::Secret::from_bytes(b"12345678901234567890").unwrap();
/// let copy = secret.clone();
/// ```
pub struct Secret {
    /// Never 0, which also leaves a `Result<Secret, _>` as large as the secret, so that unwrapping one copies nothing.
    len: NonZeroU8,
    bytes: [u8; Secret::MAX_BYTES],
}

impl Secret {
    /// The longest key that is kept as it is: a block of SHA-512. HMAC hashes anything longer (RFC 2104 section 2),
    /// and so does [`Secret::reduce`].
    pub const MAX_BYTES: usize = 128;

    /// Takes a copy of a key that exists: from a store, a key URI, a test vector.
    ///
    /// Short keys are let in, because keys of 80 bits are met in the wild; RFC 4226 requires 128 bits and
    /// recommends 160 (section 4, R6), which is what [`Secret::from_random_bytes`] makes.
    ///
    /// # Errors
    ///
    /// [`SecretError::Empty`], or [`SecretError::TooLong`] above [`Secret::MAX_BYTES`].
    #[inline]
    pub fn from_bytes(key: &[u8]) -> Result<Self, SecretError> {
        let len = u8::try_from(key.len()).map_err(|_| SecretError::TooLong)?;
        let len = NonZeroU8::new(len).ok_or(SecretError::Empty)?;
        let mut secret = Self {
            len,
            bytes: [0; Self::MAX_BYTES],
        };
        match secret.bytes.get_mut(..key.len()) {
            Some(bytes) => bytes.copy_from_slice(key),
            None => return Err(SecretError::TooLong),
        }
        Ok(secret)
    }

    /// A new key of the length that fits `algorithm` (20, 32 or 64 bytes: RFC 6238 section 5.1), from the front of
    /// `random`. The caller brings bytes of a cryptographic generator, the operating system's (`getrandom::fill`), and wipes
    /// them after.
    pub fn from_random_bytes(algorithm: Algorithm, random: &[u8; 64]) -> Self {
        let len = match algorithm {
            Algorithm::Sha1 => const { NonZeroU8::new(20).unwrap() },
            Algorithm::Sha256 => const { NonZeroU8::new(32).unwrap() },
            Algorithm::Sha512 => const { NonZeroU8::new(64).unwrap() },
        };
        let mut secret = Self {
            len,
            bytes: [0; Self::MAX_BYTES],
        };
        let fresh = random.iter().take(algorithm.output_len());
        for (to, from) in secret.bytes.iter_mut().zip(fresh) {
            *to = *from;
        }
        secret
    }

    /// Takes a key of any length, hashing one above [`Secret::MAX_BYTES`] as HMAC itself would (RFC 2104 section 2):
    /// the codes are the same, the key is shorter.
    ///
    /// # Errors
    ///
    /// [`SecretError::Empty`].
    pub fn reduce(key: &[u8], algorithm: Algorithm) -> Result<Self, SecretError> {
        if key.len() <= Self::MAX_BYTES {
            return Self::from_bytes(key);
        }
        match algorithm {
            Algorithm::Sha1 => Self::from_hash(sha1::Sha1::digest(key).into()),
            Algorithm::Sha256 => Self::from_hash(sha2::Sha256::digest(key).into()),
            Algorithm::Sha512 => Self::from_hash(sha2::Sha512::digest(key).into()),
        }
    }

    fn from_hash<const N: usize>(mut hash: [u8; N]) -> Result<Self, SecretError> {
        let secret = Self::from_bytes(&hash);
        hash.zeroize();
        secret
    }

    /// The key itself: to seal it in a store, or to write the key URI of a set-up. Nothing else needs it.
    pub fn expose_secret(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or(&[])
    }

    /// The key followed by zeros: a size known to the compiler, which it can mask in a few wide instructions.
    pub(crate) const fn padded(&self) -> &[u8; Self::MAX_BYTES] {
        &self.bytes
    }

    /// Length in bytes, between 1 and [`Secret::MAX_BYTES`].
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty secret cannot be built"
    )]
    pub fn len(&self) -> usize {
        usize::from(self.len.get())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.as_mut_slice().zeroize();
    }
}

impl zeroize::ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why bytes cannot be a [`Secret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No bytes at all: an HMAC under an empty key is a code that anyone can compute.
    #[error("the secret is empty; give at least one byte, 20 are recommended")]
    Empty,
    /// More than [`Secret::MAX_BYTES`] bytes.
    #[error("the secret is longer than {max} bytes; reduce it as HMAC does", max = Secret::MAX_BYTES)]
    TooLong,
}
