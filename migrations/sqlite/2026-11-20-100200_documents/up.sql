CREATE TABLE documents (
    id           TEXT    NOT NULL PRIMARY KEY,
    owner_id     TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title        TEXT    NOT NULL,
    title_key    TEXT    NOT NULL,
    filename     TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    category     TEXT,
    tags         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    embedding    TEXT    NOT NULL,
    fault        TEXT,
    page_count   INTEGER NOT NULL,
    chunk_count  INTEGER NOT NULL,
    token_count  INTEGER NOT NULL,
    warnings     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_newest ON documents (owner_id, created_at, id);
CREATE INDEX documents_status ON documents (owner_id, status, created_at, id);
CREATE INDEX documents_category ON documents (owner_id, category, created_at, id);
CREATE INDEX documents_blob ON documents (sha256);

-- The labels once more, one a row, for filters.
CREATE TABLE document_tags (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    tag         TEXT NOT NULL,
    PRIMARY KEY (document_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE document_versions (
    document_id TEXT    NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    pages       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (document_id, version)
) STRICT;

-- seq is the row number by which the keyword index knows the passage.
CREATE TABLE chunks (
    seq          INTEGER NOT NULL PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    document_id  TEXT    NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version      INTEGER NOT NULL,
    ordinal      INTEGER NOT NULL,
    page_from    INTEGER,
    page_to      INTEGER,
    byte_start   INTEGER NOT NULL,
    byte_end     INTEGER NOT NULL,
    tokens       INTEGER NOT NULL,
    heading_path TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    UNIQUE (document_id, version, ordinal)
) STRICT;

-- Little-endian f32 components.
CREATE TABLE chunk_vectors (
    chunk_id TEXT NOT NULL REFERENCES chunks (id) ON DELETE CASCADE,
    model    TEXT NOT NULL,
    vector   BLOB NOT NULL,
    PRIMARY KEY (chunk_id, model)
) STRICT;

-- Grows with every change of an owner's vectors, so that a cache knows when it is out of date.
CREATE TABLE vector_epochs (
    owner_id TEXT    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    epoch    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The owner is a word of the index: a search reads only the postings that its reader may see.
CREATE VIRTUAL TABLE chunk_search USING fts5 (
    text, title, owner,
    content = '', contentless_delete = 1,
    tokenize = 'porter unicode61 remove_diacritics 2'
);

-- Triggers keep the index in step whatever removes a row, cascades included.
CREATE TRIGGER chunks_search_insert AFTER INSERT ON chunks BEGIN
    INSERT INTO chunk_search (rowid, text, title, owner)
    SELECT new.seq, new.text, documents.title, 'u' || replace(documents.owner_id, '-', '')
    FROM documents WHERE documents.id = new.document_id;
END;
CREATE TRIGGER chunks_search_delete AFTER DELETE ON chunks BEGIN
    DELETE FROM chunk_search WHERE rowid = old.seq;
END;
CREATE TRIGGER documents_search_title AFTER UPDATE OF title ON documents WHEN old.title <> new.title BEGIN
    DELETE FROM chunk_search WHERE rowid IN (SELECT seq FROM chunks WHERE document_id = new.id);
    INSERT INTO chunk_search (rowid, text, title, owner)
    SELECT seq, text, new.title, 'u' || replace(new.owner_id, '-', '') FROM chunks WHERE document_id = new.id;
END;
