use twofa::Proof;
use twofa::types::{ProjectId, UserId};

fn main() {}

pub fn of(project: ProjectId, user: UserId) -> Proof {
    let _ = Proof(user.to_string());
    Proof::from((project, user))
}
