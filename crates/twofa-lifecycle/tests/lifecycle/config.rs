//! Bounds of what is configured, and what the passed-in values keep to themselves.

use twofa_lifecycle::{Config, ConfigError, LoginKind, ParkedLogin, Record, Summary, SummaryState};
use twofa_totp::{Algorithm, Params, Window};

use crate::world::{START, World, login_hash};

#[test]
fn the_defaults_are_what_every_app_understands_and_ten_minutes() {
    let config = Config::default();
    assert_eq!(
        (config.params(), config.window()),
        (Params::default(), Window::default())
    );
    assert_eq!((config.set_up_secs(), config.login_secs()), (600, 600));
}

#[test]
fn waits_are_bounded_on_both_sides() {
    let config = Config::default();
    assert_eq!(
        config.with_set_up_secs(0),
        Err(ConfigError::SetUpSecs { seconds: 0 })
    );
    assert_eq!(
        config.with_set_up_secs(601),
        Err(ConfigError::SetUpSecs { seconds: 601 })
    );
    assert_eq!(
        config.with_login_secs(0),
        Err(ConfigError::LoginSecs { seconds: 0 })
    );
    assert_eq!(
        config.with_login_secs(3601),
        Err(ConfigError::LoginSecs { seconds: 3601 })
    );
    for seconds in [1, 600] {
        assert_eq!(
            config.with_set_up_secs(seconds).unwrap().set_up_secs(),
            seconds
        );
    }
    for seconds in [1, 3600] {
        assert_eq!(
            config.with_login_secs(seconds).unwrap().login_secs(),
            seconds
        );
    }
    let error = config.with_set_up_secs(601).unwrap_err().to_string();
    assert_eq!(error, "601 s to set a key up; choose between 1 and 600");
    let error = config.with_login_secs(0).unwrap_err().to_string();
    assert_eq!(error, "0 s for a login to wait; choose between 1 and 3600");
}

#[test]
fn each_setting_leaves_the_others_alone() {
    let params = Params::default().with_algorithm(Algorithm::Sha512);
    let window = Window::new(3, 2).unwrap();
    let config = Config::default()
        .with_login_secs(61)
        .unwrap()
        .with_set_up_secs(59)
        .unwrap()
        .with_params(params)
        .with_window(window);
    assert_eq!((config.params(), config.window()), (params, window));
    assert_eq!((config.set_up_secs(), config.login_secs()), (59, 61));
    let config = config
        .with_login_secs(62)
        .unwrap()
        .with_set_up_secs(58)
        .unwrap();
    assert_eq!((config.params(), config.window()), (params, window));
    assert_eq!((config.set_up_secs(), config.login_secs()), (58, 62));
}

#[test]
fn a_login_waits_as_long_as_its_kind_may() {
    let config = Config::default()
        .with_login_secs(900)
        .unwrap()
        .with_set_up_secs(300)
        .unwrap();
    let record = Record::new();
    for (kind, seconds) in [
        (LoginKind::Challenge, 900),
        (LoginKind::Enrol, 300),
        (LoginKind::Replace, 300),
    ] {
        let login = ParkedLogin::park(login_hash(1), kind, &record, START, &config);
        assert_eq!(
            login,
            ParkedLogin {
                id: login_hash(1),
                kind,
                generation: 1,
                parked: START,
                expires: START.saturating_add(seconds),
                failures: 0,
            }
        );
    }
    assert_eq!(login_hash(3).as_bytes(), &[3; 32]);
}

#[test]
fn a_new_key_waits_as_long_as_it_may() {
    let mut world = World::new();
    world.config = world.config.with_set_up_secs(300).unwrap();
    world.begin(1);
    assert_eq!(world.pending().expires, START.saturating_add(300));
}

#[test]
fn what_a_list_shows() {
    let names = [
        SummaryState::None,
        SummaryState::Pending,
        SummaryState::Active,
        SummaryState::Reset,
    ];
    assert_eq!(
        names.map(SummaryState::code),
        ["none", "pending", "active", "reset"]
    );
    let mut world = World::new();
    world.begin(1);
    let expected = Summary {
        state: SummaryState::Pending,
        since: Some(START),
        last_used: None,
    };
    assert_eq!(world.record.summary(), expected);
}

#[test]
fn debug_output_names_things_and_shows_nothing() {
    let mut world = World::new();
    let random = world.random();
    let context = twofa_lifecycle::Context {
        now: world.now,
        random: &random,
        vault: &world.vault,
        config: &world.config,
    };
    let text = format!("{context:?}");
    assert!(
        text.starts_with("Context { now: 2022-12-01T00:00:00Z, config: Config {"),
        "{text}"
    );
    assert!(text.ends_with(".. }"), "{text}");
    assert_eq!(format!("{:?}", twofa_lifecycle::Command::Expire), "Expire");
}
