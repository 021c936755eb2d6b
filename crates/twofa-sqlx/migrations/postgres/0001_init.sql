-- Tables of twofa on PostgreSQL. An applied file never changes: later versions add files.
-- Times are whole seconds since 1970. Ids compare byte for byte (COLLATE "C").

-- Room in each page lets an update of a record stay in its page and leave the index alone.
CREATE TABLE twofa_factor (
    project   TEXT COLLATE "C" NOT NULL,
    user_id   TEXT COLLATE "C" NOT NULL, -- '' for the project itself
    version   BIGINT NOT NULL,           -- the compare-and-set
    record    BYTEA NOT NULL,            -- sealed and tagged; read by the service alone
    state     TEXT COLLATE "C" NOT NULL, -- none, pending, active, reset
    since     BIGINT,
    last_used BIGINT,
    PRIMARY KEY (project, user_id)
) WITH (fillfactor = 85);

CREATE TABLE twofa_login (
    id         BYTEA NOT NULL PRIMARY KEY, -- SHA-256 of the login id
    project    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,  -- enrol, challenge, replace
    generation BIGINT NOT NULL,
    parked     BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    failures   BIGINT NOT NULL
);
CREATE INDEX twofa_login_subject ON twofa_login (project, user_id);
CREATE INDEX twofa_login_expires ON twofa_login (expires);

CREATE TABLE twofa_event (
    id         BIGINT GENERATED ALWAYS AS IDENTITY, -- grows in the order of writing
    project    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C",
    actor      TEXT COLLATE "C",
    detail     TEXT COLLATE "C",
    generation BIGINT NOT NULL,
    notice     BIGINT,                     -- the cursor, where a person must be told
    key_id     BIGINT NOT NULL,
    mac        BYTEA NOT NULL,
    PRIMARY KEY (project, user_id, seq)
);
CREATE INDEX twofa_event_project ON twofa_event (project, id);
CREATE UNIQUE INDEX twofa_event_notice ON twofa_event (project, notice) WHERE notice IS NOT NULL;

CREATE TABLE twofa_notice_cursor (
    project TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last    BIGINT NOT NULL
);

-- The directory: for applications without tables of their own for projects and members.

CREATE TABLE twofa_project (
    project      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mandate_from BIGINT,                   -- NULL: optional
    sso          TEXT COLLATE "C" NOT NULL, -- off, exempt, challenge, refuse
    handover     BOOLEAN NOT NULL,
    self_reset   BOOLEAN NOT NULL,
    step_up_age  BIGINT NOT NULL,
    issuer       TEXT COLLATE "C"
);

CREATE TABLE twofa_member (
    project TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    role    TEXT COLLATE "C" NOT NULL,     -- member, administrator
    PRIMARY KEY (project, user_id)
);
