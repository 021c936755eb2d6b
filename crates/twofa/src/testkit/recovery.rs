//! What cannot be read is always recovered, and whoever damaged it gains nothing.
//!
//! The checks do what a [`Hand`] in the database does; where a harness has none, they check nothing.

mod beside;
mod trail;

pub use beside::{
    a_row_that_is_nobodys_breaks_nothing, everything_goes_on_beside_a_damaged_record,
};
pub use trail::{
    a_projects_own_record_is_repaired, a_recovery_answers_for_what_it_found,
    recoveries_at_once_are_one, the_stores_own_record_is_repaired,
};

use twofa_lifecycle::Summary;
use twofa_policy::{Reason, Recheck};
use twofa_types::UserId;

use super::site::{accepted, fine, granted, refused, rejected, service, set_up};
use super::{Authenticator, Hand, Harness, Site};
use crate::{
    Answer, Attempt, BadPlace, Check, Fault, LoginId, Proof, ResetDone, SignIn, Store, Stored,
    Subject,
};

/// A hand-over code that nobody was given.
const WRONG: &str = "0000-0000-0000-0000";

/// Does what a hand does; false where the harness has none.
fn tamper<H: Harness>(site: &Site<'_, H>, hand: Hand<'_>) -> bool {
    site.wait(site.harness().tamper(hand))
}

fn put<H: Harness>(site: &Site<'_, H>, subject: &Subject, stored: Option<&Stored>) -> bool {
    tamper(site, Hand::Record(subject, stored, Summary::NONE))
}

fn member<H: Harness>(site: &Site<'_, H>, user: &UserId) -> Subject {
    Subject::member(&site.project, user)
}

/// What lies in the store of a subject.
fn lying<H: Harness>(site: &Site<'_, H>, subject: &Subject) -> Stored {
    let found = fine(site.wait(site.open().0.load(subject)));
    match found.stored {
        Some(stored) => stored,
        None => panic!("a record of {subject:?} lies there"),
    }
}

/// Everything that is not as it was written, acknowledged or not.
fn verify<H: Harness>(site: &Site<'_, H>) -> (bool, Vec<BadPlace>) {
    let mut places = Vec::new();
    let check = Check::default();
    let mut each = |bad: &BadPlace| places.push(bad.clone());
    let found = fine(site.wait(site.service().audit_check(&check, &mut each)));
    let bad = places.iter().filter(|p| p.acknowledged.is_none()).count();
    let acknowledged = places.len() - bad;
    assert_eq!(
        (found.bad, found.acknowledged),
        (bad as u64, acknowledged as u64),
        "broken promise: what is told is what is counted: {places:?}"
    );
    (found.is_whole(), places)
}

/// The break is named, once, and answered for.
fn is_answered_for<H: Harness>(site: &Site<'_, H>, user: &UserId, fault: Fault) {
    let (whole, places) = verify(site);
    let named: Vec<_> = places.iter().map(|p| (p.subject.user(), p.fault)).collect();
    assert!(
        whole && named == [(Some(user), fault)],
        "broken promise: verify names the break once, as answered for: {places:?}"
    );
}

/// What somebody had before their record was damaged.
struct Before {
    user: UserId,
    phone: Authenticator,
    proof: Proof,
    login: LoginId,
}

impl Before {
    fn of<H: Harness>(site: &Site<'_, H>, user: &UserId) -> Self {
        let phone = site.enrol(user);
        let proof = site.sign_in(user, &phone);
        let login = site.challenge(user);
        site.clock.forward(30);
        Self {
            user: user.clone(),
            phone,
            proof,
            login,
        }
    }

    /// Refused with a reason, and neither an error nor a pass.
    fn is_refused<H: Harness>(&self, site: &Site<'_, H>) {
        let reason = Reason::RecordUnreadable;
        assert_eq!(
            refused(site.begin(&self.user)),
            reason,
            "broken promise: a sign-in is refused with ways out"
        );
        let code = self.phone.code(site.now());
        let why = rejected(site.answer(&self.login, &code));
        assert_eq!(why.reason(), reason, "broken promise: no code is looked at");
        let Recheck::SignInAgain(met) = fine(site.wait(site.service().recheck(&self.proof))) else {
            panic!("broken promise: no session rests on what cannot be read");
        };
        assert_eq!(met.reason(), reason);
        assert_eq!(site.replace(&self.proof).err(), Some(Reason::ProofInvalid));
    }

