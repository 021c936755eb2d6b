//! Export batches (`otpauth-migration://offline?data=...`): many keys in one QR code, or in several.
//!
//! The payload is a small protocol-buffers message, whose wire format is simple enough to be read here (`wire.rs`,
//! `base64.rs`); `decode.rs` and `encode.rs` give it meaning. Everything is bounded: the text, the accounts in
//! a batch, the batches of an export.

mod base64;
mod decode;
mod encode;
mod wire;

pub use decode::{Account, AccountError, Batch, DecodeError, Part, decode, decode_all};
pub use encode::{EncodeError, encode};

/// The longest batch that is read, in bytes of its URI: more than fits any QR code.
pub const MAX_BATCH_LEN: usize = 16 * 1024;

/// The most accounts that one batch may hold when read.
pub const MAX_ACCOUNTS_READ: usize = 200;

/// The most accounts that are put into one batch: what the apps that write batches use.
pub const MAX_ACCOUNTS_WRITTEN: usize = 10;

/// The most batches that an export may have.
pub const MAX_BATCHES: usize = 100;

/// Field numbers of the payload.
mod field {
    pub(super) const ACCOUNT: u32 = 1;
    pub(super) const VERSION: u32 = 2;
    pub(super) const BATCH_SIZE: u32 = 3;
    pub(super) const BATCH_INDEX: u32 = 4;
    pub(super) const BATCH_ID: u32 = 5;
}

/// Field numbers of an account.
mod account {
    pub(super) const SECRET: u32 = 1;
    pub(super) const NAME: u32 = 2;
    pub(super) const ISSUER: u32 = 3;
    pub(super) const ALGORITHM: u32 = 4;
    pub(super) const DIGITS: u32 = 5;
    pub(super) const TYPE: u32 = 6;
    pub(super) const COUNTER: u32 = 7;
}
