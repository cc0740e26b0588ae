-- Those who are told over HTTP what happened, and what they are to be told. An event
-- has a row for each endpoint that wants it.

-- +goose Up
CREATE TABLE webhook_endpoint (
  id         TEXT PRIMARY KEY,
  body       TEXT NOT NULL,              -- JSON, with secrets
  holder     TEXT NOT NULL DEFAULT '',   -- who may deliver
  held_until INTEGER NOT NULL DEFAULT 0,
  dropped    INTEGER NOT NULL DEFAULT 0, -- for want of room
  dropped_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE webhook_delivery (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint TEXT NOT NULL,
  event    TEXT NOT NULL,
  type     TEXT NOT NULL,
  key      TEXT NOT NULL,
  at       INTEGER NOT NULL,
  data     TEXT NOT NULL,
  size     INTEGER NOT NULL,
  state    INTEGER NOT NULL, -- 0 waits for an earlier one of its key, 1 waits for its time, 2 delivered, 3 given up
  tries    INTEGER NOT NULL DEFAULT 0,
  due_at   INTEGER NOT NULL,
  last_at  INTEGER NOT NULL DEFAULT 0,
  status   INTEGER NOT NULL DEFAULT 0,
  problem  TEXT NOT NULL DEFAULT '',
  UNIQUE (endpoint, event)
) STRICT;

CREATE INDEX webhook_due ON webhook_delivery (endpoint, due_at) WHERE state = 1;
CREATE INDEX webhook_key ON webhook_delivery (endpoint, key, seq) WHERE state < 2;
CREATE INDEX webhook_waiting ON webhook_delivery (seq) WHERE state < 2;
CREATE INDEX webhook_over ON webhook_delivery (seq) WHERE state > 1;

-- How much there is of each, so that nobody need count.
CREATE TABLE webhook_count (
  endpoint TEXT NOT NULL,
  waiting  INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  PRIMARY KEY (endpoint, waiting)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER webhook_added AFTER INSERT ON webhook_delivery BEGIN
  INSERT INTO webhook_count VALUES (new.endpoint, new.state < 2, 1, new.size)
    ON CONFLICT (endpoint, waiting) DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_deleted AFTER DELETE ON webhook_delivery BEGIN
  UPDATE webhook_count SET n = n - 1, bytes = bytes - old.size WHERE endpoint = old.endpoint AND waiting = (old.state < 2);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_moved AFTER UPDATE OF state ON webhook_delivery WHEN (old.state < 2) <> (new.state < 2) BEGIN
  UPDATE webhook_count SET n = n - 1, bytes = bytes - old.size WHERE endpoint = old.endpoint AND waiting = (old.state < 2);
  INSERT INTO webhook_count VALUES (new.endpoint, new.state < 2, 1, new.size)
    ON CONFLICT (endpoint, waiting) DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;
-- +goose StatementEnd
