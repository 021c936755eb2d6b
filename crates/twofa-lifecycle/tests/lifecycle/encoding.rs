//! The record as bytes.

use crate::world::{START, World};
use proptest::collection::vec;
use proptest::prelude::*;
use twofa_lifecycle::{ChainHead, Entry, Listed, Record, RecordError, SealedSecret};
use twofa_policy::{Handover, Role};
use twofa_types::UnixTime;

/// Records as they come about, and as they may be in corners that rarely come about.
fn samples() -> Vec<Record> {
    let mut samples = vec![Record::new()];
    let mut world = World::new();
    world.begin(1);
    samples.push(world.record.clone());
    let (mut world, app) = World::enrolled();
    samples.push(world.record.clone());
    world.tick(86_400);
    assert!(world.challenge(&app, -1).is_accepted());
    world.fail(&app, 4);
    let _ = world.challenge(&app, 0);
    world.tick(30);
    world.begin_replacement(1);
    world.record.set_chain(ChainHead {
        seq: u64::MAX,
        mac: [0xee; 32],
    });
    samples.push(world.record.clone());
    world.fail(&app, 96);
    let _ = world.challenge(&app, 0);
    samples.push(world.record.clone());
    let grant = world.support_grant();
    let _ = world.apply(twofa_lifecycle::Command::Reset {
        grant,
        handover: Handover::Required,
    });
    samples.push(world.record.clone());
    world.begin(2);
    samples.push(world.record.clone());
    let mut world = World::new();
    world.now = UnixTime::from_secs(u64::MAX - 1);
    world.begin(1);
    samples.push(world.record);
    let mut world = World::new();
    let _ = world.recover(7, 9);
    samples.push(world.record.clone());
    world.tick(3600);
    world.begin(1);
    samples.push(world.record);
    let (mut world, _) = World::enrolled();
    let _ = world.apply(twofa_lifecycle::Command::EndSessions);
    samples.push(world.record.clone());
    let _ = world.apply(twofa_lifecycle::Command::List {
        entry: Entry::Added(Role::Member),
        listed: Some(Listed::from_bytes([0xaa; 32])),
        actor: None,
    });
    samples.push(world.record);
    samples
}

#[test]
fn every_sample_round_trips_and_is_small() {
    for record in samples() {
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes).unwrap(), record);
        assert!(bytes.len() <= 400, "{} bytes", bytes.len());
    }
    assert_eq!(Record::new().encode().len(), 40);
    let largest = World::enrolled()
        .0
        .record
        .reseal(|_, _| SealedSecret::from_bytes(&[1; 512]));
    assert!(largest.unwrap().encode().len() < 1300);
}

