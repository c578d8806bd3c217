ALTER TABLE live_media DROP COLUMN pages;
ALTER TABLE live_media DROP COLUMN duration_ms;
ALTER TABLE media DROP COLUMN pages;
ALTER TABLE media DROP COLUMN duration_ms;
