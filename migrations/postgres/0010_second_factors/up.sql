-- Who is asked for a second factor at the sign-in; what it is stands below.
ALTER TABLE users ADD COLUMN second_factor BOOLEAN NOT NULL DEFAULT FALSE;

-- The secret of an authenticator app (RFC 6238), sealed with a key that is not in the database.
-- `last_step`: the newest time step whose code was used; no code is good twice.
CREATE TABLE second_factors (
    user_id    BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
    sealed     BYTEA  NOT NULL,
    last_step  BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Codes for when the app is lost, by their SHA-256; gone once they are used.
CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL REFERENCES users (id),
    hash    TEXT   NOT NULL,
    PRIMARY KEY (user_id, hash)
);
