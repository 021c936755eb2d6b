//! Random bytes are for one step: not copied, not kept.
use twofa_lifecycle::Random;

fn keep(random: &Random) -> Random {
    random.clone()
}

fn main() {}
