-- Tables of twofa on SQLite. An applied file never changes: later versions add files.
-- Times are whole seconds since 1970. Ids and codes compare byte for byte (BINARY, the default).

CREATE TABLE twofa_factor (
    project   TEXT NOT NULL,
    user_id   TEXT NOT NULL,             -- '' for the project itself
    version   INTEGER NOT NULL,          -- the compare-and-set
    record    BLOB NOT NULL,             -- sealed and tagged; read by the service alone
    state     TEXT NOT NULL,             -- none, pending, active, reset
    since     INTEGER,
    last_used INTEGER,
    PRIMARY KEY (project, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE twofa_login (
    id         BLOB NOT NULL PRIMARY KEY, -- SHA-256 of the login id
    project    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    kind       TEXT NOT NULL,             -- enrol, challenge, replace
    generation INTEGER NOT NULL,
    parked     INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    failures   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofa_login_subject ON twofa_login (project, user_id);
CREATE INDEX twofa_login_expires ON twofa_login (expires);

CREATE TABLE twofa_event (
    id         INTEGER PRIMARY KEY,       -- grows in the order of writing
    project    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,
    reason     TEXT,
    actor      TEXT,
    detail     TEXT,
    generation INTEGER NOT NULL,
    notice     INTEGER,                   -- the cursor, where a person must be told
    key_id     INTEGER NOT NULL,
    mac        BLOB NOT NULL,
    UNIQUE (project, user_id, seq)
) STRICT;
CREATE INDEX twofa_event_project ON twofa_event (project, id);
CREATE UNIQUE INDEX twofa_event_notice ON twofa_event (project, notice) WHERE notice IS NOT NULL;

CREATE TABLE twofa_notice_cursor (
    project TEXT NOT NULL PRIMARY KEY,
    last    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The directory: for applications without tables of their own for projects and members.

CREATE TABLE twofa_project (
    project      TEXT NOT NULL PRIMARY KEY,
    mandate_from INTEGER,                 -- NULL: optional
    sso          TEXT NOT NULL,           -- off, exempt, challenge, refuse
    handover     INTEGER NOT NULL,
    self_reset   INTEGER NOT NULL,
    step_up_age  INTEGER NOT NULL,
    issuer       TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE twofa_member (
    project TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role    TEXT NOT NULL,                -- member, administrator
    PRIMARY KEY (project, user_id)
) STRICT, WITHOUT ROWID;
