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
    /// Something else than this library changes what is stored, so that it cannot be read.
    Damage,
    Recover {
        /// Of a record that is damaged only now.
        damaged: bool,
        support: bool,
        known: Known,
        failures: u32,
        /// With a grant that is for an ordinary reset.
        ordinary: bool,
        stored: bool,
    },
}

/// What is left to tell the generation by.
#[derive(Debug, Clone, Copy)]
pub enum Known {
    /// Events that name it.
    Events,
    /// Parked logins alone: the events are gone as well.
    Logins,
    /// More than there ever was: somebody wrote events of their own.
    More(u32),
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
    let known = prop_oneof![3 => Just(Known::Events), 2 => Just(Known::Logins), 1 => (1..9_u32).prop_map(Known::More)];
    let steps = prop_oneof![8 => Just(0_i64), 6 => -4..5_i64, 1 => -25..25_i64];
    let usual = prop_oneof![
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
    ];
    let recover = (
        prop::bool::weighted(0.7),
        any::<bool>(),
        known,
        prop_oneof![6 => 0..4_u32, 2 => 4..12_u32, 1 => 98..102_u32],
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.8),
    )
        .prop_map(
            |(damaged, support, known, failures, ordinary, stored)| Happens::Recover {
                damaged,
                support,
                known,
                failures,
                ordinary,
                stored,
            },
        );
    prop_oneof![60 => usual, 1 => Just(Happens::Damage), 1 => recover]
}
