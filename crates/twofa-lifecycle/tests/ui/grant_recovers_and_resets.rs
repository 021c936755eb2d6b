//! A grant is moved into the one thing that it permits, a reset or a recovery.
use twofa_lifecycle::{Command, Damage};
use twofa_policy::{Handover, ResetGrant};

fn both(grant: ResetGrant, found: Damage) {
    let _ = Command::Recover { grant, found };
    let _ = Command::Reset { grant, handover: Handover::Required };
}

fn main() {}
