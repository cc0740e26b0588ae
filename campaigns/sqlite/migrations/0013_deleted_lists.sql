-- Lists that people deleted and whose leads have not all gone: a law may ask to keep whom
-- calls went to.

-- +goose Up
CREATE TABLE deleted_list (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  leads      INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
