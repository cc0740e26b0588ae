-- Attempts of people who called us. A number may have several of them at a time; while
-- there is one, neither it nor another number of the lead is called.

-- +goose Up
ALTER TABLE attempt ADD COLUMN inbound INTEGER NOT NULL DEFAULT 0;
DROP INDEX attempt_open;
CREATE INDEX attempt_open ON attempt (number) WHERE ended_at = 0;
CREATE UNIQUE INDEX attempt_lock ON attempt (number) WHERE ended_at = 0 AND inbound = 0;
CREATE INDEX attempt_inbound ON attempt (lead) WHERE ended_at = 0 AND inbound = 1;
