DROP INDEX editions_category;
DROP TABLE user_categories;
ALTER TABLE users DROP COLUMN limited;
