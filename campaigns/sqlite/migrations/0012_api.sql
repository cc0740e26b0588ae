-- What the API keeps: answers to requests that must have their effect once, what
-- tokens may do and when they were last used, and whom and what a user may see.

-- +goose Up
CREATE TABLE answer (
  key        TEXT PRIMARY KEY, -- SHA-256 of who asked, what and with which key, hex
  request    TEXT NOT NULL,    -- SHA-256 of what was asked, hex
  status     INTEGER NOT NULL, -- 0: the request is not answered yet
  header     TEXT NOT NULL,    -- JSON
  body       BLOB NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_expires ON answer (expires_at);
ALTER TABLE token ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN scopes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE user ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN campaigns TEXT NOT NULL DEFAULT '[]';
ALTER TABLE user ADD COLUMN rights TEXT NOT NULL DEFAULT '[]';
