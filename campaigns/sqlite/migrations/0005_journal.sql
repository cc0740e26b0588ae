-- How far the journal of what was dialled is; see campaigns/journal.

-- +goose Up
CREATE TABLE journal (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  journal  TEXT NOT NULL,
  segment  INTEGER NOT NULL,
  place    INTEGER NOT NULL -- in the segment, in bytes
) STRICT;
