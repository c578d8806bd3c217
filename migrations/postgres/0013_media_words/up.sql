-- What an editor says of a medium beside text and credit: nothing to see in it, and whether a machine
-- made it. A medium that was withdrawn stays as a row; its files are closed.
ALTER TABLE media ADD COLUMN decorative BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE media ADD COLUMN ai_label TEXT NOT NULL DEFAULT 'none';
ALTER TABLE media ADD COLUMN withdrawn_at BIGINT;
ALTER TABLE media ADD COLUMN withdrawn_reason TEXT;

ALTER TABLE live_media ADD COLUMN decorative BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE live_media ADD COLUMN ai_label TEXT NOT NULL DEFAULT 'none';
ALTER TABLE live_media ADD COLUMN withdrawn_at BIGINT;
ALTER TABLE live_media ADD COLUMN withdrawn_reason TEXT;
ALTER TABLE live_articles ADD COLUMN ai_label TEXT NOT NULL DEFAULT 'none';

-- Files that were public once and are withdrawn, by their SHA-256: 410 for ever.
CREATE TABLE withdrawn_files (
    hash        TEXT   NOT NULL PRIMARY KEY,
    media_id    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    reason_code TEXT   NOT NULL
);
