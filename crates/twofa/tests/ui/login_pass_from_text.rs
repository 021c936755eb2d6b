//! A pass is nothing to keep: no text becomes one.
use twofa::LoginPass;

fn main() {
    let _: LoginPass = "{}".parse().unwrap();
}
