-- Subtitles and the like of films and sounds, in JSON; their files stand in live_files, as all others do.
ALTER TABLE media ADD COLUMN tracks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE live_media ADD COLUMN tracks TEXT NOT NULL DEFAULT '[]';
