//! SVG: one path of dark runs on an opaque light background.

use super::{QUIET_ZONE, Qr};
use crate::SecretText;

/// Pixels a module where the page sets no size of its own.
const PIXELS: u16 = 4;

impl Qr {
    /// The symbol as an SVG image, with `title` as its accessible name ("QR code for ACME").
    ///
    /// The background is opaque and the quiet zone included, so that it scans on a dark page too. Contains no script,
    /// no style and no reference, so that a strict content security policy lets it through inline.
    pub fn svg(&self, title: &str) -> SecretText {
        let side = u16::from(self.size()) + 2 * u16::from(QUIET_ZONE);
        let runs: u32 = self
            .rows()
            .iter()
            .map(|row| (row & !(row << 1)).count_ones())
            .sum();
        // The longest run is `M128 128h125v1h-125`; sized so that no half-written copy is left behind.
        let capacity = 300 + title.len() * 6 + 20 * usize::try_from(runs).unwrap_or(0);
        let mut svg = String::with_capacity(capacity);
        let pixels = (side * PIXELS).to_string();
        let side = side.to_string();
        for part in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"",
            &pixels,
            "\" height=\"",
            &pixels,
            "\" viewBox=\"0 0 ",
            &side,
            " ",
            &side,
            "\" shape-rendering=\"crispEdges\"><title>",
        ] {
            svg.push_str(part);
        }
        push_escaped(&mut svg, title);
        svg.push_str("</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"");
        self.push_path(&mut svg);
        svg.push_str("\"/></svg>");
        SecretText::new(svg)
    }

    /// A rectangle for each horizontal run of dark modules: the first of a row as `M4 4h7v1h-7`, the next from where
    /// that left off, at its lower left corner: `m9-1h3v1h-3`.
    fn push_path(&self, svg: &mut String) {
        let mut y = QUIET_ZONE;
        for &row in self.rows() {
            let (mut rest, mut step, mut first) = (row, QUIET_ZONE, true);
            while rest != 0 {
                let light = rest.trailing_zeros();
                rest >>= light;
                let dark = rest.trailing_ones();
                rest = rest.checked_shr(dark).unwrap_or(0);
                step = step.saturating_add(narrow(light));
                svg.push(if first { 'M' } else { 'm' });
                push_number(svg, step);
                if first {
                    svg.push(' ');
                    push_number(svg, y);
                } else {
                    svg.push_str("-1");
                }
                svg.push('h');
                push_number(svg, narrow(dark));
                svg.push_str("v1h-");
                push_number(svg, narrow(dark));
                (step, first) = (narrow(dark), false);
            }
            y = y.saturating_add(1);
        }
    }
}

/// A count of bits of a row, which has 128 at most.
fn narrow(bits: u32) -> u8 {
    u8::try_from(bits).unwrap_or(u8::MAX)
}

fn push_number(out: &mut String, number: u8) {
    if number >= 100 {
        out.push(char::from(b'0' + number / 100));
    }
    if number >= 10 {
        out.push(char::from(b'0' + number / 10 % 10));
    }
    out.push(char::from(b'0' + number % 10));
}

/// Escapes text for XML; characters that XML 1.0 cannot hold become U+FFFD.
fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
