ALTER TABLE live_media DROP COLUMN colour;
ALTER TABLE live_media DROP COLUMN thumbhash;
ALTER TABLE media DROP COLUMN colour;
ALTER TABLE media DROP COLUMN thumbhash;
