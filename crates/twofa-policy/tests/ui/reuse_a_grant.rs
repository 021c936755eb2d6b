//! A grant is used up by the reset it permits.
use twofa_policy::ResetGrant;

fn reset(_: ResetGrant) {}

fn twice(grant: ResetGrant) {
    reset(grant);
    reset(grant);
}

fn main() {}
