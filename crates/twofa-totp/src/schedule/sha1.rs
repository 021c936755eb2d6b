#![expect(
    clippy::many_single_char_names,
    reason = "the words of a chaining value, as FIPS 180-4 names them"
)]

use ::core::slice;

use ::sha1::{Digest as _, block_api::compress};
use zeroize::Zeroize as _;

use super::core::{self, Core};
use crate::Secret;

/// SHA-1 (FIPS 180-4 section 6.1).
pub(super) struct Sha1;

impl Core for Sha1 {
    type State = [u32; 5];
    type Word = u32;
    type Block = [u8; 64];

    const ZERO: Self::Block = [0; 64];
    // FIPS 180-4 section 5.3.1.
    const IV: Self::State = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];

    fn compress(state: &mut Self::State, block: &Self::Block) {
        compress(state, slice::from_ref(block));
    }

    #[inline]
    fn key_blocks(secret: &Secret) -> (Self::Block, Self::Block) {
        if secret.len() <= 64 {
            return core::key_blocks(secret.padded());
        }
        let mut digest = ::sha1::Sha1::digest(secret.expose_secret());
        let blocks = core::key_blocks(&digest);
        digest.as_mut_slice().zeroize();
        blocks
    }

    fn counter_block(counter: u64) -> Self::Block {
        core::block(&[core::join64(counter, 1 << 63), 0, 0, (64 + 8) * 8])
    }

    fn digest_block(&[a, b, c, d, e]: &Self::State) -> Self::Block {
        core::block(&[
            core::join32(a, b, c, d),
            core::join32(e, 1 << 31, 0, 0),
            0,
            (64 + 20) * 8,
        ])
    }

    fn truncate(&[a, b, c, d, e]: &Self::State) -> u32 {
        core::cut(core::join32(a, b, c, d), core::join32(e, 0, 0, 0), e)
    }
}
