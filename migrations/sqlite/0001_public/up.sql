-- What readers see. Nothing here refers to the editorial tables.

-- The head of the public log: its row is locked by the first statement of every transaction that
-- changes something public, so that the order of commits is the order of `seq`.
CREATE TABLE log_head (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    seq        BIGINT NOT NULL,
    generation TEXT   NOT NULL
);

CREATE TABLE changes (
    seq               BIGINT PRIMARY KEY,
    at                BIGINT NOT NULL,
    op                TEXT   NOT NULL,
    why               TEXT   NOT NULL,
    object_type       TEXT   NOT NULL,
    object_id         BIGINT NOT NULL,
    uri               TEXT   NOT NULL,
    edition           BIGINT,
    language          TEXT,
    categories_before TEXT,
    categories_after  TEXT
);

CREATE TABLE portal (
    id             BIGINT PRIMARY KEY CHECK (id = 1),
    version        BIGINT NOT NULL,
    uuid           TEXT   NOT NULL,
    content        TEXT   NOT NULL,
    authority      TEXT,
    authority_year INTEGER
);

CREATE TABLE categories (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    version         BIGINT  NOT NULL,
    uuid            TEXT    NOT NULL UNIQUE,
    slug            TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    sort_key        BLOB NOT NULL,
    parent_id       BIGINT REFERENCES categories (id),
    path            TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    legal_reference TEXT
);
CREATE INDEX categories_parent ON categories (parent_id);

-- Every slug a category ever had, also one that is gone; never given to another.
CREATE TABLE category_slugs (
    slug        TEXT   PRIMARY KEY,
    category_id BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX category_slugs_category ON category_slugs (category_id);

CREATE TABLE live_articles (
    id                 BIGINT  PRIMARY KEY,
    uri                TEXT    NOT NULL,
    slug               TEXT    NOT NULL UNIQUE,
    category_id        BIGINT  NOT NULL REFERENCES categories (id),
    edition            BIGINT  NOT NULL,
    status             TEXT    NOT NULL,
    status_note        TEXT,
    status_at          BIGINT,
    title              TEXT    NOT NULL,
    lead               TEXT,
    published_on       TEXT    NOT NULL,
    published_at       BIGINT,
    sort_at            BIGINT  NOT NULL,
    first_published_at BIGINT  NOT NULL,
    updated_at         BIGINT,
    language           TEXT    NOT NULL,
    tags               TEXT    NOT NULL,
    featured           BOOLEAN NOT NULL,
    cover              TEXT,
    byline             TEXT    NOT NULL,
    source             TEXT,
    seq                BIGINT  NOT NULL
);
CREATE INDEX live_articles_category ON live_articles (category_id);

CREATE TABLE live_bodies (
    article_id BIGINT PRIMARY KEY REFERENCES live_articles (id) ON DELETE CASCADE,
    body       TEXT   NOT NULL
);

-- 410 for what was taken down: no title, no text.
CREATE TABLE live_tombstones (
    article_id  BIGINT PRIMARY KEY,
    uri         TEXT   NOT NULL,
    reason_code TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    seq         BIGINT NOT NULL
);
CREATE INDEX live_tombstones_seq ON live_tombstones (seq);

-- Every slug under which something public was ever found, old ones included.
CREATE TABLE live_slugs (
    slug       TEXT   PRIMARY KEY,
    article_id BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX live_slugs_article ON live_slugs (article_id);

-- One row for each list that an article stands in: `all`, `featured`, `c:<category>` for its
-- category and every ancestor, `d:<category>` for its own category alone, `t:<folded tag>`,
-- `l:<language>`. Primary key in list order: every list is one index range.
CREATE TABLE live_listings (
    list    TEXT   NOT NULL,
    sort_at BIGINT NOT NULL,
    id      BIGINT NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
    PRIMARY KEY (list, sort_at, id)
) WITHOUT ROWID;
CREATE INDEX live_listings_article ON live_listings (id);

-- `id` is the publication's: it stays the same however often the article is published again.
CREATE TABLE live_corrections (
    id         BIGINT PRIMARY KEY,
    article_id BIGINT NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
    at         BIGINT NOT NULL,
    edition    BIGINT NOT NULL,
    note       TEXT   NOT NULL
);
CREATE INDEX live_corrections_article ON live_corrections (article_id, id);

CREATE TABLE live_captions (
    id         BIGINT  PRIMARY KEY,
    article_id BIGINT  NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    figure     TEXT    NOT NULL
);
CREATE INDEX live_captions_article ON live_captions (article_id, position);

-- Media as each public article holds them, frozen when its edition was published: whatever happens
-- to another article, this one keeps its own. A medium is public while there is a row.
CREATE TABLE live_media (
    media_id   BIGINT NOT NULL,
    article_id BIGINT NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
    frozen_at  BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    width      INTEGER,
    height     INTEGER,
    alt        TEXT,
    credit     TEXT,
    renditions TEXT   NOT NULL,
    PRIMARY KEY (media_id, article_id)
) WITHOUT ROWID;
CREATE INDEX live_media_article ON live_media (article_id);

-- Which figures of public articles show a medium.
CREATE TABLE live_caption_media (
    caption_id BIGINT NOT NULL REFERENCES live_captions (id) ON DELETE CASCADE,
    media_id   BIGINT NOT NULL,
    PRIMARY KEY (media_id, caption_id)
) WITHOUT ROWID;
CREATE INDEX live_caption_media_caption ON live_caption_media (caption_id);

-- The files behind public media addresses.
CREATE TABLE live_files (
    hash       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    media_id   BIGINT NOT NULL,
    article_id BIGINT NOT NULL,
    key        TEXT   NOT NULL,
    mime       TEXT   NOT NULL,
    bytes      BIGINT NOT NULL,
    PRIMARY KEY (hash, name, media_id, article_id),
    FOREIGN KEY (media_id, article_id) REFERENCES live_media (media_id, article_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX live_files_medium ON live_files (media_id, article_id);
