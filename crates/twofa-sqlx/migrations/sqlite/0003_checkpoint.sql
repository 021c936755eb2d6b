-- What stands in the place of events that were archived: how far a chain was taken out, and the service's own bytes.
CREATE TABLE twofa_checkpoint (
    project    TEXT NOT NULL,
    user_id    TEXT NOT NULL,             -- '' for the project itself, and both for the store
    seq        INTEGER NOT NULL,          -- the last event that was taken out: the compare-and-set
    checkpoint BLOB NOT NULL,             -- tagged; read by the service alone
    PRIMARY KEY (project, user_id)
) STRICT, WITHOUT ROWID;
