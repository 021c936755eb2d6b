use core::fmt;

use twofa_totp::{Params, Window};
use twofa_types::UnixTime;
use zeroize::Zeroize;

/// What [`step`](crate::step) is given besides the record and the command.
pub struct Context<'a, V> {
    /// The time, from whoever owns a clock.
    pub now: UnixTime,
    /// Fresh random bytes: drawn for this one call and never used in another that is stored.
    pub random: &'a Random,
    /// Opens and seals the secrets of the subject whose record this is.
    pub vault: &'a V,
    /// Parameters of new keys, and the bounds.
    pub config: &'a Config,
}

impl<V> fmt::Debug for Context<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Random bytes from the operating system's generator, for one step. Wiped when dropped.
///
/// ```
/// use twofa_lifecycle::Random;
///
/// let random = Random { secret: [1; 64], nonce: [2; 24], handover: [3; 10] };
/// assert_eq!(format!("{random:?}"), "Random(..)");
/// ```
pub struct Random {
    /// What a new key is made of; an algorithm takes the first 20, 32 or 64 (RFC 6238 section 5.1).
    pub secret: [u8; 64],
    /// The nonce that a new key is sealed with.
    pub nonce: [u8; 24],
    /// What a hand-over code is made of: 80 bits.
    pub handover: [u8; 10],
}

impl Drop for Random {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.nonce.zeroize();
        self.handover.zeroize();
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(..)")
    }
}

/// The parameters of new keys, the window, and how long a set-up and a login may take.
///
/// ```
/// use twofa_lifecycle::Config;
/// use twofa_totp::Window;
///
/// let config = Config::default().with_window(Window::STRICT).with_set_up_secs(300)?;
/// assert_eq!(config.set_up_secs(), 300);
/// assert!(Config::default().with_set_up_secs(601).is_err());
/// # Ok::<(), twofa_lifecycle::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    params: Params,
    window: Window,
    set_up_secs: u32,
    login_secs: u32,
}

impl Config {
    /// The longest that a set-up may take, in seconds (NIST SP 800-63B-4, section 4.1.2.2).
    pub const MAX_SET_UP_SECS: u32 = 600;
    /// The longest that a login may wait for its code, in seconds.
    pub const MAX_LOGIN_SECS: u32 = 3600;

    /// Parameters of the keys that are made from now on. Keys that exist keep theirs.
    #[must_use]
    pub const fn with_params(self, params: Params) -> Self {
        Self { params, ..self }
    }

    /// How many steps either side of now a code may come from.
    #[must_use]
    pub const fn with_window(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// How long a key that was begun may wait to be confirmed, in seconds.
    ///
    /// # Errors
    ///
    /// Outside 1 to [`Config::MAX_SET_UP_SECS`].
    pub const fn with_set_up_secs(self, seconds: u32) -> Result<Self, ConfigError> {
        if seconds == 0 || seconds > Self::MAX_SET_UP_SECS {
            return Err(ConfigError::SetUpSecs { seconds });
        }
        Ok(Self {
            set_up_secs: seconds,
            ..self
        })
    }

    /// How long a login may wait for its code, in seconds.
    ///
    /// # Errors
    ///
    /// Outside 1 to [`Config::MAX_LOGIN_SECS`].
    pub const fn with_login_secs(self, seconds: u32) -> Result<Self, ConfigError> {
        if seconds == 0 || seconds > Self::MAX_LOGIN_SECS {
            return Err(ConfigError::LoginSecs { seconds });
        }
        Ok(Self {
            login_secs: seconds,
            ..self
        })
    }

    /// Parameters of new keys.
    pub const fn params(&self) -> Params {
        self.params
    }

    /// How many steps either side of now a code may come from.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// How long a key that was begun waits to be confirmed, in seconds.
    pub const fn set_up_secs(&self) -> u32 {
        self.set_up_secs
    }

    /// How long a login waits for its code, in seconds.
    pub const fn login_secs(&self) -> u32 {
        self.login_secs
    }
}

/// The parameters and window that every authenticator app understands, and ten minutes for either wait.
impl Default for Config {
    fn default() -> Self {
        Self {
            params: Params::default(),
            window: Window::default(),
            set_up_secs: 600,
            login_secs: 600,
        }
    }
}

/// A wait outside its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The time to confirm a new key.
    #[error("{seconds} s to set a key up; choose between 1 and {max}", max = Config::MAX_SET_UP_SECS)]
    SetUpSecs {
        /// What was asked for.
        seconds: u32,
    },
    /// The time for a login to bring its code.
    #[error("{seconds} s for a login to wait; choose between 1 and {max}", max = Config::MAX_LOGIN_SECS)]
    LoginSecs {
        /// What was asked for.
        seconds: u32,
    },
}