#[test]
fn the_layout_is_pinned() {
    let mut record = World::enrolled().0.record;
    record.set_chain(ChainHead {
        seq: 300,
        mac: [0xcc; 32],
    });
    let record = record
        .reseal(|_, _| SealedSecret::from_bytes(&[0xdd; 3]))
        .unwrap();
    let start = [0x80, 0xdd, 0x9f, 0x9c, 0x06]; // 1,669,852,800
    let mut expected = vec![1, 1, 0, 0, 0]; // version, generation, failures, no lock, not noted
    expected.push(1);
    expected.extend_from_slice(&start); // last event
    expected.extend_from_slice(&[0xac, 0x02]); // 300 events
    expected.extend_from_slice(&[0xcc; 32]);
    expected.push(3); // active
    expected.extend_from_slice(&[3, 0xdd, 0xdd, 0xdd, 0, 6, 30, 0]); // sealed, SHA-1, digits, period, T0
    expected.extend_from_slice(&start); // since
    expected.extend_from_slice(&[1, 0xc0, 0xa9, 0xc5, 0x1a]); // step 55,661,760 spent
    expected.push(1);
    expected.extend_from_slice(&start); // last used
    expected.extend_from_slice(&[0, 0]); // no drift, no replacement
    assert_eq!(hex(&record.encode()), hex(&expected));
    assert_eq!(START.as_secs(), 1_669_852_800);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn an_unknown_version_is_an_error_never_a_guess() {
    for record in samples() {
        let mut bytes = record.encode();
        for version in (0..=255).filter(|version| !matches!(version, 1..=3)) {
            bytes[0] = version;
            assert_eq!(
                Record::decode(&bytes),
                Err(RecordError::UnknownVersion { version })
            );
        }
    }
    assert_eq!(Record::decode(&[]), Err(RecordError::Truncated));
}

#[test]
fn cut_short_or_with_something_behind_it_is_refused() {
    for record in samples() {
        let bytes = record.encode();
        for end in 0..bytes.len() {
            assert_eq!(
                Record::decode(&bytes[..end]),
                Err(RecordError::Truncated),
                "{end}"
            );
        }
        for more in 1..4 {
            let mut longer = bytes.clone();
            longer.resize(bytes.len() + more, 0);
            assert_eq!(
                Record::decode(&longer),
                Err(RecordError::Trailing { bytes: more })
            );
        }
    }
}

/// Records as the version before wrote them, byte for byte: read for ever, and written so for as long as nothing
/// newer is in them.
#[test]
fn records_of_the_version_before_are_read_and_written_alike() {
    let chain = "07".to_owned() + &"ab".repeat(32);
    for (what, hex_of) in [
        ("new", format!("0101000000000000{}00", "00".repeat(31))),
        (
            "reset, with a hand-over code",
            format!(
                "01020000000180dd9f9c06{chain}010180dd9f9c0601{}",
                "5e".repeat(32)
            ),
        ),
        (
            "in use",
            format!(
                "01010000000180dd9f9c06{chain}0303dddddd00061e0080dd9f9c0601c0a9c51a0180dd9f9c060000"
            ),
        ),
    ] {
        let bytes: Vec<u8> = (0..hex_of.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex_of[at..at + 2], 16).unwrap())
            .collect();
        let record = Record::decode(&bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(hex(&record.encode()), hex_of, "{what}");
        assert_eq!(record.epoch(), None);
        // The same under version 2 would be a second form.
        let mut second = bytes.clone();
        second[0] = 2;
        assert!(Record::decode(&second).is_err(), "{what}");
    }
}

#[test]
fn what_is_new_in_version_2_is_kept() {
    let (mut world, _) = World::enrolled();
    assert_eq!(world.record.encode()[0], 1);
    let _ = world.apply(twofa_lifecycle::Command::EndSessions);
    assert_eq!(world.record.epoch(), Some(world.now));
    let bytes = world.record.encode();
    assert_eq!(bytes[0], 2);
    assert_eq!(Record::decode(&bytes), Ok(world.record));
}

/// Whatever decodes is the one encoding of what it decodes to, so no two rows mean the same record.
fn canonical(bytes: &[u8]) {
    if let Ok(record) = Record::decode(bytes) {
        let again = record.encode();
        assert!(again == bytes, "{} and {}", hex(&again), hex(bytes));
    }
}

#[test]
fn every_other_value_of_every_byte_is_refused_or_canonical() {
    for record in samples() {
        let bytes = record.encode();
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = value;
                canonical(&changed);
            }
        }
    }
}

