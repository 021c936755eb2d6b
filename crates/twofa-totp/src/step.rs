/// A time step: how many periods have passed since `T0` (RFC 6238 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u64);

impl Step {
    /// The step's number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The step of that number: what a store has kept.
    pub const fn from_value(value: u64) -> Self {
        Self(value)
    }

    /// This step moved by `offset`, or `None` where no step is: before 0 or past [`u64::MAX`].
    pub(crate) const fn checked_offset(self, offset: i32) -> Option<Self> {
        match self.0.checked_add_signed(offset as i64) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }
}

/// The last step that was spent, if any was: all that single use needs to remember (RFC 6238 section 5.2).
///
/// It only ever rises, and does not expire, so that a clock that runs back opens nothing again. Applications with
/// a database keep an `Option<Step>` in the factor's row and use [`Candidate::settle`](crate::Candidate::settle).
#[derive(Debug, PartialEq, Eq, Default)]
pub struct LastStep(Option<Step>);

impl LastStep {
    /// Nothing spent yet.
    pub const NONE: Self = Self(None);

    /// Takes up from what a store has kept.
    pub const fn from_step(step: Option<Step>) -> Self {
        Self(step)
    }

    /// The last step spent.
    pub const fn step(&self) -> Option<Step> {
        self.0
    }

    /// Raises it. Lower steps are left alone, so that no order of calls can lower it.
    pub(crate) fn raise(&mut self, step: Step) {
        self.0 = self.0.max(Some(step));
    }
}
