//! Rows as the drivers give them, and the values they stand for.
//!
//! Unsigned numbers of the service lie in signed columns. Times keep all 64 bits, so that no time is altered
//! on its way: those after the year 292 billion read as negative, and nothing else does. Counters (versions,
//! sequence numbers) never come near that bound, and are refused beyond it.

use twofa::lifecycle::{LoginHash, LoginKind, ParkedLogin, Summary, SummaryState};
use twofa::policy::{Handover, Mandate, ProjectSettings, Role, SelfReset, Sso};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{AuditRow, FactorRow, Project, Resumed, Standing, Stored, Subject, SubjectEvent};

use crate::Error;

pub(crate) type StoredRow = (i64, Vec<u8>);
pub(crate) type FactorLine = (String, String, Option<i64>, Option<i64>);
pub(crate) type SubjectLine = (String, String, i64, Vec<u8>);
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
pub(crate) type ProjectRow = (String, Option<i64>, String, bool, bool, i64, Option<String>);
pub(crate) type StandingRow = (
    String,
    Option<i64>,
    String,
    bool,
    bool,
    i64,
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

/// The first number to read for a cursor to read after; for one beyond every possible row, a number that no row has. 0 is
/// before every row, even one numbered 0 or less: nothing here writes such, and whoever slipped one in is not to be
/// overlooked.
pub(crate) fn cursor_in(after: u64) -> i64 {
    match after {
        0 => i64::MIN,
        _ => i64::try_from(after).map_or(i64::MAX, |after| after.saturating_add(1)),
    }
}

/// Versions and numbers of rows: they begin at 1, and the last number is none (see [`cursor_in`]).
fn counter_out(table: &'static str, column: &'static str, value: i64) -> Result<u64, Error> {
    let counter = (1..i64::MAX).contains(&value).then_some(value);
    let counter = counter.and_then(|value| u64::try_from(value).ok());
    counter.ok_or(Error::BadRow { table, column })
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

pub(crate) fn user_id(table: &'static str, text: &str) -> Result<UserId, Error> {
    UserId::new(text).map_err(|_| Error::BadRow {
        table,
        column: "user_id",
    })
}

pub(crate) fn subject(table: &'static str, project: &str, user: &str) -> Result<Subject, Error> {
    if project.is_empty() && user.is_empty() {
        return Ok(Subject::installation());
    }
    let project = project_id(table, project)?;
    Ok(if user.is_empty() {
        Subject::project_itself(&project)
    } else {
        Subject::member(&project, &user_id(table, user)?)
    })
}

pub(crate) fn orphan((project, user): (String, String)) -> Result<Subject, Error> {
    subject("twofa_event", &project, &user)
}

pub(crate) fn stored((version, record): StoredRow) -> Result<Stored, Error> {
    Ok(Stored {
        version: counter_out("twofa_factor", "version", version)?,
        record,
    })
}

pub(crate) fn subject_line(
    (project, user, version, record): SubjectLine,
) -> Result<(Subject, Stored), Error> {
    Ok((
        subject("twofa_factor", &project, &user)?,
        stored((version, record))?,
    ))
}

pub(crate) fn factor_line((user, state, since, last_used): FactorLine) -> Result<FactorRow, Error> {
    let state = [
        SummaryState::None,
        SummaryState::Pending,
        SummaryState::Active,
        SummaryState::Reset,
    ]
    .into_iter()
    .find(|s| s.code() == state)
    .ok_or(Error::BadRow {
        table: "twofa_factor",
        column: "state",
    })?;
    Ok(FactorRow {
        user: user_id("twofa_factor", &user)?,
        summary: Summary {
            state,
            since: since.map(time_out),
            last_used: last_used.map(time_out),
        },
    })
}

pub(crate) fn resumed(row: ResumeRow) -> Result<Resumed, Error> {
    const TABLE: &str = "twofa_login";
    let (project, user, id, kind, generation, parked, expires, failures, version, record) = row;
    let bad = |column| Error::BadRow {
        table: TABLE,
        column,
    };
    let stored = match (version, record) {
        (Some(version), Some(record)) => Some(stored((version, record))?),
        _ => None,
    };
    Ok(Resumed {
        subject: subject(TABLE, &project, &user)?,
        login: ParkedLogin {
            id: LoginHash::from_bytes(bytes32(TABLE, "id", &id)?),
            kind: LoginKind::from_code(&kind).ok_or(bad("kind"))?,
            generation: u32_out(TABLE, "generation", generation)?,
            parked: time_out(parked),
            expires: time_out(expires),
            failures: u8::try_from(failures).map_err(|_| bad("failures"))?,
        },
        stored,
    })
}

/// Which of its numbers an event is read by.
#[derive(Clone, Copy)]
pub(crate) enum Cursor {
    Written,
    Notice,
}

pub(crate) fn audit_row(row: EventRow) -> Result<AuditRow, Error> {
    event(row, Cursor::Written).map(|(_, e)| e.row)
}

pub(crate) fn event(row: EventRow, cursor: Cursor) -> Result<(u64, SubjectEvent), Error> {
    const TABLE: &str = "twofa_event";
    let (id, project, user, seq, at, event, reason, actor, detail, generation, notice, key, mac) =
        row;
    let cursor = match (cursor, notice) {
        (Cursor::Notice, Some(notice)) => counter_out(TABLE, "notice", notice)?,
        _ => counter_out(TABLE, "id", id)?,
    };
    Ok((
        cursor,
        SubjectEvent {
            subject: subject(TABLE, &project, &user)?,
            row: AuditRow {
                seq: counter_out(TABLE, "seq", seq)?,
                at: time_out(at),
                event,
                reason,
                actor,
                detail,
                generation: u32_out(TABLE, "generation", generation)?,
                notice: notice.is_some(),
                key_id: u32_out(TABLE, "key_id", key)?,
                mac: bytes32(TABLE, "mac", &mac)?,
            },
        },
    ))
}

pub(crate) fn role_code(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Administrator => "administrator",
    }
}

pub(crate) fn role(code: &str) -> Result<Role, Error> {
    [Role::Member, Role::Administrator]
        .into_iter()
        .find(|r| role_code(*r) == code)
        .ok_or(Error::BadRow {
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
    let (id, mandate_from, sso, handover, self_reset, step_up_age, issuer) = row;
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
        .with_step_up_age(u32_out(TABLE, "step_up_age", step_up_age)?);
    Ok((project_id(TABLE, &id)?, Project { settings, issuer }))
}

pub(crate) fn standing(row: StandingRow) -> Result<Standing, Error> {
    let (id, mandate_from, sso, handover, self_reset, step_up_age, issuer, member) = row;
    let row = (
        id,
        mandate_from,
        sso,
        handover,
        self_reset,
        step_up_age,
        issuer,
    );
    Ok(Standing {
        project: project(row)?.1,
        role: member.as_deref().map(role).transpose()?,
    })
}

pub(crate) fn member((user, code): (String, String)) -> Result<(UserId, Role), Error> {
    Ok((user_id("twofa_member", &user)?, role(&code)?))
}
