#![deny(unused_must_use)]

use twofa::totp::{Code, NoMatch, Totp};
use twofa::types::UnixTime;
use twofa::{Answer, Attempt, Authorized, Begin, Error, LoginPass, MemoryDirectory, MemoryStore};
use twofa::{Proof, SignIn, TwoFactor};

fn main() {}

pub fn candidate(totp: &Totp, code: &Code, now: UnixTime) -> Result<(), NoMatch> {
    totp.find(code, now)?;
    Ok(())
}

pub async fn begin(twofa: &TwoFactor<MemoryStore, MemoryDirectory>, who: SignIn) -> Result<(), Error> {
    twofa.begin(who).await?;
    Ok(())
}

pub async fn answer(
    twofa: &TwoFactor<MemoryStore, MemoryDirectory>,
    attempt: Attempt<'_>,
) -> Result<(), Error> {
    twofa.answer(attempt).await?;
    Ok(())
}

pub async fn recheck(twofa: &TwoFactor<MemoryStore, MemoryDirectory>, proof: &Proof) -> Result<(), Error> {
    twofa.recheck(proof).await?;
    Ok(())
}

pub fn opened(begin: fn() -> Begin, answer: fn() -> Answer, pass: fn() -> LoginPass) {
    begin();
    answer();
    pass();
}

pub fn granted(reset: fn() -> Authorized<()>) {
    reset();
}
