//! Debug may be derived over a secret, and says nothing of it; copies and comparisons may not.
use twofa::otpauth::SecretText;
use twofa::totp::Secret;
use twofa::{Enrolment, Keyring};

#[derive(Debug, Clone)]
pub struct Kept(Secret);

#[derive(Debug, PartialEq)]
pub struct Compared(Secret);

#[derive(Clone)]
pub struct Shown(SecretText);

#[derive(Clone)]
pub struct Begun(Enrolment);

#[derive(Clone)]
pub struct Ring(Keyring);

fn main() {}
