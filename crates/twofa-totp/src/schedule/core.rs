use crate::Secret;

/// What HMAC needs of a hash, at the level of its compression function.
pub(super) trait Core {
    /// Chaining value.
    type State: Copy + AsMut<[Self::Word]>;
    /// What a chaining value consists of.
    type Word: zeroize::DefaultIsZeroes;
    /// Input of one compression.
    type Block: Copy + AsMut<[u8]>;

    /// The chaining value before any input.
    const IV: Self::State;
    /// A block of zeros.
    const ZERO: Self::Block;

    fn compress(state: &mut Self::State, block: &Self::Block);

    /// The blocks that go before everything else, inside and outside: the key padded with zeros, or its digest
    /// where it is longer than a block, under the two masks (RFC 2104 section 2).
    fn key_blocks(secret: &Secret) -> (Self::Block, Self::Block);

    /// The last block of the inner hash: a counter, padded, with the length of a key block before it.
    fn counter_block(counter: u64) -> Self::Block;

    /// The last block of the outer hash: an inner digest, padded likewise.
    fn digest_block(inner: &Self::State) -> Self::Block;

    /// Dynamic truncation (RFC 4226 section 5.3).
    fn truncate(outer: &Self::State) -> u32;
}

/// A block from its big-endian words of 16 bytes. Written in the size in which the compression loads it: smaller
/// stores would stall that load until each of them had left the store buffer.
pub(super) fn block<const N: usize>(words: &[u128]) -> [u8; N] {
    let mut block = [0; N];
    let (chunks, _) = block.as_chunks_mut::<16>();
    for (chunk, word) in chunks.iter_mut().zip(words) {
        *chunk = word.to_be_bytes();
    }
    block
}

/// A key under `mask`. Of a longer one, what fits; a shorter one is padded with zeros.
#[inline]
pub(super) fn masked<const N: usize>(key: &[u8], mask: u8) -> [u8; N] {
    let mut block = [mask; N];
    for (to, from) in block.iter_mut().zip(key) {
        *to ^= *from;
    }
    block
}

/// Both key blocks.
#[inline]
pub(super) fn key_blocks<const N: usize>(key: &[u8]) -> ([u8; N], [u8; N]) {
    (masked(key, 0x36), masked(key, 0x5c))
}

/// Four words of 32 bits as one big-endian word.
pub(super) fn join32(a: u32, b: u32, c: u32, d: u32) -> u128 {
    join64(
        (u64::from(a) << 32) | u64::from(b),
        (u64::from(c) << 32) | u64::from(d),
    )
}

/// Two words of 64 bits as one big-endian word.
pub(super) fn join64(a: u64, b: u64) -> u128 {
    (u128::from(a) << 64) | u128::from(b)
}

/// Cuts 31 bits out of a digest at the byte that `last`, its last byte, names in its low four bits. `front` are the
/// first 16 bytes of the digest and `after` the 16 that follow. Free of branches and of loads at secret places.
pub(super) fn cut(front: u128, after: u128, last: u32) -> u32 {
    let shift = (last & 0xf) << 3;
    // Two shifts, because one by 128 is not defined.
    let from_offset = (front << shift) | ((after >> 1) >> (127 ^ shift));
    let [a, b, c, d, ..] = from_offset.to_be_bytes();
    u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff
}
