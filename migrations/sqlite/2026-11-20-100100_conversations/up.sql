-- active_message_id names a message without a foreign key: the two tables would point at each other, and both rows
-- are only ever written in one transaction.
CREATE TABLE conversations (
    id                TEXT    NOT NULL PRIMARY KEY,
    owner_id          TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title             TEXT,
    title_key         TEXT,
    mode              TEXT    NOT NULL,
    grounding         TEXT    NOT NULL,
    model_size        TEXT    NOT NULL,
    model             TEXT,
    document_ids      TEXT    NOT NULL,
    tags              TEXT    NOT NULL,
    pinned            INTEGER NOT NULL,
    archived          INTEGER NOT NULL,
    temporary         INTEGER NOT NULL,
    memory_enabled    INTEGER NOT NULL,
    memory_policy     TEXT    NOT NULL,
    system_prompt     TEXT,
    active_message_id TEXT,
    message_count     INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_newest ON conversations (owner_id, updated_at, id);
CREATE INDEX conversations_archived ON conversations (owner_id, archived, updated_at, id);
CREATE INDEX conversations_pinned ON conversations (owner_id, pinned, updated_at, id);

-- The labels once more, one a row, for filters.
CREATE TABLE conversation_tags (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tag             TEXT NOT NULL,
    PRIMARY KEY (conversation_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation_memory (
    conversation_id TEXT    NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    avg_tokens      REAL,
    dynamic_k       INTEGER,
    watermark       TEXT,
    buffer_from     INTEGER NOT NULL,
    summary         TEXT,
    history_budget  INTEGER
) STRICT, WITHOUT ROWID;

-- Small columns come first: SQLite reads a row only as far as it is asked for, and the texts may be long.
CREATE TABLE messages (
    id              TEXT    NOT NULL PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id       TEXT    REFERENCES messages (id) ON DELETE SET NULL,
    position        INTEGER NOT NULL,
    role            TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    tokens          INTEGER NOT NULL,
    tokenizer       TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    model_used      TEXT,
    confidence      TEXT,
    finish_reason   TEXT,
    error_code      TEXT,
    usage           TEXT,
    warnings        TEXT    NOT NULL,
    content         TEXT    NOT NULL,
    parts           TEXT    NOT NULL,
    citations       TEXT    NOT NULL,
    sources         TEXT    NOT NULL
) STRICT;
CREATE INDEX messages_branch ON messages (conversation_id, position, id);
CREATE INDEX messages_children ON messages (parent_id);
-- At most one reply of a conversation is being written.
CREATE UNIQUE INDEX messages_running ON messages (conversation_id) WHERE status IN ('accepted', 'streaming');

CREATE TABLE receipts (
    message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    receipt    TEXT NOT NULL
) STRICT;
