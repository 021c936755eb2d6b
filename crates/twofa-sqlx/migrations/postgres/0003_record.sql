-- A project may leave sign-ins that pass without a code out of the record.
ALTER TABLE twofa_project ADD COLUMN passes boolean NOT NULL DEFAULT true;

-- Records that could not be read and were recovered, as they were found. Rows are added, and never changed.
CREATE TABLE twofa_damaged (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project  TEXT COLLATE "C" NOT NULL,
    user_id  TEXT COLLATE "C" NOT NULL,
    version  BIGINT NOT NULL,
    record   BYTEA NOT NULL,
    found_at BIGINT NOT NULL
);
CREATE INDEX twofa_damaged_subject ON twofa_damaged (project, user_id);

-- What stands in the place of events that were archived: how far a chain was taken out, and the service's own bytes.
CREATE TABLE twofa_checkpoint (
    project    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL, -- '' for the project itself, and both for the store
    seq        BIGINT NOT NULL,           -- the last event that was taken out: the compare-and-set
    checkpoint BYTEA NOT NULL,            -- tagged; read by the service alone
    PRIMARY KEY (project, user_id)
);
