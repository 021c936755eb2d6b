//! A line of an import file: a user, a tab, a key URI. What is let in works once, as the app shows it.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use twofa::otpauth::{Kind, Parser, Profile};
use twofa::policy::{ProjectSettings, Reason, Role};
use twofa::testkit::{
    Clock, START, accepted, block_on, challenge, fine, operator, project, reason,
};
use twofa::totp::Totp;
use twofa::types::UserId;
use twofa::{Attempt, Error, Keyring, MemoryDirectory, MemoryStore, SignIn, TwoFactor};

const KEYRING: &str = "twofa-keyring 1\nactive 1\nkey 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some((user, uri)) = text.trim_end_matches(['\r', '\n']).split_once('\t') else {
        return;
    };
    let Ok(user) = UserId::new(user) else { return };
    assert_eq!(
        UserId::new(user.as_str()).as_ref(),
        Ok(&user),
        "a name is read back alike"
    );
    let Ok(parsed) = Parser::new(Profile::Lenient)
        .with_min_secret_bits(80)
        .parse(uri)
    else {
        return;
    };
    assert!(parsed.uri.secret().len() >= 10, "shorter ones are refused");

    let (project, clock) = (project("acme"), Clock::at(START));
    let directory = Arc::new(MemoryDirectory::new());
    directory.set_project(&project, ProjectSettings::mandatory_from(START));
    let keyring = fine(Keyring::from_text(KEYRING));
    let store = Arc::new(MemoryStore::new());
    let service = TwoFactor::builder(store, Arc::clone(&directory), keyring);
    let service = fine(service.clock(clock.reading()).build());
    let by = operator();
    let import = || block_on(service.import(&project, &user, &parsed.uri, &by));

    let time_based = matches!(parsed.uri.kind(), Kind::Totp);
    let refused = import();
    assert!(
        matches!(refused, Err(Error::UnknownMember(_) | Error::CannotImport)),
        "no member yet: {refused:?}"
    );
    directory.set_member(&project, &user, Role::Member);
    if !time_based {
        assert!(matches!(import(), Err(Error::CannotImport)));
        return;
    }
    assert!(matches!(import(), Ok(_)));
    assert!(
        matches!(import(), Err(Error::AlreadySetUp { .. })),
        "a second time"
    );

    let app = Totp::new(parsed.uri.secret(), parsed.uri.params());
    let code = app.generate(clock.now()).expose().to_string();
    let login = || {
        challenge(fine(block_on(
            service.begin(SignIn::password(&project, &user)),
        )))
    };
    let answer = |typed: &str| fine(block_on(service.answer(Attempt::new(&login(), typed))));
    let _pass = accepted(answer(&code));
    assert_eq!(reason(answer(&code)), Reason::CodeAlreadyUsed);
    assert_eq!(fine(block_on(service.audit_verify(None))).first_bad, None);
});
