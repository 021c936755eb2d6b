//! A grant cannot be written down: its fields are private, and there is no other way to make one.
use twofa_policy::ResetGrant;
use twofa_types::{ProjectId, UserId};

fn main() {
    let forged = ResetGrant {
        project: ProjectId::new("acme").unwrap(),
        subject: UserId::new("bob").unwrap(),
    };
    let made = ResetGrant::new();
    let empty = ResetGrant::default();
}
