//! Nothing that holds a key shows it, except through `expose_secret`.

use twofa_otpauth::{Profile, Qr, migration, parse};

const KEY: &str = "NBSWY3DPFQQHO33SNRSAUMRTGQ2TMNZY";

#[test]
fn debug_shows_no_key() {
    let text = format!("otpauth://totp/A:b?secret={KEY}&issuer=A");
    let parsed = parse(&text, Profile::Lenient).unwrap();
    let bytes = parsed.uri.secret().expose_secret().to_vec();
    let qr = Qr::encode(&text).unwrap();
    let batches = migration::encode(&[parse(&text, Profile::Lenient).unwrap().uri], 1).unwrap();
    let batch = migration::decode(batches[0].expose_secret()).unwrap();
    let shown = [
        format!("{parsed:?}"),
        format!("{:?}", parsed.uri),
        format!("{:?}", parsed.uri.to_uri()),
        format!("{:?}", parsed.uri.manual_key()),
        format!("{qr:?}"),
        format!("{:?}", qr.svg("t")),
        format!("{:?}", qr.png()),
        format!("{:?}", qr.terminal()),
        format!("{:?}", qr.ascii()),
        format!("{batches:?}"),
        format!("{batch:?}"),
    ];
    for shown in shown {
        assert!(
            !shown.contains("NBSW") && !shown.contains("hello") && !shown.contains("104, 101"),
            "{shown}"
        );
        assert!(
            !shown.contains('█') && !shown.contains("##") && !shown.contains("M4 4"),
            "{shown}"
        );
        assert!(!shown.contains(&format!("{bytes:?}")), "{shown}");
    }
}

#[test]
fn errors_show_no_key() {
    for text in [
        format!("otpauth://totp/A:b?secret={KEY}0"),
        format!("otpauth://totp/A:b?secret={KEY}&secret={KEY}AA"),
        format!("otpauth://totp/A:b?secret={KEY}&digits=9"),
        format!("http://{KEY}"),
        format!("otpauth://{KEY}"),
        KEY.to_owned(),
    ] {
        let error = parse(&text, Profile::Lenient).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("NBSW"), "{error}");
    }
}
