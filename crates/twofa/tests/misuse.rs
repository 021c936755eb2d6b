//! What must not compile does not, and the compiler says why.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Debug may be derived over a secret, since it says nothing of it.
#[test]
fn a_derived_debug_over_secrets_says_nothing() {
    use twofa::otpauth::{KeyUri, SecretText};
    use twofa::totp::{Params, Secret};

    #[derive(Debug)]
    #[expect(dead_code, reason = "read by Debug alone")]
    struct Kept {
        secret: Secret,
        uri: KeyUri,
        text: SecretText,
    }

    let secret = || Secret::from_bytes(b"12345678901234567890").unwrap();
    let uri = || KeyUri::totp("Acme", "ann", secret(), Params::default()).unwrap();
    let kept = Kept {
        secret: secret(),
        uri: uri(),
        text: uri().to_uri(),
    };
    for printed in [format!("{kept:?}"), format!("{kept:#?}")] {
        let decimal = "49, 50, 51";
        let base32 = "GEZDGNBVGY3TQOJQ";
        for form in [decimal, base32, "1234567890", "31323334", "otpauth"] {
            assert!(!printed.contains(form), "{printed}");
        }
    }
}
