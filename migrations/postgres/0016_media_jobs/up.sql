-- Is a medium ready for readers; where it never will be, why not.
ALTER TABLE media ADD COLUMN status TEXT NOT NULL DEFAULT 'ready';
ALTER TABLE media ADD COLUMN failure TEXT;

-- Work that is left to do for a medium, for whichever node takes it. `due_at` is from when one may: who
-- takes it moves that past the time that the work can last, so that a node that dies holds nothing up.
CREATE TABLE media_jobs (
    media_id   BIGINT NOT NULL PRIMARY KEY REFERENCES media (id) ON DELETE CASCADE,
    what       TEXT   NOT NULL,
    queued_at  BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    claimed_by TEXT
);
CREATE INDEX media_jobs_due ON media_jobs (due_at);
