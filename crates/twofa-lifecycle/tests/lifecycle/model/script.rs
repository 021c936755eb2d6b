//! What may happen, and how often.

use proptest::prelude::*;
use twofa_lifecycle::LoginKind;

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Happens {
    Tick(u64),
    TickBack(u64),
    Begin,
    BeginReplacement,
    Park(LoginKind),
    /// The code of the `app`th key from the last, `steps` from now, in the `login`th login from the last.
    Code {
        login: usize,
        app: usize,
        steps: i64,
        handover: Typed,
        stored: bool,
    },
    Wrong {
        login: usize,
        handover: Typed,
    },
    Malformed {
        login: usize,
    },
    Reset {
        support: bool,
        handover: bool,
        stale: bool,
        stored: bool,
    },
    Import,
    Expire,
}

#[derive(Debug, Clone, Copy)]
pub enum Typed {
    Nothing,
    Wrong,
    Right,
}

pub fn happens() -> impl Strategy<Value = Happens> {
    let typed =
        || prop_oneof![1 => Just(Typed::Nothing), 1 => Just(Typed::Wrong), 4 => Just(Typed::Right)];
    let kind = || prop_oneof![1 => Just(LoginKind::Enrol), 5 => Just(LoginKind::Challenge), 1 => Just(LoginKind::Replace)];
    let steps = prop_oneof![8 => Just(0_i64), 6 => -4..5_i64, 1 => -25..25_i64];
    prop_oneof![
        4 => (0..70_u64).prop_map(Happens::Tick),
        1 => (200..8000_u64).prop_map(Happens::Tick),
        1 => (1..200_u64).prop_map(Happens::TickBack),
        2 => Just(Happens::Begin),
        1 => Just(Happens::BeginReplacement),
        3 => kind().prop_map(Happens::Park),
        12 => (prop_oneof![6 => Just(0_usize), 1 => 0..4_usize], prop_oneof![6 => Just(0_usize), 1 => 0..3_usize], steps, typed(), prop::bool::weighted(0.9))
            .prop_map(|(login, app, steps, handover, stored)| Happens::Code { login, app, steps, handover, stored }),
        6 => (0..3_usize, typed()).prop_map(|(login, handover)| Happens::Wrong { login, handover }),
        1 => (0..3_usize).prop_map(|login| Happens::Malformed { login }),
        1 => (any::<bool>(), any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.8))
            .prop_map(|(support, handover, stale, stored)| Happens::Reset { support, handover, stale, stored }),
        1 => Just(Happens::Import),
        1 => Just(Happens::Expire),
    ]
}
