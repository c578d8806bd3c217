-- Films and sounds have a length, documents have pages; null where the file does not tell.
ALTER TABLE media ADD COLUMN duration_ms BIGINT;
ALTER TABLE media ADD COLUMN pages INTEGER;
ALTER TABLE live_media ADD COLUMN duration_ms BIGINT;
ALTER TABLE live_media ADD COLUMN pages INTEGER;
