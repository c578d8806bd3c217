DROP TABLE refused_sign_ins;
DROP TABLE audit_checkpoints;
DROP TABLE audit_head;
DROP INDEX audit_object;
DROP INDEX audit_user;
DROP INDEX audit_at;
ALTER TABLE audit DROP COLUMN hash;
ALTER TABLE audit DROP COLUMN details;
ALTER TABLE audit DROP COLUMN token_id;
