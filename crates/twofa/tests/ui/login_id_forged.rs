//! A login id has a text, for the browser; it is no number, and none is made up.
use twofa::LoginId;

fn main() {
    let _ = LoginId([0; 16]);
    let _ = LoginId::random();
}
