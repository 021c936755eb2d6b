use twofa::Keyring;
use twofa::lifecycle::HandoverCode;
use twofa::otpauth::{KeyUri, SecretText};
use twofa::totp::{Code, Secret};

fn main() {}

pub fn print(
    secret: Secret,
    text: SecretText,
    uri: KeyUri,
    code: Code,
    handover: HandoverCode,
    keyring: Keyring,
) {
    println!("{secret}");
    println!("{text}");
    println!("{uri}");
    println!("{code}");
    println!("{handover}");
    println!("{keyring}");
}
