-- What the client says a file is, as image/jpeg; null where it says nothing.
ALTER TABLE uploads ADD COLUMN claim TEXT;
