//! Key URIs and QR codes beside the crates that also make them.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at its own mistakes, and prints figures"
)]

use fast_qr::convert::svg::SvgBuilder;
use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};
use twofa_benches::{compare, header, measure};
use twofa_otpauth::{KeyUri, Profile, Qr, migration, parse};
use twofa_totp::{Params, Secret};

/// A key URI of 120 bytes.
const URI: &str = "otpauth://totp/Example%20Co:someone@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example%20Co&image=abcdef";

const KEY: &[u8; 20] = b"12345678901234567890";

fn ours(uri: &str) -> String {
    Qr::encode(uri)
        .unwrap()
        .svg("QR code")
        .expose_secret()
        .to_owned()
}

fn fast_qr(uri: &str) -> String {
    let code = fast_qr::QRBuilder::new(uri)
        .ecl(fast_qr::ECL::M)
        .build()
        .unwrap();
    SvgBuilder::default().to_str(&code)
}

fn qrcode(uri: &str) -> String {
    let code = qrcode::QrCode::with_error_correction_level(uri, qrcode::EcLevel::M).unwrap();
    code.render::<qrcode::render::svg::Color<'_>>().build()
}

fn qrcodegen(uri: &str, mask: Option<Mask>) -> QrCode {
    let segments = QrSegment::make_segments(uri);
    let (least, most) = (Version::new(1), Version::new(27));
    QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, least, most, mask, false)
        .unwrap()
}

fn key() -> KeyUri {
    let secret = Secret::from_bytes(KEY).unwrap();
    KeyUri::totp(
        "Example Co",
        "someone@example.com",
        secret,
        Params::default(),
    )
    .unwrap()
}

fn totp_rs_key() -> totp_rs::Totp {
    totp_rs::Builder::new()
        .with_secret(KEY.to_vec())
        .with_issuer(Some("Example Co"))
        .with_account_name("someone@example.com")
        .build()
        .unwrap()
}

fn bytes(name: &str, ours: &str, theirs: &str) {
    let (ours, theirs) = (
        u32::try_from(ours.len()).unwrap(),
        u32::try_from(theirs.len()).unwrap(),
    );
    let ratio = f64::from(ours) / f64::from(theirs);
    println!("{name}: ours/peer = {ratio:.3}   ({ours} bytes / {theirs} bytes)");
}

fn main() {
    header("key URIs and QR codes");
    assert_eq!(URI.len(), 120);

    compare(
        "URI of 120 bytes to SVG, fast_qr 0.14",
        || ours(URI),
        || fast_qr(URI),
    );
    compare(
        "URI of 120 bytes to SVG, qrcode 0.14",
        || ours(URI),
        || qrcode(URI),
    );
    bytes("SVG bytes, fast_qr 0.14", &ours(URI), &fast_qr(URI));
    bytes("SVG bytes, qrcode 0.14", &ours(URI), &qrcode(URI));
    let long = format!("{URI}{}", "x".repeat(800));
    compare(
        "URI of 920 bytes to SVG, fast_qr 0.14",
        || ours(&long),
        || fast_qr(&long),
    );
    compare(
        "modules with the chosen mask, qrcodegen 1.8",
        || Qr::encode(URI).unwrap(),
        || qrcodegen(URI, None),
    );
    measure("modules with a fixed mask, by qrcodegen", 1, || {
        qrcodegen(URI, Some(Mask::new(0)))
    });
    let code = Qr::encode(URI).unwrap();
    measure("PNG of a symbol", 1, || code.png());
    println!("PNG bytes: {}", code.png().expose_secret().len());
    measure("half blocks of a symbol", 1, || code.terminal());

    let (uri, theirs) = (key().to_uri(), totp_rs_key());
    let text = uri.expose_secret();
    compare(
        "parse a URI (lenient), totp-rs 6",
        || parse(text, Profile::Lenient).unwrap(),
        || totp_rs::Totp::from_url(text).unwrap(),
    );
    let ours = key();
    compare(
        "write a URI, totp-rs 6",
        || ours.to_uri(),
        || theirs.to_url().unwrap(),
    );
    compare(
        "key to URI, from bytes, totp-rs 6",
        || key().to_uri(),
        || totp_rs_key().to_url().unwrap(),
    );

    let keys: Vec<_> = (0..10).map(|_| key()).collect();
    let batches = migration::encode(&keys, 1).unwrap();
    let batch = batches.first().unwrap();
    measure("write an export of ten keys", 1, || {
        migration::encode(&keys, 1).unwrap()
    });
    measure("read an export batch", 1, || {
        migration::decode(batch.expose_secret()).unwrap()
    });
}
