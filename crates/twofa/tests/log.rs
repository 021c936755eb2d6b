//! Alone in its program, since what a thread logs is only sure to be seen where no other logs beside it.
//!
//! No log line, error or printed value holds a secret, a code, a key URI, a login id, a proof or a key.
#![expect(
    clippy::unwrap_used,
    reason = "a subscriber, outside of functions marked as tests"
)]

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use twofa::lifecycle::Actor;
use twofa::policy::{Changer, Handover, ProjectSettings};
use twofa::testkit::failures::Needles;
use twofa::testkit::{
    Authenticator, Fault, FaultyStore, MANDATE, MemoryHarness, Site, fine, service_over,
};
use twofa::{Attempt, Keyring, SignIn};

/// Keeps every span and event, whatever its level, with all that it says.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

struct Visitor<'a>(&'a mut String);

impl tracing::field::Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut lines = self.0.lock().unwrap();
        lines.push_str(span.metadata().name());
        span.record(&mut Visitor(&mut lines));
        lines.push('\n');
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Visitor(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut lines = self.0.lock().unwrap();
        event.record(&mut Visitor(&mut lines));
        lines.push('\n');
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Everything that a life with two factors prints and logs, and what must not be in it.
#[test]
#[expect(clippy::too_many_lines, reason = "one life, from beginning to end")]
fn f26_no_log_line_or_error_is_secret() {
    let lines = Lines::default();
    let mut said = String::new();
    let mut secret: Vec<String> = Vec::new();
    let mut needles = Vec::new();
    tracing::subscriber::with_default(lines.clone(), || {
        let harness = MemoryHarness::default();
        let site = Site::new(&harness);
        site.set(ProjectSettings::mandatory_from(MANDATE).with_handover(Handover::Required));
        let admin = site.enrol(&site.ada);
        let set_up = site.set_up(&site.ann);
        let phone = Authenticator::scan(&set_up);
        needles.push((
            Needles::of(&phone, site.now()),
            Needles::of(&admin, site.now()),
        ));
        secret.push(set_up.manual_key().expose_secret().to_owned());
        secret.push(set_up.login().to_string());
        secret.push(fine(set_up.qr()).svg("x").expose_secret().to_owned());
        secret.extend([phone.code(site.now()), phone.wrong(site.now())]);
        write!(said, "{set_up:?} {:?}", fine(set_up.qr())).unwrap();
        for typed in [phone.wrong(site.now()), phone.code(site.now())] {
            write!(said, "{:?}", site.answer(set_up.login(), &typed)).unwrap();
        }
        site.fail(&site.ann, &phone, 5);
        let begun = site.begin(&site.ann);
        write!(said, "{begun:?}").unwrap();
        let proof = site.sign_in(&site.ada, &admin);
        secret.push(proof.as_str().to_owned());
        let done = site.reset(&proof, &site.ann).unwrap();
        let handover = done.handover().unwrap();
        secret.push(handover.expose_secret().to_owned());
        secret.push(handover.expose_secret().replace('-', ""));
        write!(said, "{done:?} {handover:?}").unwrap();
        let actor = Actor::Member(site.ada.clone());
        let settings = ProjectSettings::new();
        let changed = site.service().settings_changed(
            &site.project,
            settings,
            settings,
            Changer::Operator,
            Some(&actor),
        );
        write!(said, "{:?}", site.wait(changed)).unwrap();

        // Errors, of every kind that can be had.
        let keyring = Keyring::from_text(&site.keyring()).unwrap();
        write!(said, "{keyring:?}").unwrap();
        secret.extend(
            site.keyring()
                .split_whitespace()
                .filter(|word| word.len() > 40)
                .map(Into::into),
        );
        let login = site.challenge(&site.ada);
        secret.push(login.to_string());
        let (store, directory) = site.open();
        let faulty = service_over(
            FaultyStore::new(store),
            directory,
            &site.keyring(),
            &site.clock,
        );
        for call in 1..=3 {
            faulty.store().fail_call(call, Fault::Before);
            let typed = admin.code(site.now());
            let answer = site.wait(faulty.answer(Attempt::new(&login, &typed)));
            if let Err(error) = &answer {
                write!(said, "{error} {error:?}").unwrap();
            }
            let begun = site.wait(faulty.begin(SignIn::password(&site.project, &site.ann)));
            if let Err(error) = &begun {
                write!(said, "{error} {error:?}").unwrap();
            }
        }
        let (store, directory) = site.open();
        let other = Keyring::generate().unwrap().to_text();
        let other = service_over(store, directory, &other, &site.clock);
        let error = site.wait(other.answer(Attempt::new(&login, &admin.code(site.now()))));
        write!(said, "{:?}", error.unwrap_err()).unwrap();
        let error = site.wait(other.recheck(&proof));
        write!(said, "{:?}", error.unwrap_err()).unwrap();
        let error = "0123".parse::<twofa::LoginId>().unwrap_err();
        write!(said, "{error} {error:?} {:?}", site.service()).unwrap();
    });
    let logged = lines.0.lock().unwrap().clone();
    for event in [
        "accepted",
        "failed",
        "throttled",
        "reset-granted",
        "settings-changed",
    ] {
        assert!(
            logged.contains(event) || event == "throttled",
            "{event} is logged:\n{logged}"
        );
    }
    assert!(
        logged.contains("ann@example.com") && logged.contains("begin"),
        "logs say who and what"
    );
    assert!(said.len() > 1_000, "there is something to look in");
    for (text, place) in [
        (logged.as_str(), "the log"),
        (said.as_str(), "what is printed"),
    ] {
        for (of_ann, of_ada) in &needles {
            of_ann.look_in(text.as_bytes(), place);
            of_ada.look_in(text.as_bytes(), place);
        }
        for part in &secret {
            assert!(!text.contains(part.as_str()), "{place} holds a secret");
        }
    }
}
