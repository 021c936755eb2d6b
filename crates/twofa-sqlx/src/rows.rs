//! Rows as the drivers give them, and the values they stand for.
//!
//! Unsigned numbers of the service lie in signed columns. Times keep all 64 bits, so that no time is altered
//! on its way: those after the year 292 billion read as negative, and nothing else does. Counters (versions,
//! sequence numbers) never come near that bound, and are refused beyond it on their way in.
//!
//! On their way out records and events are read whatever lies there: what another hand wrote fits no code, and it
//! is for the service to say so. One such row must not keep everybody else's from being read.

use twofa::lifecycle::{LoginHash, LoginKind, ParkedLogin, Summary, SummaryState};
use twofa::policy::{Handover, Mandate, Passes, ProjectSettings, Role, SelfReset, Sso};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{
    AuditRow, FactorRow, Found, HeadRow, Project, RecordRow, Resumed, Standing, Stored, Subject,
    SubjectEvent, Tip,
};

use crate::Error;

pub(crate) type FoundRow = (Option<i64>, Option<Vec<u8>>, i64, i64);
pub(crate) type FactorLine = (String, String, Option<i64>, Option<i64>);
pub(crate) type MemberLine = (String, String);
pub(crate) type SubjectLine = (
    String,
    String,
    i64,
    Vec<u8>,
    String,
    Option<i64>,
    Option<i64>,
    i64,
);
pub(crate) type HeadLine = (
    String,
    String,
    i64,
    Vec<u8>,
    String,
    Option<i64>,
    Option<i64>,
    i64,
    Option<i64>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Vec<u8>>,
);
pub(crate) type ResumeRow = (
    String,
    String,
    Vec<u8>,
    String,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<Vec<u8>>,
    i64,
    i64,
);
pub(crate) type EventRow = (
    i64,
    String,
    String,
    i64,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
    i64,
    Vec<u8>,
);
pub(crate) type ProjectRow = (
    String,
    Option<i64>,
    String,
    bool,
    bool,
    i64,
    bool,
    Option<String>,
);
pub(crate) type StandingRow = (
    String,
    Option<i64>,
    String,
    bool,
    bool,
    i64,
    bool,
    Option<String>,
    Option<String>,
);

pub(crate) fn time_in(time: UnixTime) -> i64 {
    time.as_secs().cast_signed()
}

fn time_out(column: i64) -> UnixTime {
    UnixTime::from_secs(column.cast_unsigned())
}

/// The latest time of a sweep: times beyond it read as negative and are left alone.
pub(crate) fn sweep_before(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

pub(crate) fn counter_in(what: &'static str, value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| Error::OutOfRange { what })
}

/// As [`cursor_in`], for numbers that readers follow: a row numbered below 1 would lead them astray.
pub(crate) fn from_one(after: u64) -> i64 {
    cursor_in(after).max(1)
}

/// A cursor to read before.
pub(crate) fn before(cursor: u64) -> i64 {
    i64::try_from(cursor).unwrap_or(i64::MAX)
}

/// The last time before `time`.
pub(crate) fn last_before(time: UnixTime) -> i64 {
    time_in(time).saturating_sub(1)
}

/// The first number to read for a cursor to read after; for one beyond every possible row, a number that no row has. 0 is
/// before every row, even one numbered 0 or less: nothing here writes such, and whoever slipped one in is not to be
/// overlooked.
pub(crate) fn cursor_in(after: u64) -> i64 {
    match after {
        0 => i64::MIN,
        _ => i64::try_from(after).map_or(i64::MAX, |after| after.saturating_add(1)),
    }
}

/// A number to read after, beyond every row where it is no row's.
pub(crate) fn seq_in(seq: u64) -> i64 {
    match seq {
        0 => i64::MIN,
        seq => i64::try_from(seq).unwrap_or(i64::MAX),
    }
}

fn u32_out(table: &'static str, column: &'static str, value: i64) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::BadRow { table, column })
}

fn bytes32(table: &'static str, column: &'static str, bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes
        .try_into()
        .map_err(|_| Error::BadRow { table, column })
}

pub(crate) fn project_id(table: &'static str, text: &str) -> Result<ProjectId, Error> {
    ProjectId::new(text).map_err(|_| Error::BadRow {
        table,
        column: "project",
    })
}

/// Numbers that the service compares with what it has signed: whatever lies there.
fn number_out(column: i64) -> u64 {
    column.cast_unsigned()
}

pub(crate) fn orphan((project, user): (String, String)) -> Subject {
    Subject::from_keys(&project, &user)
}

fn found_out(version: Option<i64>, record: Option<Vec<u8>>, events: i64, notices: i64) -> Found {
    let stored = version.zip(record).map(|(version, record)| Stored {
        version: number_out(version),
        record,
    });
    Found {
        stored,
        last_event: number_out(events),
        last_notice: number_out(notices),
    }
}

pub(crate) fn damaged((version, record): (i64, Vec<u8>)) -> Stored {
    Stored {
        version: number_out(version),
        record,
    }
}

pub(crate) fn found((version, record, events, notices): FoundRow) -> Found {
    found_out(version, record, events, notices)
}

pub(crate) fn subject_line(row: SubjectLine) -> RecordRow {
    let (project, user, version, record, state, since, last_used, events) = row;
    RecordRow {
        subject: Subject::from_keys(&project, &user),
        stored: Stored {
            version: number_out(version),
            record,
        },
        summary: summary(&state, since, last_used),
        last_event: number_out(events),
    }
}

