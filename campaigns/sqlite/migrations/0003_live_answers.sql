-- Live answers by time, with what says whether an operator came in time: the
-- past of abandonment is read from the index alone.

-- +goose Up
CREATE INDEX attempt_live ON attempt (campaign, began_at, outcome, answered_at, greeting_end, bridged_at)
  WHERE outcome IN ('connected', 'abandoned');
