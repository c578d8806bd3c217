-- What a user's roles are limited to. A flag of its own, so that a user whose last category goes
-- may do nothing rather than everything.
ALTER TABLE users ADD COLUMN limited BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE user_categories (
    user_id     BIGINT NOT NULL REFERENCES users (id),
    category_id BIGINT NOT NULL REFERENCES categories (id),
    PRIMARY KEY (user_id, category_id)
) WITHOUT ROWID;
CREATE INDEX user_categories_category ON user_categories (category_id);

-- Categories are merged and deleted: both ask which editions name one.
CREATE INDEX editions_category ON editions (category_id);
