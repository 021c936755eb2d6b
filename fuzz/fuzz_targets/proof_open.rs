//! Proofs and login ids as text from a session: nothing that was made up or altered opens anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa::policy::{Reason, Recheck};
use twofa::testkit::{Authenticator, MemoryHarness, Site, granted, reason};
use twofa::{Error, LoginId, Proof};
use twofa_fuzz::Bytes;

struct World {
    site: Site<'static, MemoryHarness>,
    phone: Authenticator,
    ada: Proof,
    bob: Proof,
}

thread_local! {
    static WORLD: World = {
        let site = Site::new(Box::leak(Box::default()));
        let (ada, bob, phone) = (site.ada.clone(), site.bob.clone(), site.enrol(&site.ann));
        let ada = site.sign_in(&ada, &site.enrol(&ada));
        let bob = site.sign_in(&bob, &site.enrol(&bob));
        site.clock.forward(60);
        World { site, phone, ada, bob }
    };
}

/// Ada's proof after somebody's edits.
fn edited(world: &World, mut bytes: Bytes<'_>) -> Option<String> {
    let mut text = world.ada.as_str().as_bytes().to_vec();
    let other = world.bob.as_str().as_bytes();
    while let Some(edit) = bytes.below(6) {
        let at = usize::from(bytes.short()?)
            .checked_rem(text.len())
            .unwrap_or(0);
        let value = bytes.byte()?;
        match edit {
            // Another digit of the same alphabet.
            0 | 1 => {
                let digit = text.get_mut(at)?;
                let number = char::from(*digit).to_digit(16).unwrap_or(0) ^ u32::from(value & 15);
                *digit = char::from_digit(number, 16).map_or(b'0', |digit| digit as u8);
            }
            2 => text.truncate(at),
            3 => text.insert(at, b'0' + value % 10),
            4 => drop(text.remove(at)),
            // The rest of somebody else's.
            _ => text.truncate(at),
        }
        if edit == 5 {
            text.extend(other.get(at..)?);
        }
        if text.is_empty() {
            break;
        }
    }
    String::from_utf8(text).ok()
}

fn opens(world: &World, text: &str) {
    let site = &world.site;
    let Ok(proof) = text.parse::<Proof>() else {
        assert!(text != world.ada.as_str() && text != world.bob.as_str());
        return;
    };
    assert_eq!(proof.as_str(), text);
    let genuine = proof == world.ada || proof == world.bob;
    match site.wait(site.service().recheck(&proof)) {
        Ok(Recheck::Continue) => assert!(genuine, "a proof that nobody gave opened"),
        Err(Error::ProofInvalid) => assert!(!genuine, "a proof that was given did not open"),
        other => panic!("{other:?}"),
    }
    if !genuine {
        let listed = site.wait(site.service().factors(&proof, None, 10)).unwrap();
        assert_eq!(granted(listed).err(), Some(Reason::ProofInvalid));
        assert_eq!(
            site.reset(&proof, &site.ann).err(),
            Some(Reason::ProofInvalid)
        );
        assert_eq!(site.replace(&proof).err(), Some(Reason::ProofInvalid));
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    WORLD.with(|world| match mode % 3 {
        0 => {
            if let Some(text) = edited(world, Bytes(rest)) {
                opens(world, &text);
            }
        }
        1 => opens(world, &String::from_utf8_lossy(rest)),
        _ => {
            let text = String::from_utf8_lossy(rest);
            let Ok(login) = text.parse::<LoginId>() else {
                return;
            };
            assert_eq!(login.to_string(), text.to_ascii_lowercase());
            let right = world.phone.code(world.site.now());
            assert_eq!(
                reason(world.site.answer(&login, &right)),
                Reason::UnknownLogin
            );
        }
    });
});
