#![expect(
    clippy::many_single_char_names,
    reason = "the words of a chaining value, as FIPS 180-4 names them"
)]

use ::core::slice;

use ::sha2::{
    Digest as _,
    block_api::{compress256, compress512},
};
use zeroize::Zeroize as _;

use super::core::{self, Core};
use crate::Secret;

/// SHA-256 (FIPS 180-4 section 6.2).
pub(super) struct Sha256;

impl Core for Sha256 {
    type State = [u32; 8];
    type Word = u32;
    type Block = [u8; 64];

    const ZERO: Self::Block = [0; 64];
    // FIPS 180-4 section 5.3.3.
    const IV: Self::State = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];

    fn compress(state: &mut Self::State, block: &Self::Block) {
        compress256(state, slice::from_ref(block));
    }

    #[inline]
    fn key_blocks(secret: &Secret) -> (Self::Block, Self::Block) {
        if secret.len() <= 64 {
            return core::key_blocks(secret.padded());
        }
        let mut digest = ::sha2::Sha256::digest(secret.expose_secret());
        let blocks = core::key_blocks(&digest);
        digest.as_mut_slice().zeroize();
        blocks
    }

    fn counter_block(counter: u64) -> Self::Block {
        core::block(&[core::join64(counter, 1 << 63), 0, 0, (64 + 8) * 8])
    }

    fn digest_block(&[a, b, c, d, e, f, g, h]: &Self::State) -> Self::Block {
        core::block(&[
            core::join32(a, b, c, d),
            core::join32(e, f, g, h),
            1 << 127,
            (64 + 32) * 8,
        ])
    }

    fn truncate(&[a, b, c, d, e, f, g, h]: &Self::State) -> u32 {
        core::cut(core::join32(a, b, c, d), core::join32(e, f, g, h), h)
    }
}

/// SHA-512 (FIPS 180-4 section 6.4).
pub(super) struct Sha512;

impl Core for Sha512 {
    type State = [u64; 8];
    type Word = u64;
    type Block = [u8; 128];

    const ZERO: Self::Block = [0; 128];
    // FIPS 180-4 section 5.3.5.
    const IV: Self::State = [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ];

    fn compress(state: &mut Self::State, block: &Self::Block) {
        compress512(state, slice::from_ref(block));
    }

    #[inline]
    fn key_blocks(secret: &Secret) -> (Self::Block, Self::Block) {
        // No secret is longer than this hash's block.
        core::key_blocks(secret.padded())
    }

    fn counter_block(counter: u64) -> Self::Block {
        core::block(&[
            core::join64(counter, 1 << 63),
            0,
            0,
            0,
            0,
            0,
            0,
            (128 + 8) * 8,
        ])
    }

    fn digest_block(&[a, b, c, d, e, f, g, h]: &Self::State) -> Self::Block {
        let [ab, cd] = [core::join64(a, b), core::join64(c, d)];
        let [ef, gh] = [core::join64(e, f), core::join64(g, h)];
        core::block(&[ab, cd, ef, gh, 1 << 127, 0, 0, (128 + 64) * 8])
    }

    fn truncate(&[a, b, c, d, _, _, _, h]: &Self::State) -> u32 {
        let [.., last] = h.to_be_bytes();
        core::cut(core::join64(a, b), core::join64(c, d), u32::from(last))
    }
}
