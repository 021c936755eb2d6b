-- Cuts factors and events into 16 parts by project, for stores of many millions. Run it once on PostgreSQL 13 or
-- later, on a store that is still empty, as the owner of the tables; the program notices nothing. More parts, or
-- parts on other servers, follow the same pattern.
--
--   psql -1 -v ON_ERROR_STOP=1 -f partition_by_project.sql DATABASE

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM twofa_factor) OR EXISTS (SELECT 1 FROM twofa_event) THEN
        RAISE EXCEPTION 'the store is not empty: copy its rows by way of a table of another name';
    END IF;
END $$;

DROP TABLE twofa_factor, twofa_event;

CREATE TABLE twofa_factor (
    project   TEXT COLLATE "C" NOT NULL,
    user_id   TEXT COLLATE "C" NOT NULL,
    version   BIGINT NOT NULL,
    record    BYTEA NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    since     BIGINT,
    last_used BIGINT,
    PRIMARY KEY (project, user_id)
) PARTITION BY HASH (project);

-- A sequence of its own, since partitioned tables take identity columns from PostgreSQL 17 on only.
CREATE SEQUENCE twofa_event_id;
CREATE TABLE twofa_event (
    id         BIGINT NOT NULL DEFAULT nextval('twofa_event_id'),
    project    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C",
    actor      TEXT COLLATE "C",
    detail     TEXT COLLATE "C",
    generation BIGINT NOT NULL,
    notice     BIGINT,
    key_id     BIGINT NOT NULL,
    mac        BYTEA NOT NULL,
    PRIMARY KEY (project, user_id, seq)
) PARTITION BY HASH (project);
CREATE INDEX twofa_event_project ON twofa_event (project, id);
CREATE INDEX twofa_event_number ON twofa_event (id);
CREATE UNIQUE INDEX twofa_event_notice ON twofa_event (project, notice) WHERE notice IS NOT NULL;

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE twofa_factor_%s PARTITION OF twofa_factor '
            'FOR VALUES WITH (MODULUS 16, REMAINDER %s) WITH (fillfactor = 85)', part, part);
        EXECUTE format('CREATE TABLE twofa_event_%s PARTITION OF twofa_event '
            'FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    END LOOP;
END $$;
