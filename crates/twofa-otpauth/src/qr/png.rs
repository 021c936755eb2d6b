//! PNG: one bit a pixel, grey scale.

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::{QUIET_ZONE, Qr};
use crate::SecretBytes;

/// Pixels a module: whole bytes of eight pixels, which needs no shifting and scans well off a screen.
const PIXELS: usize = 8;

impl Qr {
    /// The symbol as a PNG of one bit a pixel, eight pixels to a module, quiet zone included.
    pub fn png(&self) -> SecretBytes {
        let side = usize::from(self.size()) + 2 * usize::from(QUIET_ZONE);
        let mut pixels = zeroize::Zeroizing::new(vec![0xff; side * side * PIXELS]);
        for (&row, lines) in self.rows().iter().zip(
            pixels
                .chunks_mut(side * PIXELS)
                .skip(usize::from(QUIET_ZONE)),
        ) {
            for line in lines.chunks_mut(side) {
                for (x, byte) in line
                    .iter_mut()
                    .skip(usize::from(QUIET_ZONE))
                    .take(self.size().into())
                    .enumerate()
                {
                    if row >> x & 1 == 1 {
                        *byte = 0;
                    }
                }
            }
        }
        SecretBytes::new(write(side * PIXELS, &pixels).unwrap_or_default())
    }
}

/// Writing to memory a picture whose length fits its header cannot fail.
fn write(side: usize, pixels: &[u8]) -> Option<Vec<u8>> {
    let side = u32::try_from(side).ok()?;
    let mut out = Vec::with_capacity(pixels.len() + 1024);
    let mut encoder = Encoder::new(&mut out, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.set_compression(Compression::Fast);
    // Seven of eight lines repeat the one above.
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(out)
}
