-- Who a user is at the sign-in provider. The name of the issuer is part of it: another provider's
-- subjects are other people.
CREATE TABLE identities (
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_user ON identities (user_id, issuer);

-- Sign-ins on their way over the provider. State and binding are kept as hashes: whoever reads the
-- database cannot finish somebody's sign-in.
CREATE TABLE provider_sign_ins (
    state      TEXT   NOT NULL PRIMARY KEY,
    binding    TEXT   NOT NULL,
    nonce      TEXT   NOT NULL,
    verifier   TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX provider_sign_ins_expires ON provider_sign_ins (expires_at);
CREATE INDEX provider_sign_ins_address ON provider_sign_ins (address, expires_at);
