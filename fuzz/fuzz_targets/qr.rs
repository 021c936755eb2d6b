//! QR codes: the modules are qrcodegen's, mask included.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};
use twofa_otpauth::{Qr, qr};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let segments = QrSegment::make_segments(text);
    let (least, most) = (Version::new(1), Version::new(qr::MAX_VERSION));
    let reference =
        QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, least, most, None, false);
    let (Ok(ours), Ok(reference)) = (Qr::encode(text), reference.as_ref()) else {
        assert!(
            Qr::encode(text).is_err() && reference.is_err(),
            "the one refuses what the other takes"
        );
        return;
    };
    assert_eq!(i32::from(ours.size()), reference.size());
    for y in 0..ours.size() {
        for x in 0..ours.size() {
            assert_eq!(
                ours.is_dark(x, y),
                reference.get_module(x.into(), y.into()),
                "({x}, {y}) of {text:?}"
            );
        }
    }
    let side = usize::from(ours.size()) + 8;
    assert_eq!(ours.ascii().expose_secret().len(), side * (side * 2 + 1));
    let _ = (ours.svg(text), ours.terminal(), ours.png());
});
