//! `audit` and `keys`: what an operator looks after.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use twofa::types::{Name, ProjectId, UnixTime, UserId};
use twofa::{Head, KeyId};

use super::values::{cursor, whole_name};
use crate::times::time;

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// The events of a project, of one person in it, or of the whole store
    List {
        #[command(flatten)]
        of: Whose,
        #[command(flatten)]
        since: Since,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
    /// Write events to a new file, as `list --json` prints them
    Export {
        #[command(flatten)]
        of: Whose,
        #[command(flatten)]
        since: Since,
        /// The file, which only you can read
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Take events from before a day out of the store, into a file that `verify --archive` reads along
    Archive {
        /// Those from before this day or time; whoever reads notices should have read beyond it
        #[arg(long, value_name = "DATE", value_parser = time)]
        before: UnixTime,
        /// The file, which only you can read; one that an earlier run began is gone on with
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// One text that stands for all of it, to keep elsewhere
    Head,
    /// Check that no event was changed, moved or removed
    Verify {
        #[arg(value_name = "PROJECT")]
        project: Option<ProjectId>,
        /// And that nothing was put back since `audit head` printed this; what it stands for is not read again
        #[arg(long, value_name = "HEAD", conflicts_with = "project")]
        from: Option<Head>,
        /// Read that again as well
        #[arg(long, requires = "from")]
        all: bool,
        /// And the events in this file of `audit archive`; name all such files there ever were
        #[arg(long = "archive", value_name = "FILE")]
        archives: Vec<PathBuf>,
        /// List at most so many bad places; all are counted
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
        /// And that every event in this file of `audit export` is still there
        #[arg(long, value_name = "EXPORT")]
        against: Option<PathBuf>,
        /// End with 1 also where what is not as it was written was answered for by a recovery
        #[arg(long)]
        strict: bool,
    },
}

#[derive(Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "a command is parsed once, and names are held inline"
)]
pub(crate) enum Keys {
    /// List the store's keys, what each is for and how much rests under it
    List,
    /// Make a key and add it, for every host to hold before it is activated
    Add,
    /// Make an added key the active one
    Activate {
        /// Which, as `keys list` shows it
        #[arg(value_name = "ID")]
        id: KeyId,
    },
    /// Put everything under the active key
    Reseal {
        /// Go on with one that was interrupted
        #[arg(long)]
        resume: bool,
    },
    /// Leave a key to the events that were written under it; proofs under it are void at once
    Retire {
        /// Which, as `keys list` shows it
        #[arg(value_name = "ID")]
        id: KeyId,
    },
    /// All of it in one go, for one host: add, activate, reseal, retire the one before
    Rotate {
        /// Go on with a rotation that was interrupted
        #[arg(long)]
        resume: bool,
    },
    /// Repair the store's own record of its keys, where it cannot be read; everybody signs in again
    Repair {
        /// Who answers for it
        #[arg(long, value_name = "NAME", value_parser = whole_name)]
        operator: Name,
        /// On which ticket
        #[arg(long, value_name = "TICKET", value_parser = whole_name)]
        ticket: Name,
        /// Give up the keys that the store had, and go on under those that are there, or new ones
        #[arg(long)]
        new_keys: bool,
    },
}

/// Whose events: everybody's, a project's, or a person's.
#[derive(Args)]
pub(crate) struct Whose {
    #[arg(value_name = "PROJECT")]
    pub(crate) project: Option<ProjectId>,
    #[arg(value_name = "USER", requires = "project")]
    pub(crate) user: Option<UserId>,
}

/// Where to go on from.
#[derive(Args)]
pub(crate) struct Since {
    /// Only what came after this cursor
    #[arg(long = "since", value_name = "CURSOR", default_value_t = 0, value_parser = cursor)]
    pub(crate) cursor: u64,
}
