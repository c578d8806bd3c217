-- What stands in a picture's place until its file has come: ThumbHash in Base64, and one colour.
ALTER TABLE media ADD COLUMN thumbhash TEXT;
ALTER TABLE media ADD COLUMN colour TEXT;
ALTER TABLE live_media ADD COLUMN thumbhash TEXT;
ALTER TABLE live_media ADD COLUMN colour TEXT;
