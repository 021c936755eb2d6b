//! Nor by a pass, which is spent on a session.
use twofa::types::UserId;
use twofa::{LoginPass, MemoryDirectory, MemoryStore, TwoFactor};

fn main() {}

pub async fn reset(twofa: TwoFactor<MemoryStore, MemoryDirectory>, pass: LoginPass, user: UserId) {
    let _ = twofa.reset(&pass, &user).await;
}
