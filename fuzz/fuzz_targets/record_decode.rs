//! A factor's record: what decodes encodes to the same bytes, and every command on it is answered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa::lifecycle::{
    Command, Config, Context, LoginHash, LoginKind, ParkedLogin, Record, State, step,
};
use twofa::policy::Handover;
use twofa::totp::Code;
use twofa::types::UnixTime;
use twofa_fuzz::{PlainVault, random, support_grant};

fuzz_target!(|data: &[u8]| {
    let Ok(record) = Record::decode(data) else {
        return;
    };
    assert_eq!(record.encode(), data, "a record has one encoding");
    assert!(data.len() <= twofa::MAX_RECORD_BYTES);
    let _ = (record.view(), record.summary(), format!("{record:?}"));

    let id = match record.state() {
        State::Pending { pending, .. } => pending.login,
        State::Active(active) => active
            .replacement
            .as_ref()
            .map_or(LoginHash::from_bytes([0; 32]), |key| key.login),
        State::None | State::Reset(_) => LoginHash::from_bytes([0; 32]),
    };
    let last = record.last_event().unwrap_or_default();
    for now in [
        last,
        UnixTime::EPOCH,
        last.saturating_add(601),
        UnixTime::from_secs(u64::MAX),
    ] {
        let (random, config, code) = (random(1), Config::default(), Code::parse("123456").unwrap());
        let context = Context {
            now,
            random: &random,
            vault: &PlainVault,
            config: &config,
        };
        let parked = |kind| ParkedLogin::park(id, kind, &record, now, &config);
        let answers = [LoginKind::Enrol, LoginKind::Challenge, LoginKind::Replace].map(parked);
        let commands = answers
            .iter()
            .map(|login| Command::Answer {
                login,
                code: &code,
                handover: Some("ABCD-EFGH"),
            })
            .chain([
                Command::BeginEnrolment { login: id },
                Command::BeginReplacement { login: id },
                Command::Reset {
                    grant: support_grant(record.generation(), now),
                    handover: Handover::Required,
                },
                Command::Expire,
            ]);
        for command in commands {
            // A secret that was never sealed here is the vault's error, not a panic.
            let Ok(transition) = step(&record, command, &context) else {
                continue;
            };
            if let Some(next) = transition.record() {
                let bytes = next.encode();
                assert_eq!(
                    Record::decode(&bytes).as_ref(),
                    Ok(next),
                    "what is written is read back alike"
                );
            }
        }
    }
});
