//! The app on a phone: [`Authenticator`].

use std::fmt;

use twofa_otpauth::{Profile, parse};
use twofa_totp::{Code, Params, Secret, Step, Totp};
use twofa_types::UnixTime;
use zeroize::Zeroizing;

use crate::Enrolment;

/// An authenticator app that scanned a QR code: it knows what the key URI says and nothing else.
pub struct Authenticator {
    totp: Totp,
    secret: Secret,
    params: Params,
    uri: Zeroizing<String>,
}

impl Authenticator {
    /// Scans a set-up.
    pub fn scan(set_up: &Enrolment) -> Self {
        Self::read(set_up.uri().expose_secret())
    }

    /// Reads a key URI, as strictly as the format allows.
    ///
    /// # Panics
    ///
    /// When it is none.
    pub fn read(uri: &str) -> Self {
        let parsed = parse(uri, Profile::Strict);
        let Ok(parsed) = parsed else {
            panic!("broken promise: an enrolment's URI is a strict key URI");
        };
        let params = parsed.uri.params();
        let secret = parsed.uri.into_secret();
        Self {
            totp: Totp::new(&secret, params),
            secret,
            params,
            uri: Zeroizing::new(uri.to_owned()),
        }
    }

    /// The code it shows at `time`.
    pub fn code(&self, time: UnixTime) -> String {
        self.totp.generate(time).expose().to_string()
    }

    /// The code of the time step that lies `steps` after that of `time`; before it, when negative.
    pub fn code_of(&self, time: UnixTime, steps: i64) -> String {
        let step = self.totp.step_at(time).value().saturating_add_signed(steps);
        let code = self.totp.generate_step(Step::from_value(step));
        code.expose().to_string()
    }

    /// A code that it shows at no time within 40 steps of `time`, and that is not `other` than wrong.
    pub fn wrong(&self, time: UnixTime) -> String {
        self.wrongs(time).next().unwrap_or_default()
    }

    /// Codes as by [`wrong`](Self::wrong), all different.
    pub fn wrongs(&self, time: UnixTime) -> impl Iterator<Item = String> + use<> {
        let near: Vec<_> = (-40..=40).map(|steps| self.code_of(time, steps)).collect();
        let digits = usize::from(self.params.digits().get());
        (0..1_000_000_u32)
            .map(move |number| format!("{number:0digits$}"))
            .filter(move |code| !near.contains(code))
    }

    /// The bytes of the secret.
    pub fn secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    /// The key URI that was read.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Whether a typed text is a code at all.
    pub fn is_code(typed: &str) -> bool {
        Code::parse(typed).is_ok()
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator(..)")
    }
}
