-- Queues of leads that were never tried, and of the promised calls of one operator;
-- who talked to a lead last. SQLite cannot change what is unique in a table, so the
-- queues are copied; triggers must not look on.

-- +goose Up
DROP TRIGGER entry_added;
DROP TRIGGER entry_left;
DROP TRIGGER entry_came;
DROP TRIGGER entry_removed;

CREATE TABLE queue_kinds (
  id           INTEGER PRIMARY KEY,
  campaign     TEXT NOT NULL,
  segment      TEXT NOT NULL,
  window_class TEXT NOT NULL,
  untried      INTEGER NOT NULL DEFAULT 0, -- 1: only leads never tried
  operator     TEXT NOT NULL DEFAULT '',   -- whose promised calls these are; '': anybody's
  ready        INTEGER NOT NULL DEFAULT 0,
  waiting      INTEGER NOT NULL DEFAULT 0,
  UNIQUE (campaign, segment, window_class, untried, operator)
) STRICT;
INSERT INTO queue_kinds (id, campaign, segment, window_class, ready, waiting)
  SELECT id, campaign, segment, window_class, ready, waiting FROM queue;
DROP TABLE queue;
ALTER TABLE queue_kinds RENAME TO queue;

ALTER TABLE entry ADD COLUMN last_operator TEXT NOT NULL DEFAULT '';
UPDATE campaign SET rebuilt = 0;

-- +goose StatementBegin
CREATE TRIGGER entry_added AFTER INSERT ON entry WHEN new.state < 2 BEGIN
  UPDATE queue SET ready = ready + (new.state = 1), waiting = waiting + (new.state = 0) WHERE id = new.queue;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_left AFTER UPDATE OF state, queue ON entry WHEN old.state < 2 BEGIN
  UPDATE queue SET ready = ready - (old.state = 1), waiting = waiting - (old.state = 0) WHERE id = old.queue;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_came AFTER UPDATE OF state, queue ON entry WHEN new.state < 2 BEGIN
  UPDATE queue SET ready = ready + (new.state = 1), waiting = waiting + (new.state = 0) WHERE id = new.queue;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_removed AFTER DELETE ON entry WHEN old.state < 2 BEGIN
  UPDATE queue SET ready = ready - (old.state = 1), waiting = waiting - (old.state = 0) WHERE id = old.queue;
END;
-- +goose StatementEnd
