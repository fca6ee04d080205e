-- The history, version 1. Executed once, in one transaction, on an empty file; later versions migrate (see schema.py).
-- Instants are unix seconds, UTC. Ids only ever grow, so the audit log is in order of id whatever the clock did.

CREATE TABLE samples (
    id                 INTEGER PRIMARY KEY,
    at                 REAL NOT NULL,
    cpu_percent        REAL,
    memory_percent     REAL,
    disk_percent       REAL,
    memory_used_bytes  INTEGER,
    memory_limit_bytes INTEGER,
    disk_free_bytes    INTEGER,
    stall_percent      REAL,
    witness            TEXT NOT NULL
);
CREATE INDEX samples_at ON samples (at);

-- What each integration took at the instant of a sample, and how it served since the one before.
CREATE TABLE footprints (
    sample_id    INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
    integration  TEXT NOT NULL,
    at           REAL NOT NULL,
    level        TEXT NOT NULL,
    memory_bytes INTEGER,
    response_ms  REAL,
    errors       INTEGER,
    requests     INTEGER,
    PRIMARY KEY (sample_id, integration)
) WITHOUT ROWID;

-- Intents, each written before it is carried out. AUTOINCREMENT: the id of a pruned row is never given again.
CREATE TABLE decisions (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      REAL NOT NULL,
    key     TEXT NOT NULL,
    action  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    message TEXT NOT NULL,
    rule    TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    numbers TEXT NOT NULL -- a JSON object
);
CREATE INDEX decisions_key ON decisions (key, id);
CREATE INDEX decisions_at ON decisions (at);

CREATE TABLE outcomes (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id) ON DELETE CASCADE,
    at          REAL NOT NULL,
    status      TEXT NOT NULL,
    detail      TEXT NOT NULL
);
