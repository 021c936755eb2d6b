//! A hand-over code comes from a reset alone.
use twofa_lifecycle::HandoverCode;

fn main() {
    let _ = HandoverCode("AAAA-AAAA-AAAA-AAAA".to_owned());
}
