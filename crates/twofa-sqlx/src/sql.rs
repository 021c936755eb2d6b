//! Statements that SQLite and PostgreSQL both understand. SQLite's driver takes `$1` as PostgreSQL's does.

macro_rules! event_columns {
    () => {
        "id, project, user_id, seq, at, event, reason, actor, detail, generation, notice, key_id, mac"
    };
}
pub(crate) use event_columns;

/// How far the events of a subject go; 0 where there are none.
macro_rules! last_event {
    ($project:literal, $user:literal) => {
        concat!(
            "COALESCE((SELECT max(seq) FROM twofa_event WHERE project = ",
            $project,
            " AND user_id = ",
            $user,
            "), 0)"
        )
    };
}

/// The same, and how far the notices of its project go.
macro_rules! reach {
    ($project:literal, $user:literal) => {
        concat!(
            last_event!($project, $user),
            ", COALESCE((SELECT last FROM twofa_notice_cursor WHERE project = ",
            $project,
            "), 0)"
        )
    };
}

pub(crate) const LOAD: &str = concat!(
    "SELECT f.version, f.record, ",
    reach!("$1", "$2"),
    " FROM (SELECT 1 AS one) o LEFT JOIN twofa_factor f ON f.project = $1 AND f.user_id = $2"
);

/// The version of the installation's record; 0 where there is none.
pub(crate) const INSTALLATION: &str = "SELECT COALESCE(\
    (SELECT version FROM twofa_factor WHERE project = '' AND user_id = ''), 0)";

pub(crate) const RESUME: &str = concat!(
    "SELECT l.project, l.user_id, l.id, l.kind, l.generation, l.parked, l.expires, l.failures, \
     f.version, f.record, ",
    reach!("l.project", "l.user_id"),
    " FROM twofa_login l \
     LEFT JOIN twofa_factor f ON f.project = l.project AND f.user_id = l.user_id WHERE l.id = $1"
);

/// The greatest generation that a parked login of a subject names, as far as it is one.
pub(crate) const PARKED_GENERATION: &str = "SELECT COALESCE(max(generation), 0) FROM twofa_login \
    WHERE project = $1 AND user_id = $2 AND generation >= 0 AND generation <= 4294967295";

pub(crate) const DAMAGED: &str = "SELECT version, record FROM twofa_damaged \
    WHERE project = $1 AND user_id = $2 ORDER BY id";

/// Takes away a damaged record, where it still lies there as it was found.
pub(crate) const TAKE_AWAY: &str = "DELETE FROM twofa_factor \
    WHERE project = $1 AND user_id = $2 AND version = $3 AND record = $4";

pub(crate) const KEEP_DAMAGED: &str = "INSERT INTO twofa_damaged \
    (project, user_id, version, record, found_at) VALUES ($1, $2, $3, $4, $5)";

pub(crate) const PARK: &str = "INSERT INTO twofa_login \
    (id, project, user_id, kind, generation, parked, expires, failures) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(crate) const FACTORS: &str = "SELECT user_id, state, since, last_used FROM twofa_factor \
    WHERE project = $1 AND user_id > $2 AND state <> 'none' ORDER BY user_id LIMIT $3";

/// Rows by project and user, in that order: of all, of all after one, of a project, of a project after one.
macro_rules! four_spans {
    ($select:expr, $alias:literal, $and:literal) => {
        [
            concat!($select, "TRUE", $and, " ORDER BY 1, 2 LIMIT $1"),
            concat!(
                $select,
                "(",
                $alias,
                ".project, ",
                $alias,
                ".user_id) > ($1, $2)",
                $and,
                " ORDER BY 1, 2 LIMIT $3"
            ),
            concat!(
                $select,
                $alias,
                ".project = $1",
                $and,
                " ORDER BY 1, 2 LIMIT $2"
            ),
            concat!(
                $select,
                $alias,
                ".project = $1 AND ",
                $alias,
                ".user_id > $2",
                $and,
                " ORDER BY 1, 2 LIMIT $3"
            ),
        ]
    };
}

pub(crate) const SUBJECTS: [&str; 4] = four_spans!(
    concat!(
        "SELECT f.project, f.user_id, f.version, f.record, f.state, f.since, f.last_used, ",
        last_event!("f.project", "f.user_id"),
        " FROM twofa_factor f WHERE "
    ),
    "f",
    ""
);

/// As [`four_spans`], after a parameter of the statement's own.
macro_rules! four_spans_after_one {
    ($select:expr) => {
        [
            concat!($select, "TRUE ORDER BY 1, 2 LIMIT $2"),
            concat!(
                $select,
                "(f.project, f.user_id) > ($2, $3) ORDER BY 1, 2 LIMIT $4"
            ),
            concat!($select, "f.project = $2 ORDER BY 1, 2 LIMIT $3"),
            concat!(
                $select,
                "f.project = $2 AND f.user_id > $3 ORDER BY 1, 2 LIMIT $4"
            ),
        ]
    };
}

