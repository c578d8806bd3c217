-- What editors work on. May refer to the public tables, never the other way round.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    version       BIGINT NOT NULL,
    login         TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL,
    roles         TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,
    disabled_at   BIGINT,
    created_at    BIGINT NOT NULL
);

-- A sign-in: the family of refresh tokens that began with one password.
CREATE TABLE sessions (
    id         TEXT   PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id);

-- Refresh tokens, hashed. Each is used once; `successor` is the one it was exchanged for.
CREATE TABLE refresh_tokens (
    hash       TEXT   PRIMARY KEY,
    session_id TEXT   NOT NULL REFERENCES sessions (id),
    issued_at  BIGINT NOT NULL,
    used_at    BIGINT,
    successor  TEXT
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Failed sign-ins, counted by account and by address, shared by all nodes.
CREATE TABLE login_failures (
    subject      TEXT   PRIMARY KEY,
    failures     BIGINT NOT NULL,
    window_start BIGINT NOT NULL
);

CREATE TABLE media (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    version     BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    hash        TEXT   NOT NULL UNIQUE,
    file_name   TEXT   NOT NULL,
    mime        TEXT   NOT NULL,
    bytes       BIGINT NOT NULL,
    width       INTEGER,
    height      INTEGER,
    alt         TEXT,
    credit      TEXT,
    original    TEXT   NOT NULL,
    renditions  TEXT   NOT NULL,
    created_by  BIGINT NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL
);

-- Identity and state of an article; its working copy is its newest edition.
CREATE TABLE articles (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    version            BIGINT NOT NULL,
    uuid               TEXT   NOT NULL UNIQUE,
    slug               TEXT   NOT NULL UNIQUE,
    category_id        BIGINT NOT NULL REFERENCES categories (id),
    title              TEXT   NOT NULL,
    stage              TEXT   NOT NULL,
    edition            BIGINT NOT NULL,
    public_state       TEXT   NOT NULL,
    public_edition     BIGINT,
    state_note         TEXT,
    state_at           BIGINT,
    reason_code        TEXT,
    published_on       TEXT,
    published_at       BIGINT,
    first_published_at BIGINT,
    created_by         BIGINT NOT NULL REFERENCES users (id),
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE INDEX articles_category ON articles (category_id);
CREATE INDEX articles_author ON articles (created_by, id);

CREATE TABLE editions (
    article_id  BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    title       TEXT   NOT NULL,
    category_id BIGINT NOT NULL,
    content     TEXT   NOT NULL,
    created_by  BIGINT NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (article_id, number)
);

-- Bodies of editions: JSON, compressed with zstd.
CREATE TABLE edition_bodies (
    article_id BIGINT  NOT NULL,
    number     BIGINT  NOT NULL,
    body       BLOB NOT NULL,
    PRIMARY KEY (article_id, number),
    FOREIGN KEY (article_id, number) REFERENCES editions (article_id, number) ON DELETE CASCADE
);

-- What was published when: from this the public side can be restored.
CREATE TABLE publications (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    edition    BIGINT NOT NULL,
    kind       TEXT,
    note       TEXT,
    at         BIGINT NOT NULL,
    by_user    BIGINT NOT NULL REFERENCES users (id),
    language   TEXT   NOT NULL,
    media      TEXT   NOT NULL
);
CREATE INDEX publications_article ON publications (article_id, id);

-- Every slug ever given to an article, drafts' and old ones included.
CREATE TABLE slugs (
    slug       TEXT   PRIMARY KEY,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX slugs_article ON slugs (article_id);

-- Figures of the newest edition, maintained on every save; `position` is null where the figure is
-- in no working copy now, so that restoring an edition revives its id.
CREATE TABLE captions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    position   INTEGER
);
CREATE INDEX captions_article ON captions (article_id, position);

CREATE TABLE caption_media (
    caption_id BIGINT NOT NULL REFERENCES captions (id) ON DELETE CASCADE,
    media_id   BIGINT NOT NULL REFERENCES media (id),
    PRIMARY KEY (media_id, caption_id)
) WITHOUT ROWID;
CREATE INDEX caption_media_caption ON caption_media (caption_id);

-- Media that the newest edition of an article holds anywhere.
CREATE TABLE article_media (
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    media_id   BIGINT NOT NULL REFERENCES media (id),
    PRIMARY KEY (media_id, article_id)
) WITHOUT ROWID;
CREATE INDEX article_media_article ON article_media (article_id);

CREATE TABLE idempotency_keys (
    user_id     BIGINT NOT NULL REFERENCES users (id),
    key         TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    outcome     TEXT,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Who did what: written in the same transaction as what it records.
CREATE TABLE audit (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at             BIGINT NOT NULL,
    user_id        BIGINT REFERENCES users (id),
    session_id     TEXT,
    address        TEXT,
    action         TEXT   NOT NULL,
    object_type    TEXT   NOT NULL,
    object_id      BIGINT,
    version_before BIGINT,
    version_after  BIGINT,
    reason         TEXT
);
