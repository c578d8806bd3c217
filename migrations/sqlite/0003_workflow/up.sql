-- The newsroom's way of an article: stages, assignment, schedule, comments.

-- Users are never deleted, so columns that name one need no reference (SQLite could not drop it).
ALTER TABLE articles ADD COLUMN stage_by BIGINT;
ALTER TABLE articles ADD COLUMN stage_at BIGINT;
ALTER TABLE articles ADD COLUMN return_reason TEXT;
ALTER TABLE articles ADD COLUMN assigned_to BIGINT;
ALTER TABLE articles ADD COLUMN expire_at BIGINT;
CREATE INDEX articles_assigned ON articles (assigned_to, id);
CREATE INDEX articles_stage ON articles (stage, id);
CREATE INDEX articles_expiry ON articles (expire_at);

-- Publications that are to come, at most one an article.
CREATE TABLE schedules (
    article_id BIGINT PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    edition    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT,
    note       TEXT,
    expire_at  BIGINT,
    by_user    BIGINT NOT NULL REFERENCES users (id)
);
CREATE INDEX schedules_at ON schedules (at);

-- Media of scheduled editions, which must still be there when their time comes.
CREATE TABLE scheduled_media (
    article_id BIGINT NOT NULL REFERENCES schedules (article_id) ON DELETE CASCADE,
    media_id   BIGINT NOT NULL REFERENCES media (id),
    PRIMARY KEY (media_id, article_id)
);
CREATE INDEX scheduled_media_article ON scheduled_media (article_id);

-- What the newsroom says to itself of an article; never public.
CREATE TABLE comments (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    edition    BIGINT NOT NULL,
    text       TEXT   NOT NULL,
    created_by BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX comments_article ON comments (article_id, id);
