DROP TABLE media_jobs;
ALTER TABLE media DROP COLUMN failure;
ALTER TABLE media DROP COLUMN status;
