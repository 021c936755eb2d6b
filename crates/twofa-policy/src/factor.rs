use twofa_types::UnixTime;

/// How far, in seconds, the clock may stand behind a record's last event before nothing is decided on it.
///
/// Up to this is an ordinary correction of a clock; replays are refused by the last spent time step, which no
/// clock moves. The same bound holds for a proof dated ahead of now.
pub const CLOCK_TOLERANCE_SECS: u64 = 120;

/// Where a person's factor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FactorState {
    /// Never set up, or reset and no set-up begun since.
    #[default]
    None,
    /// A set-up is under way. It protects nothing and unlocks nothing until a code confirms it.
    Pending,
    /// Confirmed: codes are asked for.
    Active,
    /// There is a record, and it cannot be read: altered, malformed, or gone while its events are there. An
    /// administrator or support can recover it.
    Unreadable,
    /// There is a record, and the key that it rests under is missing. The key may come back, so that support
    /// alone can recover it, and only by giving the key up.
    KeyMissing,
}

/// Who reset a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResetBy {
    /// An administrator of the project.
    Administrator,
    /// An operator, on a support ticket.
    Support,
}

/// Whether codes are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lock {
    /// They are.
    #[default]
    Open,
    /// Not before this second. A time that is not ahead of now does not lock.
    Until(UnixTime),
    /// Not before a reset.
    UntilReset,
}

impl Lock {
    /// Whether codes are left unread at `now`.
    pub const fn holds(self, now: UnixTime) -> bool {
        match self {
            Self::Open => false,
            Self::Until(end) => end.as_secs() > now.as_secs(),
            Self::UntilReset => true,
        }
    }
}

/// As much of a person's factor as rules may look at: no key, no code, no counters.
///
/// The lifecycle makes one from the stored record. For a record that cannot be read there are
/// [`FactorView::UNREADABLE`] and [`FactorView::KEY_MISSING`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FactorView {
    /// Where the factor stands.
    pub state: FactorState,
    /// Who reset it, when it was reset and not set up since. May stand beside a set-up under way.
    pub reset_by: Option<ResetBy>,
    /// Whether codes are looked at.
    pub lock: Lock,
    /// When the record last changed; none where there is no record, and where it cannot be read.
    pub last_event: Option<UnixTime>,
}

impl FactorView {
    /// A person without a record.
    pub const NONE: Self = Self {
        state: FactorState::None,
        reset_by: None,
        lock: Lock::Open,
        last_event: None,
    };

    /// A person whose record is damaged.
    ///
    /// ```
    /// use twofa_policy::{FactorView, Next, ProjectSettings, Reason, Remedy, SignInMethod, decide};
    /// use twofa_types::UnixTime;
    ///
    /// let met = decide(&ProjectSettings::new(), SignInMethod::Password, &FactorView::UNREADABLE, UnixTime::EPOCH);
    /// assert_eq!((met.next(), met.reason()), (Next::Refuse, Reason::RecordUnreadable));
    /// assert!(met.remedies().iter().eq([Remedy::AskAdministrator, Remedy::OpenSupportTicket]));
    /// ```
    pub const UNREADABLE: Self = Self {
        state: FactorState::Unreadable,
        ..Self::NONE
    };

    /// A person whose record rests under a key that is missing.
    ///
    /// ```
    /// use twofa_policy::{FactorView, Next, ProjectSettings, Reason, Remedy, SignInMethod, decide};
    /// use twofa_types::UnixTime;
    ///
    /// let met = decide(&ProjectSettings::new(), SignInMethod::Password, &FactorView::KEY_MISSING, UnixTime::EPOCH);
    /// assert_eq!((met.next(), met.reason()), (Next::Refuse, Reason::RecordUnreadable));
    /// assert!(met.remedies().iter().eq([Remedy::OpenSupportTicket]));
    /// ```
    pub const KEY_MISSING: Self = Self {
        state: FactorState::KeyMissing,
        ..Self::NONE
    };

    /// A confirmed factor, not locked, last changed at `last_event`.
    pub const fn active(last_event: UnixTime) -> Self {
        Self {
            state: FactorState::Active,
            reset_by: None,
            lock: Lock::Open,
            last_event: Some(last_event),
        }
    }

    /// Whether the record could be read; also where there is none.
    ///
    /// ```
    /// use twofa_policy::FactorView;
    ///
    /// assert!(FactorView::NONE.is_readable());
    /// assert!(!FactorView::UNREADABLE.is_readable() && !FactorView::KEY_MISSING.is_readable());
    /// ```
    pub const fn is_readable(&self) -> bool {
        !matches!(
            self.state,
            FactorState::Unreadable | FactorState::KeyMissing
        )
    }

    /// Whether `now` stands more than [`CLOCK_TOLERANCE_SECS`] before the record's last event, so that no
    /// time in it can be trusted.
    pub const fn clock_behind(&self, now: UnixTime) -> bool {
        match self.last_event {
            Some(last) => last.seconds_since(now) > CLOCK_TOLERANCE_SECS,
            None => false,
        }
    }

    /// Whether a reset would change anything: a factor, a set-up under way, a record that cannot be read, or a
    /// lock that only a reset lifts early. The last matters where a set-up ran into the hard stop and then
    /// expired: without it that person would be locked until a reset that nobody could grant.
    pub const fn resettable(&self, now: UnixTime) -> bool {
        !matches!(self.state, FactorState::None) || self.lock.holds(now)
    }
}
