DROP TABLE previews;
DROP TABLE article_locks;
