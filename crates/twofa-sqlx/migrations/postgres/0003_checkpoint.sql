-- What stands in the place of events that were archived: how far a chain was taken out, and the service's own bytes.
CREATE TABLE twofa_checkpoint (
    project    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL, -- '' for the project itself, and both for the store
    seq        BIGINT NOT NULL,           -- the last event that was taken out: the compare-and-set
    checkpoint BYTEA NOT NULL,            -- tagged; read by the service alone
    PRIMARY KEY (project, user_id)
);
