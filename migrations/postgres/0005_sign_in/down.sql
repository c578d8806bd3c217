ALTER TABLE sessions DROP COLUMN agent;
ALTER TABLE sessions DROP COLUMN address;
ALTER TABLE sessions DROP COLUMN used_at;
ALTER TABLE users DROP COLUMN must_change_password;
