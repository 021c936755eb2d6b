/// How far a phone's clock is steadily off, in whole steps, learnt from accepted codes.
///
/// Negative is behind, positive ahead; at most [`Drift::MAX_STEPS`] either way (RFC 6238 section 6). Whole steps
/// only: a fraction that a store rounds away would let one code be accepted again and again.
///
/// A learnt drift widens what is looked at, it never moves it: the steps around the true clock stay acceptable, so
/// that repairing the phone's clock locks nobody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Drift(i8);

impl Drift {
    /// No drift.
    pub const NONE: Self = Self(0);

    /// The largest drift that is learnt, in steps either way.
    pub const MAX_STEPS: i8 = 3;

    /// A drift of `steps`, held within [`Drift::MAX_STEPS`].
    pub const fn new(steps: i8) -> Self {
        if steps < -Self::MAX_STEPS {
            Self(-Self::MAX_STEPS)
        } else if steps > Self::MAX_STEPS {
            Self(Self::MAX_STEPS)
        } else {
            Self(steps)
        }
    }

    /// Steps: negative is behind, positive ahead.
    pub const fn steps(self) -> i8 {
        self.0
    }

    /// What to expect after a code was accepted `offset` steps from the true clock: one step nearer to it, so that
    /// one slow typist or one borrowed phone moves little, and a steady drift is followed.
    ///
    /// ```
    /// use twofa_totp::Drift;
    ///
    /// let behind = Drift::NONE.learn(-1).learn(-2).learn(-3).learn(-4);
    /// assert_eq!(behind.steps(), -3);
    /// assert_eq!(behind.learn(0).steps(), -2);
    /// ```
    #[must_use]
    pub const fn learn(self, offset: i32) -> Self {
        let steps = self.0 as i32;
        if offset < steps {
            Self::new(self.0.saturating_sub(1))
        } else if offset > steps {
            Self::new(self.0.saturating_add(1))
        } else {
            self
        }
    }
}