#[test]
fn values_out_of_bounds_are_named() {
    let base = World::enrolled()
        .0
        .record
        .reseal(|_, _| SealedSecret::from_bytes(&[0xdd; 3]));
    let base = base.unwrap().encode();
    let state = base.windows(3).position(|run| run == [0xdd; 3]).unwrap() - 2;
    let sealed = state + 1;
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = base.clone();
        changed.splice(at..=at, bytes.iter().copied());
        match Record::decode(&changed) {
            Err(RecordError::Malformed { field }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(with(1, &[0]), "generation");
    assert_eq!(
        with(1, &[0x80, 0x80, 0x80, 0x80, 0x10]),
        "generation",
        "past 32 bits"
    );
    assert_eq!(with(1, &[0x81, 0]), "generation", "a longer form of 1");
    assert_eq!(with(2, &[101]), "failures");
    assert_eq!(with(2, &[4]), "failures", "the fourth costs a wait");
    assert_eq!(with(3, &[1, 5]), "failures", "none has cost one");
    assert_eq!(with(4, &[1]), "failures", "no lock to note");
    assert_eq!(with(3, &[2]), "lock");
    assert_eq!(with(4, &[2]), "lock");
    assert_eq!(with(5, &[2]), "last event");
    assert_eq!(with(state, &[4]), "state");
    assert_eq!(with(sealed, &[0]), "sealed secret");
    assert_eq!(with(sealed, &[0x81, 0x04]), "sealed secret", "513");
    assert_eq!(with(sealed + 4, &[3]), "algorithm");
    assert_eq!(with(sealed + 5, &[5]), "digits");
    assert_eq!(with(sealed + 5, &[9]), "digits");
    assert_eq!(with(sealed + 6, &[0]), "period");
    assert_eq!(with(sealed + 6, &[0x91, 0x1c]), "period", "3601");
    assert_eq!(with(sealed + 7, &[0xff; 10]), "time", "past 64 bits");
    assert_eq!(with(base.len() - 2, &[4]), "drift");
    assert_eq!(with(base.len() - 2, &[0xfc]), "drift");
    assert_eq!(with(base.len() - 1, &[2]), "replacement");
    // And what is just inside is read.
    for (at, bytes) in [
        (sealed + 4, &[2][..]),
        (sealed + 5, &[8]),
        (sealed + 6, &[0x90, 0x1c]),
        (
            sealed + 7,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ),
        (base.len() - 2, &[3]),
        (base.len() - 2, &[0xfd]),
        (1, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] {
        let mut changed = base.clone();
        changed.splice(at..=at, bytes.iter().copied());
        assert!(Record::decode(&changed).is_ok(), "{at} {bytes:?}");
        canonical(&changed);
    }
    let largest = World::enrolled()
        .0
        .record
        .reseal(|_, _| SealedSecret::from_bytes(&[0xdd; SealedSecret::MAX_BYTES]));
    let largest = largest.unwrap();
    assert_eq!(Record::decode(&largest.encode()), Ok(largest));
    let reset = samples()
        .into_iter()
        .find(|record| record.view().reset_by.is_some())
        .unwrap()
        .encode();
    assert_eq!(reset[0], 2, "a key was erased, which version 1 cannot say");
}

#[test]
fn errors_say_what_to_do() {
    let errors = [
        RecordError::UnknownVersion { version: 3 },
        RecordError::Truncated,
        RecordError::Trailing { bytes: 3 },
        RecordError::Malformed { field: "drift" },
    ];
    for error in errors {
        let text = error.to_string();
        assert!(
            text.contains("upgrade") || text.contains("restore"),
            "{text}"
        );
    }
    let error = SealedSecret::from_bytes(&[0; 513]).unwrap_err();
    assert_eq!(error.bytes, 513);
    assert!(SealedSecret::from_bytes(&[0; 512]).is_ok());
    assert!(SealedSecret::from_bytes(&[0]).is_ok());
    assert_eq!(
        format!("{:?}", SealedSecret::from_bytes(&[9; 40]).unwrap()),
        "SealedSecret(40 bytes)"
    );
}

#[test]
fn rotation_reseals_every_secret_and_nothing_else() {
    for record in samples() {
        let mut seen = Vec::new();
        let again = record.reseal(|generation, sealed| {
            seen.push(generation);
            let mut bytes = sealed.as_bytes().to_vec();
            bytes.reverse();
            SealedSecret::from_bytes(&bytes)
        });
        let again = again.unwrap();
        assert!(
            seen.iter()
                .all(|generation| *generation == record.generation())
        );
        let secrets = match record.state() {
            twofa_lifecycle::State::None | twofa_lifecycle::State::Reset(_) => 0,
            twofa_lifecycle::State::Pending { .. } => 1,
            twofa_lifecycle::State::Active(active) => 1 + usize::from(active.replacement.is_some()),
        };
        assert_eq!(seen.len(), secrets);
        assert_eq!(again == record, secrets == 0);
        assert_eq!(again.encode().len(), record.encode().len());
        let back = again.reseal(|_, sealed| {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes.reverse();
            SealedSecret::from_bytes(&bytes)
        });
        assert_eq!(back.unwrap(), record);
        if secrets > 0 {
            assert_eq!(record.reseal(|_, _| Err("no such key")), Err("no such key"));
        }
    }
}

proptest! {
    #![proptest_config(crate::world::cases(16))]

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..600)) {
        canonical(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_version_never_panic(mut bytes in vec(prop_oneof![Just(0_u8), Just(1), Just(3), any::<u8>()], 2..300)) {
        bytes[0] = 1 + bytes[1] % 2;
        canonical(&bytes);
    }

    #[test]
    fn damaged_records_never_panic(which in 0..9_usize, damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = SAMPLES.with(|samples| samples[which].clone());
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        canonical(&bytes);
    }
}

thread_local! {
    static SAMPLES: Vec<Vec<u8>> = samples().iter().map(Record::encode).collect();
}
