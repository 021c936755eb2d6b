//! Nobody resets by saying who they are.
use twofa::types::UserId;
use twofa::{MemoryDirectory, MemoryStore, TwoFactor};

fn main() {}

pub async fn reset(twofa: TwoFactor<MemoryStore, MemoryDirectory>, admin: UserId, user: UserId) {
    let _ = twofa.reset(&admin, &user).await;
}
