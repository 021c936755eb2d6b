//! Text and bytes that hold a key: wiped on drop, silent in `Debug`, read through one call.

use core::fmt;
use zeroize::Zeroizing;

/// Text that holds a key, such as a key URI or the SVG of its QR code.
///
/// It has no `Display`, `Clone` or comparison, and its `Debug` shows nothing of it, so that it reaches a log
/// or a page only where [`expose_secret`](Self::expose_secret) is written. The buffer is wiped on drop.
///
/// ```compile_fail,E0277
/// fn log(uri: &twofa_otpauth::SecretText) {
///     println!("{uri}");
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn keep(uri: &twofa_otpauth::SecretText) -> twofa_otpauth::SecretText {
///     uri.clone()
/// }
/// ```
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. What is copied out of here is no longer wiped.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// Bytes that hold a key, such as the PNG of a QR code. As careful as [`SecretText`].
#[cfg(feature = "png")]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

#[cfg(feature = "png")]
impl SecretBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves. What is copied out of here is no longer wiped.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(feature = "png")]
impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}