/// Records, and the last event of each up to a number, which `$tip` joins as `e`; without checkpoints where there are
/// none yet.
macro_rules! heads {
    ($tip:literal) => {
        [
            crate::sql::heads!(@ $tip, "c.checkpoint",
                "LEFT JOIN twofa_checkpoint c ON c.project = f.project AND c.user_id = f.user_id "),
            crate::sql::heads!(@ $tip, "NULL", ""),
        ]
    };
    (@ $tip:literal, $checkpoint:literal, $join:literal) => {
        crate::sql::four_spans_after_one!(concat!(
            "SELECT f.project, f.user_id, f.version, f.record, f.state, f.since, f.last_used, \
             COALESCE((SELECT last FROM twofa_notice_cursor n WHERE n.project = f.project), 0), \
             e.seq, e.mac, e.id, ",
            $checkpoint,
            " FROM twofa_factor f LEFT JOIN ",
            $tip,
            $join,
            "WHERE "
        ))
    };
}
pub(crate) use {four_spans_after_one, heads};

/// Subjects of which there is something other than a record.
pub(crate) const ORPHANS: [&str; 4] = four_spans!(
    "SELECT e.project, e.user_id FROM (SELECT DISTINCT project, user_id FROM twofa_event \
     UNION SELECT project, user_id FROM twofa_checkpoint) AS e WHERE ",
    "e",
    " AND NOT EXISTS (SELECT 1 FROM twofa_factor f \
         WHERE f.project = e.project AND f.user_id = e.user_id)"
);

pub(crate) const ORPHANS_BEFORE_CHECKPOINTS: [&str; 4] = four_spans!(
    "SELECT DISTINCT e.project, e.user_id FROM twofa_event e WHERE ",
    "e",
    " AND NOT EXISTS (SELECT 1 FROM twofa_factor f \
         WHERE f.project = e.project AND f.user_id = e.user_id)"
);

pub(crate) const CHAIN: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM twofa_event WHERE project = $1 AND user_id = $2 AND seq >= $3 ORDER BY seq LIMIT $4"
);

/// The number of the last event of all, and of a project.
pub(crate) const LAST_EVENT: &str = "SELECT COALESCE(max(id), 0) FROM twofa_event";
pub(crate) const LAST_EVENT_OF: &str =
    "SELECT COALESCE(max(id), 0) FROM twofa_event WHERE project = $1";

pub(crate) const EVENTS: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM twofa_event WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3"
);

pub(crate) const EVENTS_OF: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM twofa_event WHERE project = $1 AND id >= $2 AND id <= $3 ORDER BY id LIMIT $4"
);

/// The latest of a project, and of a person in it.
pub(crate) const LATEST: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM twofa_event WHERE project = $1 AND id < $2 \
     AND (CAST($3 AS TEXT) IS NULL OR event = $3) AND at >= $4 AND at <= $5 \
     ORDER BY id DESC LIMIT $6"
);

pub(crate) const LATEST_OF: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM twofa_event WHERE project = $1 AND id < $2 \
     AND (CAST($3 AS TEXT) IS NULL OR event = $3) AND at >= $4 AND at <= $5 AND user_id = $7 \
     ORDER BY seq DESC LIMIT $6"
);

pub(crate) const NOTICES: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM twofa_event WHERE project = $1 AND notice >= $2 AND notice <= COALESCE((\
        SELECT last FROM twofa_notice_cursor WHERE project = $1), 0) ORDER BY notice LIMIT $3"
);

/// Of tables of this version, and of an older one, which say of no project that its passes are not recorded.
macro_rules! projects {
    ($before:literal, $after:literal) => {
        [
            concat!($before, "passes", $after),
            concat!($before, "true", $after),
        ]
    };
}

pub(crate) const PROJECT: [&str; 2] = projects!(
    "SELECT project, mandate_from, sso, handover, self_reset, step_up_age, ",
    ", issuer FROM twofa_project WHERE project = $1"
);

pub(crate) const PROJECTS: [&str; 2] = projects!(
    "SELECT project, mandate_from, sso, handover, self_reset, step_up_age, ",
    ", issuer FROM twofa_project WHERE project > $1 ORDER BY project LIMIT $2"
);

pub(crate) const STANDING: [&str; 2] = projects!(
    "SELECT p.project, p.mandate_from, p.sso, p.handover, p.self_reset, p.step_up_age, ",
    ", p.issuer, m.role \
    FROM twofa_project p LEFT JOIN twofa_member m ON m.project = p.project AND m.user_id = $2 \
    WHERE p.project = $1"
);

pub(crate) const MEMBERS: &str = "SELECT user_id, role FROM twofa_member \
    WHERE project = $1 AND user_id > $2 ORDER BY user_id LIMIT $3";

pub(crate) const ADD_PROJECT: &str = "INSERT INTO twofa_project \
    (project, mandate_from, sso, handover, self_reset, step_up_age, passes, issuer) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";

pub(crate) const SET_PROJECT: &str = "UPDATE twofa_project SET mandate_from = $2, sso = $3, \
    handover = $4, self_reset = $5, step_up_age = $6, passes = $7, issuer = $8 WHERE project = $1";

// Inserts nothing where there is no such project.
pub(crate) const ADD_MEMBER: &str = "INSERT INTO twofa_member (project, user_id, role) \
    SELECT project, $2, $3 FROM twofa_project WHERE project = $1 ON CONFLICT DO NOTHING";

pub(crate) const SET_ROLE: &str =
    "UPDATE twofa_member SET role = $3 WHERE project = $1 AND user_id = $2";

pub(crate) const REMOVE_MEMBER: &str =
    "DELETE FROM twofa_member WHERE project = $1 AND user_id = $2";