    /// No code, proof or login of before counts, and they set up anew with the hand-over code alone.
    fn is_recovered<H: Harness>(&self, site: &Site<'_, H>, done: &ResetDone, fault: Fault) {
        assert_eq!(done.recovered(), Some(fault), "broken promise: it is told");
        let Some(handover) = done.handover().map(|code| code.expose_secret().to_owned()) else {
            panic!("broken promise: a recovery always sets a hand-over code");
        };
        self.is_void(site);
        let begun = set_up(site.begin(&self.user));
        assert!(begun.handover_required());
        let fresh = Authenticator::scan(&begun);
        let code = fresh.code(site.now());
        assert_eq!(
            rejected(site.answer(begun.login(), &code)).reason(),
            Reason::HandoverCode,
            "broken promise: the password alone is no way to a new phone"
        );
        // A wrong one counts, and the failures of before go on: there is a wait.
        let guess = Attempt::new(begun.login(), &code).with_handover(WRONG);
        let why = rejected(fine(site.wait(site.service().answer(guess))));
        assert_eq!(why.reason(), Reason::HandoverCode);
        let why = rejected(site.answer(begun.login(), &code));
        let Some(until) = why.retry_at().filter(|_| why.reason() == Reason::Locked) else {
            panic!("broken promise: damage is no way around a lock: {why:?}");
        };
        site.clock.set(until);
        let code = fresh.code(site.now());
        let attempt = Attempt::new(begun.login(), &code).with_handover(&handover);
        let pass = accepted(fine(site.wait(site.service().answer(attempt))));
        let proof = site.proof(&pass);
        assert_eq!(
            fine(site.wait(site.service().recheck(&proof))),
            Recheck::Continue
        );
        self.is_void(site);
        let _proof = site.sign_in(&self.user, &fresh);
    }

    fn is_void<H: Harness>(&self, site: &Site<'_, H>) {
        let asked = site.wait(site.service().recheck(&self.proof));
        assert_eq!(
            asked.err().map(|error| error.code()),
            Some("proof-invalid"),
            "broken promise: every proof of before is void"
        );
        assert_eq!(site.replace(&self.proof).err(), Some(Reason::ProofInvalid));
        let code = self.phone.code(site.now());
        match site.answer(&self.login, &code) {
            Answer::Rejected(why) => assert_eq!(why.reason(), Reason::UnknownLogin),
            Answer::Accepted(_) => panic!("broken promise: a login of before is answered"),
        }
    }
}

/// However a record is damaged, an administrator gets the person back in, and nothing of before counts.
pub fn a_damaged_record_is_recovered<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let _others = site.enrol(&site.bob);
    let ann = member(&site, &site.ann);
    let mut answered_for = Vec::new();
    for (what, fault) in DAMAGES {
        let _phone = site.enrol(&site.ann);
        let earlier = lying(&site, &ann);
        assert!(site.support_reset(&site.ann).is_ok());
        let before = Before::of(&site, &site.ann);
        let proof = site.sign_in(&site.ada, &admin);
        if !damage(&site, what, &earlier) {
            return;
        }
        before.is_refused(&site);
        let done = match site.reset(&proof, &site.ann) {
            Ok(done) => done,
            Err(reason) => panic!("broken promise: {what}: recovered, and not {reason:?}"),
        };
        answered_for.push(fault);
        before.is_recovered(&site, &done, fault);
        let (whole, places) = verify(&site);
        let all_hers = places.iter().all(|place| place.subject == ann);
        let named: Vec<_> = places.iter().map(|place| place.fault).collect();
        assert!(
            whole && all_hers && named == answered_for,
            "broken promise: {what}: verify names the break, once: {places:?}"
        );
        assert!(site.support_reset(&site.ann).is_ok());
    }
}

const DAMAGES: [(&str, Fault); 6] = [
    ("altered", Fault::RecordAltered),
    ("moved here from another", Fault::RecordAltered),
    ("put back", Fault::RecordRolledBack),
    ("deleted", Fault::RecordMissing),
    ("without its last event", Fault::ChainCut),
    ("of a version that is none", Fault::RecordAltered),
];

/// Does to Ann's record what is said; false where there is no hand.
fn damage<H: Harness>(site: &Site<'_, H>, what: &str, earlier: &Stored) -> bool {
    let ann = member(site, &site.ann);
    let mut lies = lying(site, &ann);
    match what {
        "altered" => {
            flip(&mut lies, 40);
            put(site, &ann, Some(&lies))
        }
        "moved here from another" => {
            let others = lying(site, &member(site, &site.bob));
            put(site, &ann, Some(&others))
        }
        "put back" => put(site, &ann, Some(earlier)),
        "deleted" => put(site, &ann, None),
        "without its last event" => {
            let last = fine(site.wait(site.open().0.load(&ann))).last_event;
            tamper(site, Hand::CutEvents(&ann, last - 1))
        }
        _ => {
            lies.version = u64::MAX - 4;
            put(site, &ann, Some(&lies))
        }
    }
}

fn flip(stored: &mut Stored, at: usize) {
    if let Some(byte) = stored.record.get_mut(at) {
        *byte ^= 1 << (at % 8);
    }
}

