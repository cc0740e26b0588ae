-- What pacing learnt of each campaign, for a warm start.

-- +goose Up
CREATE TABLE pacing_learnt (
  campaign TEXT PRIMARY KEY,
  learnt   BLOB NOT NULL
) STRICT;
