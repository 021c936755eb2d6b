//! Every Wycheproof HMAC vector through the key schedule, messages of any length included; runs of any length.

extern crate std;

use std::{format, string::String, vec::Vec};

use super::{KeySchedule, Keyed, core::Core, sha1, sha2};
use crate::{Algorithm, Secret};

/// How to read and write a hash at its edges, which a code never needs.
trait Bytes: Core {
    /// Bytes of the length field at the end of a message.
    const LENGTH: usize;
    fn block(bytes: &[u8]) -> Self::Block;
    fn bytes(state: Self::State) -> Vec<u8>;
}

macro_rules! bytes {
    ($($hash:ty: $length:literal;)*) => {$(
        impl Bytes for $hash {
            const LENGTH: usize = $length;

            fn block(bytes: &[u8]) -> Self::Block {
                bytes.try_into().unwrap()
            }

            fn bytes(state: Self::State) -> Vec<u8> {
                state.iter().flat_map(|word| word.to_be_bytes()).collect()
            }
        }
    )*};
}

bytes! {
    sha1::Sha1: 8;
    sha2::Sha256: 8;
    sha2::Sha512: 16;
}

/// Goes on from a state after its key block: the message, its padding and its length (FIPS 180-4 section 5.1).
fn finish<C: Bytes>(mut state: C::State, message: &[u8]) -> Vec<u8> {
    let block_len = C::ZERO.clone().as_mut().len();
    let mut rest = message.to_vec();
    let bits = u64::try_from((block_len + message.len()) * 8).unwrap();
    rest.push(0x80);
    while !(rest.len() + 8).is_multiple_of(block_len)
        || rest.len() - message.len() - 1 + 8 < C::LENGTH
    {
        rest.push(0);
    }
    rest.extend(bits.to_be_bytes());
    for block in rest.chunks_exact(block_len) {
        C::compress(&mut state, &C::block(block));
    }
    C::bytes(state)
}

fn hmac<C: Bytes>(secret: &Secret, message: &[u8]) -> Vec<u8> {
    let mut keyed = Keyed::<C>::BLANK;
    keyed.absorb(secret);
    let inner = finish::<C>(keyed.inner, message);
    finish::<C>(keyed.outer, &inner)
}

fn unhex(text: &serde_json::Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    let pairs = text.chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// Returns how many cases there were.
fn wycheproof<C: Bytes>(file: &str, algorithm: Algorithm) -> usize {
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let mut cases = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let tag_len = usize::try_from(group["tagSize"].as_u64().unwrap() / 8).unwrap();
        for case in group["tests"].as_array().unwrap() {
            let name: String = format!("{algorithm} tcId {}: {}", case["tcId"], case["comment"]);
            let secret = Secret::reduce(&unhex(&case["key"]), algorithm).expect(&name);
            let tag = hmac::<C>(&secret, &unhex(&case["msg"]));
            let right = tag[..tag_len] == unhex(&case["tag"]);
            assert_eq!(right, case["result"] == "valid", "{name}");
            cases += 1;
        }
    }
    cases
}

#[test]
fn wycheproof_hmac_sha1() {
    let file = include_str!("../../tests/vectors/wycheproof-hmac-sha1.json");
    assert_eq!(wycheproof::<sha1::Sha1>(file, Algorithm::Sha1), 170);
}

#[test]
fn wycheproof_hmac_sha256() {
    let file = include_str!("../../tests/vectors/wycheproof-hmac-sha256.json");
    assert_eq!(wycheproof::<sha2::Sha256>(file, Algorithm::Sha256), 174);
}

#[test]
fn wycheproof_hmac_sha512() {
    let file = include_str!("../../tests/vectors/wycheproof-hmac-sha512.json");
    assert_eq!(wycheproof::<sha2::Sha512>(file, Algorithm::Sha512), 174);
}

/// Whatever goes through the compression together.
#[test]
fn a_run_visits_every_counter_once_and_in_order() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let mut schedule = KeySchedule::blank(Algorithm::Sha1);
    schedule.absorb(&secret);
    for count in 0..=13 {
        let mut visited = Vec::new();
        schedule.run(7, count, |truncated| visited.push(truncated));
        let one_by_one = (7..).take(visited.len()).map(|n| schedule.truncated(n));
        assert_eq!(visited.len(), usize::try_from(count).unwrap());
        assert!(one_by_one.eq(visited));
    }
}
