//! What looks for secrets finds them.

use twofa::testkit::failures::Needles;
use twofa::testkit::{Authenticator, MemoryHarness, Site};

/// The needles are found where they are, so that not finding them means something.
#[test]
fn needles_are_found_where_they_are() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = Authenticator::scan(&site.set_up(&site.ann));
    let needles = Needles::of(&phone, site.now());
    let hex = base16ct::lower::encode_string(phone.secret());
    for hay in [
        phone.secret().to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        phone.uri().as_bytes().to_vec(),
        phone.code_of(site.now(), 3).into_bytes(),
    ] {
        let mut around = b"before".to_vec();
        around.extend(hay);
        around.extend(b"after");
        let looked = std::panic::catch_unwind(|| needles.look_in(&around, "this"));
        assert!(looked.is_err());
    }
    needles.look_in(b"nothing of it", "this");
}
