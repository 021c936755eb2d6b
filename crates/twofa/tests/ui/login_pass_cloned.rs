use twofa::LoginPass;

fn main() {}

pub fn twice(pass: LoginPass) -> [LoginPass; 2] {
    [pass.clone(), pass]
}
