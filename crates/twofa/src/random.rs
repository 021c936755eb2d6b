//! The operating system's generator: the only source of randomness, and it may fail.

use rand::TryRng as _;
use rand::rngs::SysRng;

/// Fills `bytes`, or says that there is no randomness to be had.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), rand::rngs::SysError> {
    SysRng.try_fill_bytes(bytes)
}
