use twofa::LoginPass;

fn open_session(_: LoginPass) {}

fn main() {}

pub fn twice(pass: LoginPass) {
    open_session(pass);
    open_session(pass);
}
