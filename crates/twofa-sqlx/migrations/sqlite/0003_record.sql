-- A project may leave sign-ins that pass without a code out of the record.
ALTER TABLE twofa_project ADD COLUMN passes INTEGER NOT NULL DEFAULT 1;

-- Records that could not be read and were recovered, as they were found. Rows are added, and never changed.
CREATE TABLE twofa_damaged (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    version  INTEGER NOT NULL,
    record   BLOB NOT NULL,
    found_at INTEGER NOT NULL
) STRICT;
CREATE INDEX twofa_damaged_subject ON twofa_damaged (project, user_id);

-- What stands in the place of events that were archived: how far a chain was taken out, and the service's own bytes.
CREATE TABLE twofa_checkpoint (
    project    TEXT NOT NULL,
    user_id    TEXT NOT NULL,             -- '' for the project itself, and both for the store
    seq        INTEGER NOT NULL,          -- the last event that was taken out: the compare-and-set
    checkpoint BLOB NOT NULL,             -- tagged; read by the service alone
    PRIMARY KEY (project, user_id)
) STRICT, WITHOUT ROWID;
