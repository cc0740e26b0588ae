-- Segments without a priority are ordered by campaigns.DefaultPriority: the places
-- of all leads are found again.

-- +goose Up
UPDATE campaign SET rebuilt = 0;