pub(crate) fn head(row: HeadLine) -> HeadRow {
    let (project, user, version, record, state, since, last_used, notices, seq, mac, id, check) =
        row;
    let tip = seq.zip(id).zip(mac);
    HeadRow {
        subject: Subject::from_keys(&project, &user),
        stored: Stored {
            version: number_out(version),
            record,
        },
        summary: summary(&state, since, last_used),
        last_notice: number_out(notices),
        covered: tip.map(|((seq, id), mac)| Tip {
            seq: number_out(seq),
            mac: mac_out(&mac).0,
            cursor: number_out(id),
        }),
        checkpoint: check,
    }
}

fn summary(state: &str, since: Option<i64>, last_used: Option<i64>) -> Option<Summary> {
    Some(Summary {
        state: SummaryState::from_code(state)?,
        since: since.map(time_out),
        last_used: last_used.map(time_out),
    })
}

/// `None` for a row that another hand wrote, which [`TwoFactor::audit_check`](twofa::TwoFactor::audit_check) names.
pub(crate) fn factor_line((user, state, since, last_used): FactorLine) -> Option<FactorRow> {
    Some(FactorRow {
        user: UserId::new(&user).ok()?,
        summary: summary(&state, since, last_used)?,
    })
}

pub(crate) fn resumed(row: ResumeRow) -> Result<Resumed, Error> {
    const TABLE: &str = "twofa_login";
    let (
        project,
        user,
        id,
        kind,
        generation,
        parked,
        expires,
        failures,
        version,
        record,
        events,
        notices,
    ) = row;
    let bad = |column| Error::BadRow {
        table: TABLE,
        column,
    };
    Ok(Resumed {
        subject: Subject::from_keys(&project, &user),
        login: ParkedLogin {
            id: LoginHash::from_bytes(bytes32(TABLE, "id", &id)?),
            kind: LoginKind::from_code(&kind).ok_or(bad("kind"))?,
            generation: u32_out(TABLE, "generation", generation)?,
            parked: time_out(parked),
            expires: time_out(expires),
            failures: u8::try_from(failures).map_err(|_| bad("failures"))?,
        },
        found: found_out(version, record, events, notices),
    })
}

/// A code, and behind it, of a notice, how many the project had before.
pub(crate) fn mac_in(row: &AuditRow) -> Vec<u8> {
    let mut bytes = row.mac.to_vec();
    if row.notices_before > 0 {
        bytes.extend_from_slice(&row.notices_before.to_be_bytes());
    }
    bytes
}

/// As [`mac_in`] wrote it; a code that fits nothing where it did not.
fn mac_out(bytes: &[u8]) -> ([u8; 32], u64) {
    match (bytes.first_chunk::<32>(), bytes.get(32..)) {
        (Some(mac), Some([])) => (*mac, 0),
        (Some(mac), Some(before)) => match before.try_into() {
            Ok(before) => (*mac, u64::from_be_bytes(before)),
            Err(_) => ([0; 32], 0),
        },
        _ => ([0; 32], 0),
    }
}

pub(crate) fn event(row: EventRow) -> SubjectEvent {
    let (id, project, user, seq, at, event, reason, actor, detail, generation, notice, key, mac) =
        row;
    let (mac, notices_before) = mac_out(&mac);
    let small = u32::try_from(generation).ok().zip(u32::try_from(key).ok());
    // Numbers that nothing here writes leave no code that could fit.
    let mac = if small.is_some() { mac } else { [0; 32] };
    let (generation, key_id) = small.unwrap_or_default();
    SubjectEvent {
        cursor: number_out(id),
        notice: notice.map(number_out),
        subject: Subject::from_keys(&project, &user),
        row: AuditRow {
            seq: number_out(seq),
            at: time_out(at),
            event,
            reason,
            actor,
            detail,
            generation,
            notice: notice.is_some(),
            notices_before,
            key_id,
            mac,
        },
    }
}

pub(crate) fn role(code: &str) -> Result<Role, Error> {
    Role::from_code(code).ok_or(Error::BadRow {
        table: "twofa_member",
        column: "role",
    })
}

pub(crate) fn mandate_in(settings: &ProjectSettings) -> Option<i64> {
    match settings.mandate() {
        Mandate::Optional => None,
        Mandate::From(time) => Some(time_in(time)),
    }
}

pub(crate) fn project(row: ProjectRow) -> Result<(ProjectId, Project), Error> {
    const TABLE: &str = "twofa_project";
    let (id, mandate_from, sso, handover, self_reset, step_up_age, passes, issuer) = row;
    let sso = Sso::from_code(&sso).ok_or(Error::BadRow {
        table: TABLE,
        column: "sso",
    })?;
    let settings = ProjectSettings::new()
        .with_mandate(mandate_from.map_or(Mandate::Optional, |t| Mandate::From(time_out(t))))
        .with_sso(sso)
        .with_handover(if handover {
            Handover::Required
        } else {
            Handover::NotRequired
        })
        .with_self_reset(if self_reset {
            SelfReset::Allowed
        } else {
            SelfReset::Refused
        })
        .with_step_up_age(u32_out(TABLE, "step_up_age", step_up_age)?)
        .with_passes(if passes {
            Passes::Recorded
        } else {
            Passes::NotRecorded
        });
    Ok((project_id(TABLE, &id)?, Project { settings, issuer }))
}

pub(crate) fn standing(row: StandingRow) -> Result<Standing, Error> {
    let (id, mandate_from, sso, handover, self_reset, step_up_age, passes, issuer, member) = row;
    let row = (
        id,
        mandate_from,
        sso,
        handover,
        self_reset,
        step_up_age,
        passes,
        issuer,
    );
    Ok(Standing {
        project: project(row)?.1,
        role: member.as_deref().map(role).transpose()?,
    })
}

/// `None` for a row that another hand wrote.
pub(crate) fn member((user, code): MemberLine) -> Option<(UserId, Role)> {
    Some((UserId::new(&user).ok()?, role(&code).ok()?))
}
