//! A record changes through `step` alone: nobody clears its throttle or sets its state.
use twofa_lifecycle::{Record, State, Throttle};

fn main() {
    let mut record = Record::new();
    record.throttle = Throttle::new();
    record.state = State::None;
}
