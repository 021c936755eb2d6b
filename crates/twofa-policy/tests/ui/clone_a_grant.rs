//! Nor can it be copied first.
use twofa_policy::ResetGrant;

fn copied(grant: &ResetGrant) -> ResetGrant {
    ResetGrant::clone(grant)
}

fn main() {}
