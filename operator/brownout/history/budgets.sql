-- Budgets, version 1. Executed once, in one transaction, on an empty file; later versions migrate (see schema.py).
-- Instants are unix seconds, UTC.

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- the id of a pruned run is never given again
    name          TEXT NOT NULL,
    limits        TEXT NOT NULL, -- a JSON object
    tokens        INTEGER NOT NULL,
    api_calls     INTEGER NOT NULL,
    covered       TEXT NOT NULL, -- a JSON list of [start, end]: when it was open, of sessions that are over
    opened_at     REAL NOT NULL,
    seen_at       REAL NOT NULL,
    ended_at      REAL,
    stopped_by    TEXT,
    stop_asked_at REAL,
    checkpoints   INTEGER NOT NULL, -- ever written; the last few are kept
    checkpoint_at REAL
);
CREATE UNIQUE INDEX runs_open ON runs (name) WHERE ended_at IS NULL; -- of each name one, whoever opens it at once
CREATE INDEX runs_name ON runs (name, id);

-- Who has a run open. The number is also the byte that its process locks in the file beside (see living.py).
CREATE TABLE sessions (
    id        INTEGER NOT NULL,
    run_id    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    opened_at REAL NOT NULL,
    seen_at   REAL NOT NULL,
    lease_s   REAL, -- null: it lives while its process does
    PRIMARY KEY (run_id, id)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
    run_id    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    at        REAL NOT NULL,
    elapsed_s REAL NOT NULL,
    tokens    INTEGER NOT NULL,
    api_calls INTEGER NOT NULL,
    is_text   INTEGER NOT NULL,
    state     BLOB NOT NULL,
    crc32     INTEGER NOT NULL, -- of the state
    PRIMARY KEY (run_id, number)
);
