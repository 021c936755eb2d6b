use crate::{OutOfBounds, Period};

/// The steps beside the current one whose codes are accepted, past and future set apart (RFC 6238 section 5.2).
///
/// Every step more gives a guesser one code more. The default is one either side; [`Window::STRICT`] is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    past: u8,
    future: u8,
}

impl Window {
    /// The widest window: ten steps either side.
    pub const MAX_STEPS: u8 = 10;

    /// The current step alone (OWASP ASVS 5.0, 6.5.5).
    pub const STRICT: Self = Self { past: 0, future: 0 };

    /// `past` steps before the current one and `future` after it.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds::Window`] when either is above [`Window::MAX_STEPS`].
    ///
    /// ```
    /// use twofa_totp::Window;
    ///
    /// let slow_typists = Window::new(2, 0)?;
    /// assert_eq!((slow_typists.past(), slow_typists.future()), (2, 0));
    /// # Ok::<(), twofa_totp::OutOfBounds>(())
    /// ```
    pub const fn new(past: u8, future: u8) -> Result<Self, OutOfBounds> {
        if past > Self::MAX_STEPS || future > Self::MAX_STEPS {
            return Err(OutOfBounds::Window);
        }
        Ok(Self { past, future })
    }

    /// Steps before the current one.
    pub const fn past(self) -> u8 {
        self.past
    }

    /// Steps after the current one.
    pub const fn future(self) -> u8 {
        self.future
    }

    /// Whether a step that lies `offset` from the centre is inside.
    pub(crate) fn holds(self, offset: i32) -> bool {
        -i32::from(self.past) <= offset && offset <= i32::from(self.future)
    }

    /// The steps inside, around `centre`, as bits: bit 0 is the step at `base`. Both are offsets from the true
    /// clock's step, and no further apart than two windows and a drift, so that 32 bits are enough.
    pub(crate) fn bits(self, base: i32, centre: i32) -> u32 {
        let width = u32::from(self.past).saturating_add(self.future.into());
        let ones = 2_u32.wrapping_shl(width).wrapping_sub(1);
        let lowest = centre.saturating_sub(self.past.into());
        let shift = lowest.saturating_sub(base);
        if shift < 0 {
            ones.checked_shr(shift.unsigned_abs()).unwrap_or(0)
        } else {
            ones.checked_shl(shift.unsigned_abs()).unwrap_or(0)
        }
    }
}

impl Default for Window {
    /// One step either side.
    fn default() -> Self {
        Self { past: 1, future: 1 }
    }
}

/// How far a diagnostic scan looks for the step that a code belongs to, to say that a clock is off. It accepts
/// nothing.
///
/// What it may say depends on whom it is said to. During a set-up the person holds the secret anyway:
/// [`Scan::set_up`] looks both ways. At a login, "that code will be valid in three minutes" would hand a guesser
/// a working code: [`Scan::login`] looks at the past alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scan {
    past: u16,
    future: u16,
}

impl Scan {
    /// The widest scan, in steps either side: 3,001 steps with the current one.
    pub const MAX_STEPS: u16 = 1500;

    /// How far the presets look, in seconds.
    const PRESET_SECS: u16 = 600;

    /// `past` steps before the current one and `future` after it.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds::Scan`] when either is above [`Scan::MAX_STEPS`].
    pub const fn new(past: u16, future: u16) -> Result<Self, OutOfBounds> {
        if past > Self::MAX_STEPS || future > Self::MAX_STEPS {
            return Err(OutOfBounds::Scan);
        }
        Ok(Self { past, future })
    }

    /// For a set-up: ten minutes either way, at least one step.
    pub const fn set_up(period: Period) -> Self {
        let steps = Self::preset_steps(period);
        Self {
            past: steps,
            future: steps,
        }
    }

    /// For a login: ten minutes of the past, at least one step; never the future.
    pub const fn login(period: Period) -> Self {
        Self {
            past: Self::preset_steps(period),
            future: 0,
        }
    }

    const fn preset_steps(period: Period) -> u16 {
        let steps = Self::PRESET_SECS / period.secs();
        if steps == 0 { 1 } else { steps }
    }

    /// Steps before the current one.
    pub const fn past(self) -> u16 {
        self.past
    }

    /// Steps after the current one.
    pub const fn future(self) -> u16 {
        self.future
    }
}
