//! What may be typed: every command, its options and their bounds. Names and numbers are checked here, on the way in.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use twofa::totp::{Algorithm, Digits, Params, Period, Window};
use twofa::types::{Name, ProjectId, UnixTime, UserId};

use crate::times::time;
use values::{digits, issuer, name, period, steps, whole_name};

mod upkeep;
mod values;

pub(crate) use upkeep::{Audit, Keys, Since, Whose};

/// Two-factor authentication in a terminal: begin with `twofa demo`.
#[derive(Parser)]
#[command(
    name = "twofa",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that stand before or after the command.
#[derive(Args)]
pub(crate) struct Global {
    /// Print one JSON object a line, and never ask for anything
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Where factors are kept: a file, or a sqlite: or postgres: URL
    #[arg(
        long,
        global = true,
        value_name = "STORE",
        env = "TWOFA_STORE",
        hide_env_values = true
    )]
    #[arg(default_value = "twofa.db")]
    pub(crate) store: String,
    /// The keys that secrets rest under [default: the text in `TWOFA_KEY`, or the store's path and ".key"]
    #[arg(long, global = true, value_name = "FILE", env = "TWOFA_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// As if it were another time: RFC 3339 or Unix seconds. Writes only to a store made with `init --rehearsal`
    #[arg(long, global = true, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<UnixTime>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole story: set up in your authenticator app, then run it again to be asked for a code
    Demo {
        /// Who you are
        #[arg(value_name = "EMAIL", default_value = "you@example.com")]
        email: UserId,
    },
    /// Make a store and its key file
    Init {
        /// For rehearsals: commands with --at may write to it
        #[arg(long)]
        rehearsal: bool,
    },
    /// Bring a store that a version before made up to date
    Migrate,
    /// Make a new secret, in base32
    Secret {
        #[command(flatten)]
        algorithm: AlgorithmOption,
    },
    /// Make the code of a secret, which is read from standard input
    Code {
        #[command(flatten)]
        codes: CodeOptions,
        #[command(flatten)]
        input: Input,
    },
    /// Check a code against a secret, which is read from standard input
    Verify {
        /// The code, as the app shows it
        #[arg(value_name = "CODE")]
        code: String,
        #[command(flatten)]
        codes: CodeOptions,
        /// Accept codes of so many time steps before now, at most 10
        #[arg(long, value_name = "N", default_value_t = Window::default().past(), value_parser = steps)]
        past: u8,
        /// Accept codes of so many time steps after now, at most 10
        #[arg(long, value_name = "N", default_value_t = Window::default().future(), value_parser = steps)]
        future: u8,
        #[command(flatten)]
        input: Input,
    },
    /// Make the key URI of a secret, which is read from standard input
    Uri {
        /// The service that the codes are for
        #[arg(long, value_name = "ISSUER")]
        issuer: String,
        /// The user that the codes are for
        #[arg(long, value_name = "ACCOUNT")]
        account: String,
        #[command(flatten)]
        codes: CodeOptions,
        #[command(flatten)]
        input: Input,
    },
    /// Read a key URI from standard input and say what it holds
    Parse {
        /// Refuse what departs from the format
        #[arg(long)]
        strict: bool,
        /// Print the secret too
        #[arg(long)]
        show_secret: bool,
        #[command(flatten)]
        input: Input,
    },
    /// Draw the QR code of a URI, which is read from standard input
    Qr {
        /// As text for the terminal, or as a picture
        #[arg(long, value_name = "FORMAT", default_value = "terminal")]
        format: QrFormat,
        /// Write to this file, which only you can read
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        input: Input,
    },
    /// Between an authenticator app's export batches and key URIs, one a line
    #[command(subcommand)]
    Migration(Migration),
    /// Projects and their rules
    #[command(subcommand)]
    Project(Project),
    /// Who belongs to a project
    #[command(subcommand)]
    Member(Member),
    /// Sign in, as someone whose password was right
    Login {
        #[command(flatten)]
        person: Person,
        /// They came through single sign-on
        #[arg(long)]
        sso: bool,
    },
    /// Answer a login that was begun with --json
    Answer {
        /// What `login` gave
        #[arg(value_name = "LOGIN")]
        login: String,
        /// The code, as the app shows it
        #[arg(value_name = "CODE")]
        code: String,
        /// What the administrator who reset you passed on
        #[arg(long, value_name = "H")]
        handover_code: Option<String>,
    },
    /// List who has two-factor authentication, as an administrator
    Factors {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        #[command(flatten)]
        admin: Admin,
    },
    /// Reset a member who lost their phone, as an administrator
    Reset {
        #[command(flatten)]
        person: Person,
        #[command(flatten)]
        admin: Admin,
    },
    /// Take a new phone into use, with the old one at hand
    Replace {
        #[command(flatten)]
        person: Person,
        /// A code of the old phone
        #[arg(long, value_name = "CODE")]
        code: Option<String>,
    },
    /// Reset someone on a support ticket, where no administrator can get in
    SupportReset {
        #[command(flatten)]
        person: Person,
        /// Who is acting
        #[arg(long, value_name = "NAME", value_parser = name)]
        operator: String,
        /// On which ticket
        #[arg(long, value_name = "TICKET", value_parser = name)]
        ticket: String,
        /// Also where the key of their record is missing: it is given up, and may come back to nothing
        #[arg(long)]
        key_lost: bool,
    },
    /// Repair a project's own record, where it cannot be read
    Repair {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        /// Who answers for it
        #[arg(long, value_name = "NAME", value_parser = whole_name)]
        operator: Name,
        /// On which ticket
        #[arg(long, value_name = "TICKET", value_parser = whole_name)]
        ticket: Name,
    },
    /// After a backup was restored: who went further since, by a copy of the events
    RestoreCheck {
        /// A file of `audit export`
        #[arg(long, value_name = "EXPORT")]
        events: PathBuf,
        /// Reset them, and void every proof from before
        #[arg(long, requires = "operator", requires = "ticket")]
        reset: bool,
        /// Who answers for it
        #[arg(long, value_name = "NAME", requires = "reset", value_parser = whole_name)]
        operator: Option<Name>,
        /// On which ticket
        #[arg(long, value_name = "TICKET", requires = "reset", value_parser = whole_name)]
        ticket: Option<Name>,
    },
    /// What the rules say, without changing anything
    #[command(subcommand)]
    Policy(Policy),
    /// What happened
    #[command(subcommand)]
    Audit(Audit),
    /// What people must be told of
    Notices {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        #[command(flatten)]
        since: Since,
    },
    /// The keys that secrets rest under
    #[command(subcommand)]
    Keys(Keys),
    /// Bring factors in from another system
    Import {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        /// Lines of USER, a tab, and a key URI
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Also for people who were reset since, with another key, behind a hand-over code
        #[arg(long, requires = "operator", requires = "ticket")]
        again: bool,
        /// Who brings them in; the name of your login where it is not given
        #[arg(long, value_name = "NAME", value_parser = whole_name)]
        operator: Option<Name>,
        /// On which ticket
        #[arg(long, value_name = "TICKET", requires = "again", value_parser = whole_name)]
        ticket: Option<Name>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Migration {
    /// Export batches to key URIs
    Decode {
        #[command(flatten)]
        input: Input,
    },
    /// Key URIs to export batches
    Encode {
        #[command(flatten)]
        input: Input,
    },
}

#[derive(Subcommand)]
pub(crate) enum Project {
    /// Add a project
    Add {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        #[command(flatten)]
        rules: Rules,
        #[command(flatten)]
        operator: Operator,
    },
    /// Change a project's rules, those that are given
    Set {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        #[command(flatten)]
        rules: Rules,
        #[command(flatten)]
        operator: Operator,
    },
    /// List all projects
    List,
}

#[derive(Subcommand)]
pub(crate) enum Member {
    /// Take someone into a project
    Add {
        #[command(flatten)]
        person: Person,
        /// As an administrator
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        operator: Operator,
    },
    /// Change what someone is
    Set {
        #[command(flatten)]
        person: Person,
        #[command(flatten)]
        role: RoleOption,
        #[command(flatten)]
        operator: Operator,
    },
    /// Take someone out of a project
    Remove {
        #[command(flatten)]
        person: Person,
        #[command(flatten)]
        operator: Operator,
    },
    /// List the members of a project
    List {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
    },
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, made once")]
pub(crate) enum Policy {
    /// What a sign-in would meet, and why
    Explain {
        #[command(flatten)]
        person: Person,
        /// Through single sign-on
        #[arg(long)]
        sso: bool,
    },
    /// What other rules would mean for each member
    Impact {
        #[arg(value_name = "PROJECT")]
        project: ProjectId,
        #[command(flatten)]
        rules: RuleOptions,
    },
}

/// A member of a project.
#[derive(Args)]
pub(crate) struct Person {
    #[arg(value_name = "PROJECT")]
    pub(crate) project: ProjectId,
    #[arg(value_name = "USER")]
    pub(crate) user: UserId,
}

/// Who answers for a change.
#[derive(Args)]
pub(crate) struct Operator {
    /// Who makes the change; the name of your login where it is not given
    #[arg(long = "operator", value_name = "NAME", value_parser = whole_name)]
    pub(crate) name: Option<Name>,
}

/// The administrator who acts, and what they prove it with.
#[derive(Args)]
pub(crate) struct Admin {
    /// Who is acting
    #[arg(long = "as", value_name = "ADMIN")]
    pub(crate) who: UserId,
    /// A code of the administrator's own
    #[arg(long, value_name = "CODE", conflicts_with = "sso")]
    pub(crate) code: Option<String>,
    /// The administrator came through single sign-on
    #[arg(long)]
    pub(crate) sso: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RoleOption {
    /// An administrator from now on
    #[arg(long)]
    pub(crate) admin: bool,
    /// A plain member from now on
    #[arg(long)]
    pub(crate) member: bool,
}

/// Rules of a project, and how it shows itself.
#[derive(Args)]
pub(crate) struct Rules {
    #[command(flatten)]
    pub(crate) options: RuleOptions,
    /// The name that authenticator apps show
    #[arg(long, value_name = "NAME", value_parser = issuer)]
    pub(crate) issuer: Option<String>,
}

/// The settings that policy looks at.
#[derive(Args)]
pub(crate) struct RuleOptions {
    /// A second factor is mandatory from this day or time on
    #[arg(long, value_name = "DATE", value_parser = time, conflicts_with = "optional")]
    pub(crate) mandatory_from: Option<UnixTime>,
    /// A second factor is left to each person
    #[arg(long)]
    pub(crate) optional: bool,
    /// Single sign-on, and what a password is worth beside it
    #[arg(long, value_name = "SSO")]
    pub(crate) sso: Option<SsoOption>,
    /// The next set-up after a reset needs the administrator's hand-over code
    #[arg(long, conflicts_with = "no_handover")]
    pub(crate) handover: bool,
    /// It does not
    #[arg(long)]
    pub(crate) no_handover: bool,
    /// Whether sign-ins that pass without a code are on the record
    #[arg(long, value_name = "ON|OFF")]
    pub(crate) passed: Option<OnOff>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SsoOption {
    /// The project has none
    Off,
    /// Passwords pass without a code
    Exempt,
    /// Passwords need a code
    Challenge,
    /// Passwords are refused
    Refuse,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QrFormat {
    Terminal,
    Svg,
    Png,
}

impl QrFormat {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// Where a secret or a URI is read from.
#[derive(Args)]
pub(crate) struct Input {
    /// Read from this file instead of standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct AlgorithmOption {
    /// sha1, sha256 or sha512
    #[arg(long, value_name = "ALGORITHM", default_value = "sha1")]
    pub(crate) algorithm: Algorithm,
}

/// What makes a code beside the secret.
#[derive(Args)]
pub(crate) struct CodeOptions {
    #[command(flatten)]
    algorithm: AlgorithmOption,
    /// 6, 7 or 8
    #[arg(long, value_name = "N", default_value = "6", value_parser = digits)]
    digits: Digits,
    /// How many seconds a code stays, at most 3600
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = period)]
    period: Period,
}

impl CodeOptions {
    pub(crate) fn params(&self) -> Params {
        Params::default()
            .with_algorithm(self.algorithm.algorithm)
            .with_digits(self.digits)
            .with_period(self.period)
    }
}
