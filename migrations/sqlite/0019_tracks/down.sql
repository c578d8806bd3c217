ALTER TABLE live_media DROP COLUMN tracks;
ALTER TABLE media DROP COLUMN tracks;
