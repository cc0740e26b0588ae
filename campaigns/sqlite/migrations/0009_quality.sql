-- How the audio of a call was, written with its end.

-- +goose Up
ALTER TABLE attempt ADD COLUMN audio TEXT; -- JSON; NULL where there was none
