-- A project may leave sign-ins that pass without a code out of the record.
ALTER TABLE twofa_project ADD COLUMN passes boolean NOT NULL DEFAULT true;
