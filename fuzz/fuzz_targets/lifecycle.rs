//! One factor, driven from bytes: no step is accepted twice, nothing is accepted while locked, failures are exact.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa::lifecycle::LoginKind;
use twofa_fuzz::{Bytes, Play, Typed};

fn drive(data: &[u8]) -> Option<()> {
    let mut bytes = Bytes(data);
    let mut play = Play::new(&mut bytes)?;
    loop {
        match bytes.below(12)? {
            0 => play.tick(bytes.short()?.into()),
            1 => play.tick(u64::from(bytes.byte()?) * 3600),
            2 => play.tick_back(u64::from(bytes.byte()?) * 4),
            3 => play.begin(false),
            4 => play.begin(true),
            5 => {
                let kind =
                    [LoginKind::Challenge, LoginKind::Enrol, LoginKind::Replace][bytes.below(3)?];
                play.park(kind);
            }
            6 | 7 => {
                let (login, key, steps, how) = (
                    bytes.byte()?,
                    bytes.byte()?,
                    bytes.byte()? as i8,
                    bytes.byte()?,
                );
                let code = play.code(key.into(), (steps % 32).into());
                let typed = [Typed::Right, Typed::Nothing, Typed::Blank, Typed::Wrong]
                    [usize::from(how & 3)];
                play.answer(login.into(), code.as_ref(), typed, how & 128 == 0);
            }
            8 => {
                let (login, typed) = (bytes.byte()?, bytes.long()?);
                let code = Play::made_up(typed, 6 + bytes.byte()? % 3);
                play.answer(login.into(), Some(&code), Typed::Right, true);
            }
            // A guesser who waits out each lock.
            9 => (0..bytes.byte()? % 110).for_each(|_| play.guess()),
            10 => {
                let how = bytes.byte()?;
                play.reset(how & 1 == 1, how & 2 == 2, how & 12 == 12);
            }
            _ => match bytes.byte()? {
                0 => play.jump(bytes.long()?),
                1..128 => play.import(),
                _ => play.expire(),
            },
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = drive(data);
});
