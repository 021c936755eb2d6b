-- The counterpart of PostgreSQL's: nothing needs to be cleared away here. From this version on the store keeps a
-- record of its keys, in twofa_factor and twofa_event under the empty project and the empty user.
SELECT 1;
