-- Parked logins come and go all day: their dead rows are cleared away after a fiftieth of them, and not a fifth.
ALTER TABLE twofa_login SET (autovacuum_vacuum_scale_factor = 0.02);
-- Whoever copies the events of all projects follows them by their numbers.
CREATE INDEX IF NOT EXISTS twofa_event_number ON twofa_event (id);
