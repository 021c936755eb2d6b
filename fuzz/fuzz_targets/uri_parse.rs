//! Key URIs: no panic, and what is read is written and read back alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa_otpauth::uri::MAX_URI_LEN;
use twofa_otpauth::{KeyUri, Profile, parse};

fn same(left: &KeyUri, right: &KeyUri) -> bool {
    left.kind() == right.kind()
        && left.issuer() == right.issuer()
        && left.account() == right.account()
        && left.params() == right.params()
        && left.secret().expose_secret() == right.secret().expose_secret()
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let strict = parse(text, Profile::Strict);
    let Ok(lenient) = parse(text, Profile::Lenient) else {
        assert!(strict.is_err(), "Strict read what Lenient refused");
        return;
    };
    if let Ok(strict) = strict {
        assert!(same(&strict.uri, &lenient.uri));
    }
    let _ = (
        lenient.uri.lint(),
        lenient.uri.manual_key(),
        lenient.uri.manual_parameters(),
    );
    // Percent-encoding can make it three times as long, and the issuer is written twice.
    let written = lenient.uri.to_uri();
    if written.expose_secret().len() <= MAX_URI_LEN {
        let again =
            parse(written.expose_secret(), Profile::Lenient).expect("what was written is read");
        assert!(
            same(&lenient.uri, &again.uri),
            "{text:?} was written as {:?}",
            written.expose_secret()
        );
    }
});
