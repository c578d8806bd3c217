DROP TABLE invitations;
DROP TABLE api_tokens;
ALTER TABLE users DROP COLUMN email;
ALTER TABLE users DROP COLUMN kind;
