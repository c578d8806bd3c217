-- Who is at work on an article. It says so and stops nobody: the version is what a save needs.
CREATE TABLE article_locks (
    article_id INTEGER PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    since      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Links that open one edition to who has them, until they expire or their row goes. The seal in
-- the address is made of the row, and stored nowhere.
CREATE TABLE previews (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    edition    BIGINT NOT NULL,
    created_by BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX previews_article ON previews (article_id, id);
