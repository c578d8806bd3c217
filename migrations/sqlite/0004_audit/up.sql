-- The audit log becomes a chain: every row carries a hash over itself and the row before it.
-- SQL cannot compute SHA-256 on both databases, so that rows which are there already stay outside
-- the chain, without a hash; it begins after them.

ALTER TABLE audit ADD COLUMN token_id BIGINT;
ALTER TABLE audit ADD COLUMN details TEXT;
ALTER TABLE audit ADD COLUMN hash TEXT;
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_user ON audit (user_id, at, id);
CREATE INDEX audit_object ON audit (object_type, object_id, at, id);

-- One row: the newest row's id and hash, locked last by every write; `began`: the last id before
-- the chain.
CREATE TABLE audit_head (
    id    BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    began BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    hash  TEXT   NOT NULL
);
INSERT INTO audit_head (id, began, seq, hash)
SELECT 1, COALESCE(MAX(id), 0), COALESCE(MAX(id), 0),
       '0000000000000000000000000000000000000000000000000000000000000000'
FROM audit;

-- Where the chain goes on after old rows were removed: signed, so that nobody else can say so.
CREATE TABLE audit_checkpoints (
    id        BIGINT NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    last_id   BIGINT NOT NULL,
    removed   BIGINT NOT NULL,
    hash      TEXT   NOT NULL,
    kid       TEXT   NOT NULL,
    signature TEXT   NOT NULL
);

-- Sign-ins that were refused, counted by minute; account and address are empty in the row that
-- counts what one minute has too many of.
CREATE TABLE refused_sign_ins (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    minute  BIGINT NOT NULL,
    account TEXT   NOT NULL,
    address TEXT   NOT NULL,
    count   BIGINT NOT NULL,
    UNIQUE (minute, account, address)
);
