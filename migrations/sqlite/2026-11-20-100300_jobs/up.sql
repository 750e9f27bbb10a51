-- Work that waits or is held. due_at is when a worker may take it: the time it is wanted at, or the end of its lease.
CREATE TABLE jobs (
    id         TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    payload    TEXT    NOT NULL,
    due_at     INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    worker     TEXT,
    last_error TEXT
) STRICT;
CREATE INDEX jobs_due ON jobs (kind, due_at, id);

-- Work that will not be tried again, kept to be looked at.
CREATE TABLE dead_jobs (
    id      TEXT    NOT NULL PRIMARY KEY,
    kind    TEXT    NOT NULL,
    payload TEXT    NOT NULL,
    attempt INTEGER NOT NULL,
    error   TEXT    NOT NULL,
    died_at INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_jobs_newest ON dead_jobs (died_at, id);
