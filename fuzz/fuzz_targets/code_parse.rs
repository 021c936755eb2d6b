//! Typed codes: what was understood, typed plainly, is the same code.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa_totp::Code;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(code) = Code::parse(text) {
        let plain = code.expose().to_string();
        assert_eq!(plain.len(), usize::from(code.digits().get()));
        assert!(plain.bytes().all(|byte| byte.is_ascii_digit()));
        let again = Code::parse(&plain).expect("plain digits are understood");
        assert_eq!(again.expose().to_string(), plain);
    }
});