/// Whichever byte of a record changes, the person is refused with ways out, and recovered.
pub fn any_byte_of_a_record_may_change<H: Harness>(harness: &H) {
    /// Every byte of what stands before the record itself, and each fifth of the record.
    const HEAD: usize = 44;
    const STEP: usize = 5;
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let ann = member(&site, &site.ann);
    let mut phone = site.enrol(&site.ann);
    let length = lying(&site, &ann).record.len();
    let mut recovered = 0;
    for at in (0..length).filter(|at| *at < HEAD || at % STEP == 0) {
        let whole = lying(&site, &ann);
        let mut changed = whole.clone();
        flip(&mut changed, at);
        if !put(&site, &ann, Some(&changed)) {
            return;
        }
        assert_eq!(
            refused(site.begin(&site.ann)),
            Reason::RecordUnreadable,
            "broken promise: byte {at} of a record is covered"
        );
        if at % 16 != 0 {
            // Put back, all is as it was.
            put(&site, &ann, Some(&whole));
            continue;
        }
        let proof = site.sign_in(&site.ada, &admin);
        let done = site.reset(&proof, &site.ann);
        let handover = done.ok().and_then(|done| {
            recovered += usize::from(done.recovered() == Some(Fault::RecordAltered));
            done.handover().map(|code| code.expose_secret().to_owned())
        });
        let Some(handover) = handover else {
            panic!("broken promise: byte {at} is recovered from");
        };
        phone = site.confirm_with(&site.ann, &handover);
    }
    let _proof = site.sign_in(&site.ann, &phone);
    let (whole, places) = verify(&site);
    assert!(
        whole && recovered > 3 && places.len() == recovered,
        "broken promise: each recovery is answered for, once: {places:?}"
    );
}

/// Whoever lowers the generations that the database names, and removes the record, gets back neither a proof nor a
/// login nor a QR code of before.
pub fn a_lowered_generation_brings_nothing_back<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let ann = member(&site, &site.ann);
    let _phone = site.enrol(&site.ann);
    assert!(site.support_reset(&site.ann).is_ok());
    // The second generation, which is what a recovery that knows of the first alone goes on with.
    let before = Before::of(&site, &site.ann);
    let lower = Hand::Generation(&ann, 1);
    if !(tamper(&site, lower) && put(&site, &ann, None)) {
        return;
    }
    let done = match site.support_reset(&site.ann) {
        Ok(done) => done,
        Err(reason) => panic!("broken promise: recovered, and not {reason:?}"),
    };
    before.is_recovered(&site, &done, Fault::RecordMissing);
    tamper(&site, lower);
    before.is_void(&site);

    // A set-up that was under way.
    let begun = site.set_up(&site.bob);
    let bob = member(&site, &site.bob);
    assert!(put(&site, &bob, None));
    assert!(site.support_reset(&site.bob).is_ok());
    let code = Authenticator::scan(&begun).code(site.now());
    let why = rejected(site.answer(begun.login(), &code));
    assert_eq!(
        why.reason(),
        Reason::UnknownLogin,
        "broken promise: a QR code of before is void"
    );
    // Failures in a row go on, also through a second time.
    let begun = set_up(site.begin(&site.bob));
    let code = Authenticator::scan(&begun).code(site.now());
    let guess = Attempt::new(begun.login(), &code).with_handover(WRONG);
    let why = rejected(fine(site.wait(site.service().answer(guess))));
    assert_eq!(why.reason(), Reason::HandoverCode);
    assert!(put(&site, &bob, None));
    assert!(site.support_reset(&site.bob).is_ok());
    assert_eq!(
        refused(site.begin(&site.bob)),
        Reason::Locked,
        "broken promise: damage is no way around a lock"
    );
}

/// A record whose key is missing may come back with it: support alone gives it up, and says so.
pub fn a_missing_key_is_given_up_by_support_alone<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let before = Before::of(&site, &site.ann);
    let (_, old) = site.activate_new_key();
    let admin = site.enrol(&site.ada);
    let ring = site.keyring();
    let without: Vec<_> = ring
        .lines()
        .filter(|line| !line.contains(&old.to_string()))
        .collect();
    let (store, directory) = site.open();
    let without = service(store, directory, &without.join("\n"), &site.clock);
    let ann = || SignIn::password(&site.project, &site.ann);
    let begun = fine(site.wait(without.begin(ann())));
    assert_eq!(refused(begun), Reason::RecordUnreadable);
    let proof = site.sign_in(&site.ada, &admin);
    let reset = granted(fine(site.wait(without.reset(&proof, &site.ann))));
    assert_eq!(
        reset.err(),
        Some(Reason::KeyMissing),
        "broken promise: an administrator does not give a key up"
    );
    let reset = without.support_reset(&site.project, &site.ann, "op", "T-1");
    let reset = granted(fine(site.wait(reset)));
    assert_eq!(reset.err(), Some(Reason::KeyMissing));
    // It comes back, and nothing has happened.
    let _login = site.challenge(&site.ann);

    let (project, op) = (&site.project, "op");
    let reset = without.support_reset_even_though_the_key_is_missing(project, &site.ann, op, "T-2");
    let done = match granted(fine(site.wait(reset))) {
        Ok(done) => done,
        Err(reason) => panic!("broken promise: recovered, and not {reason:?}"),
    };
    before.is_recovered(&site, &done, Fault::KeyMissing);
    is_answered_for(&site, &site.ann, Fault::KeyMissing);
}
