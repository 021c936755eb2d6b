use core::fmt;

macro_rules! reasons {
    ($($variant:ident, $code:literal, $sentence:literal, $who:literal;)+) => {
        /// Why: the closed list of reasons that any answer of these crates can carry.
        ///
        /// The codes are part of the public contract: one is never renamed or given another meaning within a
        /// major version. Translate by the code and show your own text, or show [`sentence`](Self::sentence).
        ///
        /// ```
        /// use twofa_policy::Reason;
        ///
        /// assert_eq!(Reason::ProofTooOld.code(), "proof-too-old");
        /// assert_eq!(Reason::from_code("proof-too-old"), Some(Reason::ProofTooOld));
        /// assert_eq!(Reason::from_code("Proof-Too-Old"), None);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(
                #[doc = concat!("`", $code, "`. ", $sentence)]
                #[doc = ""]
                #[doc = concat!("Who can change it: ", $who)]
                $variant,
            )+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code, in kebab case.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What happened, as an English sentence for the person it happened to.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// Who can bring about another answer, and by what, as English text.
            pub const fn who_can_change(self) -> &'static str {
                match self { $(Self::$variant => $who,)+ }
            }
        }
    };
}

reasons! {
    SsoNotEnabled, "sso-not-enabled",
        "You signed in through single sign-on, which this project does not use.",
        "the person, by signing in with the password; an operator, by switching single sign-on on.";
    SsoSupersedes, "sso-supersedes",
        "This project uses single sign-on, which takes the place of two-factor authentication.",
        "an operator, by changing the project's single sign-on.";
    SsoRequired, "sso-required",
        "This project accepts sign-ins through single sign-on only.",
        "the person, by signing in through single sign-on; an operator, by changing what passwords are worth under it.";
    Locked, "locked",
        "Too many wrong codes were entered, so no code is looked at for now.",
        "time, where the lock has an end; an administrator or support, by a reset.";
    FactorActive, "factor-active",
        "Two-factor authentication is set up, so the code that your authenticator app shows is needed.",
        "the person, by entering the code; an administrator or support, by a reset.";
    ResetByAdmin, "reset-by-admin",
        "An administrator has reset your two-factor authentication, so it has to be set up again.",
        "the person, by setting up.";
    ResetBySupport, "reset-by-support",
        "Support has reset your two-factor authentication, so it has to be set up again.",
        "the person, by setting up.";
    SsoPasswordChallenged, "sso-password-challenged",
        "This project uses single sign-on, so a sign-in with a password has to set up two-factor authentication.",
        "the person, by setting up or by signing in through single sign-on; an operator, by changing what passwords are worth under it.";
    Mandatory, "mandatory",
        "This project requires two-factor authentication, so it has to be set up now.",
        "the person, by setting up; an operator, by changing the mandate.";
    NotYetMandatory, "not-yet-mandatory",
        "This project will require two-factor authentication from a date that is still ahead.",
        "the person, by setting up before; time; an operator, by changing the mandate.";
    Optional, "optional",
        "This project leaves two-factor authentication to each person, and you have not set it up.",
        "the person, by setting up; an operator, by making it mandatory.";
    ClockBehind, "clock-behind",
        "The server's clock shows an earlier time than your last recorded event, so nothing can be decided until it is right.",
        "an operator, by setting the server's clock.";
    RecordUnreadable, "record-unreadable",
        "What is stored of your two-factor authentication cannot be read, so it has to be recovered first.",
        "an administrator or support, by a reset, which recovers it; support alone where its key is missing.";
    WrongCode, "wrong-code",
        "That code is not right.",
        "the person, by entering the code that the app shows now; an administrator or support, by a reset.";
    CodeAlreadyUsed, "code-already-used",
        "That code, or a later one, has been used already.",
        "the person, by waiting for the app's next code.";
    ClockOff, "clock-off",
        "That code belongs to another time: the clock of your device is off.",
        "the person, by setting the device's clock to automatic time.";
    Malformed, "malformed",
        "That is not a code; type only the digits that the app shows.",
        "the person, by typing it again. It cost no attempt.";
    Expired, "expired",
        "That took too long and has expired.",
        "the person, by beginning again.";
    Superseded, "superseded",
        "Something newer, such as another set-up or a reset, has taken the place of this one.",
        "the person, by beginning again.";
    UnknownLogin, "unknown-login",
        "This sign-in is not known or has ended.",
        "the person, by signing in again.";
    HandoverCode, "handover-code",
        "Setting up after a reset needs the hand-over code, and it is missing or wrong.",
        "the administrator who did the reset, by passing the code on; an administrator or support, by another reset.";
    UnknownProject, "unknown-project",
        "There is no project of that name.",
        "the caller, by naming another project; an operator, by creating it.";
    ProofInvalid, "proof-invalid",
        "You have not proven a second factor for this project, or the proof no longer counts.",
        "the person who asks, by signing in again with a second factor.";
    ProofTooOld, "proof-too-old",
        "You proved your second factor too long ago for this.",
        "the person who asks, by proving it again.";
    NotAnAdministrator, "not-an-administrator",
        "Only an administrator of this project may do this.",
        "an administrator of the project, by doing it instead.";
    SelfReset, "self-reset",
        "You cannot reset your own two-factor authentication.",
        "another administrator or support, by doing it instead; an operator, by allowing self-resets.";
    NothingToReset, "nothing-to-reset",
        "This person has no two-factor authentication and no set-up under way.",
        "the person named, by setting up.";
    KeyMissing, "key-missing",
        "The key that this person's two-factor authentication is stored under is missing.",
        "an operator, by bringing the key back; support, by a reset that gives the key up.";
    NothingToReplace, "nothing-to-replace",
        "There is no working two-factor authentication that a new device could take over.",
        "the person, by setting up.";
    AlreadySetUp, "already-set-up",
        "Two-factor authentication is set up already.",
        "the person, by replacing the device with a code from the old one; an administrator or support, by a reset.";
    AlreadyReset, "already-reset",
        "This person's two-factor authentication was reset, which an import does not undo.",
        "the person, by setting up; an operator, by importing another key on a ticket.";
    OperatorOnly, "operator-only",
        "Only an operator of this service may change whether two-factor authentication is required, or single sign-on.",
        "an operator, by making the change.";
    OperatorMissing, "operator-missing",
        "A reset by support has to name its operator.",
        "the operator, by giving a name.";
    TicketMissing, "ticket-missing",
        "A reset by support has to name its ticket.",
        "the operator, by giving the ticket's number.";
}

impl Reason {
    /// The reason that has exactly this code; none for any other text.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.code() == code)
    }
}

/// The code.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}
