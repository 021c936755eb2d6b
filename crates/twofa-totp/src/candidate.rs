use crate::{LastStep, Rejected, Step};

/// A code that matched: worth nothing until its step is spent.
///
/// Neither `Clone` nor `Copy`, and moved to use, so that one match is one attempt. Dropping it accepts nothing.
///
/// ```compile_fail,E0382
/// # use twofa_totp::{Code, LastStep, Params, Secret, Totp};
/// # use twofa_types::UnixTime;
/// # let now = UnixTime::from_secs(0);
/// # let totp = Totp::new(&Secret::from_bytes(b"12345678901234567890").unwrap(), Params::default());
/// let candidate = totp.find(&Code::parse("755224").unwrap(), now).unwrap();
/// let (mut here, mut there) = (LastStep::NONE, LastStep::NONE);
/// candidate.spend(&mut here).unwrap();
/// candidate.spend(&mut there).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a match is not an acceptance: spend or settle it"]
pub struct Candidate {
    /// The step of the true clock.
    centre: Step,
    /// Offset from `centre` of the step that bit 0 of `matched` stands for.
    base: i32,
    /// The steps that matched; never 0. Codes of different steps can coincide, and then a replay of one must not
    /// stand in the way of the other.
    matched: u32,
}

impl Candidate {
    /// `None` when no bit is set.
    pub(crate) fn new(centre: Step, base: i32, matched: u32) -> Option<Self> {
        (matched != 0).then_some(Self {
            centre,
            base,
            matched,
        })
    }

    /// The step that matched; of several, the one nearest to the true clock.
    pub fn step(&self) -> Step {
        self.nearest_after(None)
            .map_or(self.centre, |accepted| accepted.step)
    }

    /// How many steps that is from the true clock: negative is the past.
    pub fn offset(&self) -> i32 {
        self.nearest_after(None)
            .map_or(0, |accepted| accepted.offset)
    }

    /// Accepts the code and spends its step, in memory that the caller keeps for this secret.
    ///
    /// # Errors
    ///
    /// [`Rejected::AlreadyUsed`] unless the step is strictly later than the last one spent; `last` is then left as
    /// it was.
    pub fn spend(self, last: &mut LastStep) -> Result<Accepted, Rejected> {
        let accepted = self.settle(last.step())?;
        last.raise(accepted.step);
        Ok(accepted)
    }

    /// Accepts the code against a last step that the caller has read from a store.
    ///
    /// The acceptance counts only once [`Accepted::step`] has been written in one conditional write: on the
    /// condition that the stored last step is still `last`. Without it two parallel logins spend one step.
    ///
    /// # Errors
    ///
    /// [`Rejected::AlreadyUsed`] unless the step is strictly later than `last`.
    pub fn settle(self, last: Option<Step>) -> Result<Accepted, Rejected> {
        self.nearest_after(last).ok_or(Rejected::AlreadyUsed)
    }

    /// The matching step nearest to the true clock among those later than `last`; of two as near, the earlier.
    fn nearest_after(&self, last: Option<Step>) -> Option<Accepted> {
        let bits = (0..32_i32).filter(|bit| self.matched >> bit & 1 == 1);
        bits.filter_map(|bit| {
            let offset = self.base.saturating_add(bit);
            let step = self.centre.checked_offset(offset)?;
            Some(Accepted { step, offset })
        })
        .filter(|accepted| last.is_none_or(|last| accepted.step > last))
        .min_by_key(|accepted| accepted.offset.unsigned_abs())
    }
}

/// An accepted code: which step it spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the step counts as spent only once it is stored"]
pub struct Accepted {
    step: Step,
    offset: i32,
}

impl Accepted {
    /// The step that was spent: what to store as the last step.
    pub const fn step(self) -> Step {
        self.step
    }

    /// How many steps that is from the true clock: negative is the past. [`Drift::learn`](crate::Drift::learn)
    /// takes it.
    pub const fn offset(self) -> i32 {
        self.offset
    }
}
