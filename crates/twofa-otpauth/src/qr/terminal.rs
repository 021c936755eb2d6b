//! Text for terminals: half blocks in colours of their own, and plain ASCII.

use super::{QUIET_ZONE, Qr};
use crate::SecretText;

/// Black on white from the fixed part of the 256-colour palette, which themes leave alone: the symbol then scans on a
/// dark terminal as well as on a light one.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m\n";

impl Qr {
    /// The symbol in half blocks, two rows of modules to a line of text, quiet zone included. Needs UTF-8 and SGR
    /// colours. Every line sets its colours and resets them, so that nothing leaks into what is printed next.
    pub fn terminal(&self) -> SecretText {
        let side = usize::from(self.size()) + 2 * usize::from(QUIET_ZONE);
        let lines = side.div_ceil(2);
        let mut text =
            String::with_capacity(lines * (BLACK_ON_WHITE.len() + RESET.len() + side * 3));
        for line in 0..lines {
            text.push_str(BLACK_ON_WHITE);
            for x in 0..side {
                // The last lower half lies below the quiet zone, and is light as well.
                text.push(
                    match (self.is_inked(x, line * 2), self.is_inked(x, line * 2 + 1)) {
                        (true, true) => '█',
                        (true, false) => '▀',
                        (false, true) => '▄',
                        (false, false) => ' ',
                    },
                );
            }
            text.push_str(RESET);
        }
        SecretText::new(text)
    }

    /// The symbol in `#` and spaces, two characters to a module, quiet zone included: for terminals with neither
    /// colours nor UTF-8, dark letters on a light background. On a dark background take
    /// [`ascii_inverted`](Self::ascii_inverted).
    pub fn ascii(&self) -> SecretText {
        self.plain("##", "  ")
    }

    /// As [`ascii`](Self::ascii) for light letters on a dark background: `#` where the symbol is light.
    pub fn ascii_inverted(&self) -> SecretText {
        self.plain("  ", "##")
    }

    fn plain(&self, dark: &str, light: &str) -> SecretText {
        let side = usize::from(self.size()) + 2 * usize::from(QUIET_ZONE);
        let mut text = String::with_capacity(side * (side * 2 + 1));
        for y in 0..side {
            for x in 0..side {
                text.push_str(if self.is_inked(x, y) { dark } else { light });
            }
            text.push('\n');
        }
        SecretText::new(text)
    }

    /// As [`is_dark`](Self::is_dark), counted from the corner of the quiet zone.
    fn is_inked(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| {
            at.checked_sub(usize::from(QUIET_ZONE))
                .and_then(|at| u8::try_from(at).ok())
        };
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.is_dark(x, y),
            _ => false,
        }
    }
}
