//! QR codes of key URIs: error correction M, the smallest version, and pictures for pages, files and terminals.
//!
//! `symbol.rs` makes the modules, `mask.rs` chooses the mask; `svg.rs`, `png.rs` and `terminal.rs` draw.

mod mask;
#[cfg(feature = "png")]
mod png;
mod svg;
mod symbol;
mod terminal;

pub use symbol::{MAX_TERMINAL_VERSION, MAX_VERSION, QUIET_ZONE, Qr, QrError};
