//! What is at rest has been through a vault, or at least through a check of its bounds.
use twofa_lifecycle::SealedSecret;

fn main() {
    let _ = SealedSecret(vec![1; 1000].into_boxed_slice());
}
