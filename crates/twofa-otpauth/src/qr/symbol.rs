//! From text to modules.

use core::fmt;

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use thiserror::Error;
use zeroize::Zeroizing;

use super::mask::{self, Grid};

/// The largest version that is drawn: 125 modules a side, 133 with the quiet zone, which at four pixels each still
/// fits the height of a small laptop's screen. Larger symbols need a printer.
pub const MAX_VERSION: u8 = 27;

/// The largest version that a terminal of 80 columns shows, with its quiet zone: 69 modules a side.
pub const MAX_TERMINAL_VERSION: u8 = 13;

/// The light margin that scanners need, in modules (ISO/IEC 18004 section 9.1).
pub const QUIET_ZONE: u8 = 4;

/// Why a text gets no QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QrError {
    /// The symbol would be too dense to scan off a screen: above [`MAX_VERSION`].
    #[error(
        "{bytes} bytes make a QR code too dense to scan off a screen (more than 125 modules a side): shorten issuer and account"
    )]
    TooDense {
        /// The length of the text.
        bytes: usize,
    },
}

/// A QR code symbol: error correction M, the smallest version that holds the text.
///
/// Whoever sees it has the key, so its pictures come in wrappers that show nothing in `Debug`, and its modules are
/// wiped on drop. (Working memory of the `qrcodegen` crate is freed without being wiped.)
///
/// ```
/// let qr = twofa_otpauth::Qr::encode("otpauth://totp/ACME:jo?secret=GEZDGNBVGY3TQOJQ&issuer=ACME")?;
/// assert_eq!((qr.version(), qr.size()), (4, 33));
/// assert!(qr.svg("QR code for ACME").expose_secret().starts_with("<svg "));
/// # Ok::<(), twofa_otpauth::QrError>(())
/// ```
pub struct Qr {
    size: u8,
    /// A row each; bit `x` is set where the module `x` is dark.
    rows: Zeroizing<Vec<u128>>,
}

impl Qr {
    /// Makes the symbol of a text.
    ///
    /// # Errors
    ///
    /// [`QrError::TooDense`] when the symbol would need a version above [`MAX_VERSION`].
    pub fn encode(text: &str) -> Result<Self, QrError> {
        let code = with_mask_0(text).ok_or(QrError::TooDense { bytes: text.len() })?;
        let size =
            u8::try_from(code.size()).map_err(|_| QrError::TooDense { bytes: text.len() })?;
        let mut grid = Grid::read(size, |x, y| code.get_module(x.into(), y.into()));
        mask::choose(&mut grid, size);
        Ok(Self {
            size,
            rows: grid.into_rows(),
        })
    }

    /// The version that [`encode`](Self::encode) would use, without drawing it.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn version_for(text: &str) -> Result<u8, QrError> {
        with_mask_0(text)
            .map(|code| code.version().value())
            .ok_or(QrError::TooDense { bytes: text.len() })
    }

    /// The version, from 1 to [`MAX_VERSION`].
    pub fn version(&self) -> u8 {
        (self.size - 17) / 4
    }

    /// Modules a side, without the quiet zone: 21 to 125.
    pub fn size(&self) -> u8 {
        self.size
    }

    /// Whether the module in column `x` of row `y` is dark, counted from the top left. What lies outside is light,
    /// as the quiet zone is.
    pub fn is_dark(&self, x: u8, y: u8) -> bool {
        x < self.size
            && self
                .rows
                .get(usize::from(y))
                .is_some_and(|row| row >> x & 1 == 1)
    }

    /// The rows from the top, bit `x` of each set where module `x` is dark.
    pub(super) fn rows(&self) -> &[u128] {
        &self.rows
    }
}

/// Data, error correction M and function modules are `qrcodegen`'s; the mask is chosen afterwards.
fn with_mask_0(text: &str) -> Option<QrCode> {
    let segments = QrSegment::make_segments(text);
    let (least, most) = (Version::new(1), Version::new(MAX_VERSION));
    let mask = Some(Mask::new(0));
    QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, least, most, mask, false).ok()
}

impl fmt::Debug for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qr")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
