//! Export batches: as text, or (after a zero byte) as the payload, which the fuzzer then need not write as base64.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa_otpauth::migration::{decode, decode_all, encode};

fn batch(payload: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = "otpauth-migration://offline?data=".to_owned();
    for triple in payload.chunks(3) {
        let word = (0..3).fold(0, |word, at| {
            word << 8 | usize::from(*triple.get(at).unwrap_or(&0))
        });
        for at in 0..=triple.len() {
            text.push(char::from(ALPHABET[word >> (18 - 6 * at) & 63]));
        }
    }
    text
}

fuzz_target!(|data: &[u8]| {
    let text = match data {
        [0, payload @ ..] => batch(payload),
        _ => String::from_utf8_lossy(data).into_owned(),
    };
    let Ok(read) = decode(&text) else { return };
    for account in read.accounts.into_iter().flatten() {
        let keys = [account.uri];
        if let Ok(batches) = encode(&keys, read.part.id) {
            let texts = batches.iter().map(twofa_otpauth::SecretText::expose_secret);
            let again = decode_all(texts).expect("what was written is read");
            let again = &again[0].as_ref().expect("and its account").uri;
            assert_eq!(
                keys[0].to_uri().expose_secret(),
                again.to_uri().expose_secret()
            );
        }
    }
});
