-- Files that arrive in pieces: how much of each is there. `received` moves only together with the row
-- of the piece, so that two requests cannot both go on from the same place.
CREATE TABLE uploads (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    length     BIGINT NOT NULL,
    received   BIGINT NOT NULL,
    file_name  TEXT   NOT NULL,
    content    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    -- What it became. No reference: the medium may be deleted before this row is.
    media_id   BIGINT
);
CREATE INDEX uploads_user ON uploads (user_id);
CREATE INDEX uploads_expiry ON uploads (expires_at);

-- Each piece is an object in media storage.
CREATE TABLE upload_parts (
    upload_id TEXT   NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    starts_at BIGINT NOT NULL,
    key       TEXT   NOT NULL,
    PRIMARY KEY (upload_id, starts_at)
);
