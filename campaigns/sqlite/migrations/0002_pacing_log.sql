-- The event log of pacing, in compressed chunks.

-- +goose Up
CREATE TABLE pacing_log (
  campaign TEXT NOT NULL,
  run      INTEGER NOT NULL, -- when it began
  node     TEXT NOT NULL,
  seq      INTEGER NOT NULL, -- in the run, from 1
  from_at  INTEGER NOT NULL, -- first and last line
  to_at    INTEGER NOT NULL,
  lines    INTEGER NOT NULL,
  gzip     BLOB NOT NULL,
  PRIMARY KEY (campaign, run, node, seq)
) STRICT;
CREATE INDEX pacing_log_times ON pacing_log (campaign, from_at, to_at, run, node);
CREATE INDEX pacing_log_age ON pacing_log (to_at);
