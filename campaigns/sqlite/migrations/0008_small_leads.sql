-- A lead takes half as much room as before. Words that many rows share (lists,
-- campaigns, stages, kinds, window classes, the grades of a source) stand once, in
-- word, and elsewhere as their number, 0 for the empty one; telephone numbers are
-- integers; what is mostly not there is NULL; who a lead is in its list is told by its
-- external id or first number, which have indexes of their own. Entries lie in the
-- order of leads and campaigns. The counts of queues no longer rise by a trigger when
-- a lead comes, but once for all that come together.

-- +goose Up
DROP TRIGGER entry_added;
DROP TRIGGER entry_left;
DROP TRIGGER entry_came;
DROP TRIGGER entry_removed;

CREATE TABLE word (
  id   INTEGER PRIMARY KEY,
  word TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO word (word)
  SELECT id FROM campaign
  UNION SELECT list FROM lead UNION SELECT stage FROM lead UNION SELECT temperature FROM lead UNION SELECT source_grades FROM lead
  UNION SELECT kind FROM lead_number UNION SELECT window_class FROM lead_number
  UNION SELECT campaign FROM entry
  EXCEPT SELECT '';

CREATE TABLE small_lead (
  id            INTEGER PRIMARY KEY,
  list          INTEGER NOT NULL, -- a word
  external_id   TEXT,
  name          TEXT NOT NULL,
  stage         INTEGER NOT NULL, -- a word
  cp            INTEGER NOT NULL,
  pi            INTEGER NOT NULL,
  level         INTEGER NOT NULL,
  temperature   INTEGER NOT NULL, -- a word
  progress      INTEGER NOT NULL,
  fields        TEXT,             -- JSON
  note          TEXT,
  source_row    BLOB NOT NULL,    -- beginning of the hash of the row last imported, without grades
  source_grades INTEGER NOT NULL, -- a word: grades of the row last imported
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER           -- NULL: when it was created
) STRICT;
INSERT INTO small_lead
  SELECT l.id, w.id, nullif(l.external_id, ''), l.name, coalesce(stage.id, 0), l.cp, l.pi, l.level, coalesce(temperature.id, 0), l.progress,
    nullif(l.fields, ''), nullif(l.note, ''), substr(l.source_row, 1, 8), grades.id, l.created_at, nullif(l.updated_at, l.created_at)
  FROM lead l
  JOIN word w ON w.word = l.list
  JOIN word grades ON grades.word = l.source_grades
  LEFT JOIN word stage ON stage.word = l.stage
  LEFT JOIN word temperature ON temperature.word = l.temperature
  ORDER BY l.id;
DROP TABLE lead;
ALTER TABLE small_lead RENAME TO lead;
CREATE UNIQUE INDEX lead_external_id ON lead (list, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE small_number (
  lead         INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  e164         ANY NOT NULL,     -- +48225550123 is 48225550123; what is no such number is a text
  kind         INTEGER NOT NULL, -- a word
  window_class INTEGER NOT NULL, -- a word
  bad          INTEGER NOT NULL,
  PRIMARY KEY (lead, position)
) STRICT, WITHOUT ROWID;
INSERT INTO small_number
  SELECT n.lead, n.position,
    iif(n.e164 GLOB '+[1-9]*' AND substr(n.e164, 2) NOT GLOB '*[^0-9]*' AND length(n.e164) < 20, CAST(substr(n.e164, 2) AS INTEGER), n.e164),
    coalesce(kind.id, 0), class.id, n.bad
  FROM lead_number n
  JOIN word class ON class.word = n.window_class
  LEFT JOIN word kind ON kind.word = n.kind
  ORDER BY n.lead, n.position;
DROP TABLE lead_number;
ALTER TABLE small_number RENAME TO lead_number;
CREATE INDEX lead_number_e164 ON lead_number (e164);

-- entry is the place of a lead in a campaign.
-- state: 0 waiting for its time, 1 ready, 2 claimed, 3 calling, 4 done, 5 in no queue
CREATE TABLE small_entry (
  lead          INTEGER NOT NULL,
  campaign      INTEGER NOT NULL, -- a word
  queue         INTEGER NOT NULL, -- 0: none
  state         INTEGER NOT NULL,
  rank          REAL NOT NULL,    -- minus the priority: the index goes upwards
  due_at        INTEGER NOT NULL,
  number        ANY NOT NULL,     -- the one to dial, as in lead_number
  fence         INTEGER NOT NULL DEFAULT 0,
  node          TEXT NOT NULL DEFAULT '',
  lease_until   INTEGER NOT NULL DEFAULT 0,
  attempts      INTEGER NOT NULL DEFAULT 0, -- that count
  last_attempt  TEXT NOT NULL DEFAULT '',
  last_outcome  TEXT NOT NULL DEFAULT '',
  last_at       INTEGER NOT NULL DEFAULT 0,
  last_operator TEXT NOT NULL DEFAULT '',
  callback_at   INTEGER NOT NULL DEFAULT 0,
  callback_user TEXT NOT NULL DEFAULT '',
  moved         INTEGER NOT NULL DEFAULT 0, -- came from another campaign
  PRIMARY KEY (lead, campaign)
) STRICT, WITHOUT ROWID;
INSERT INTO small_entry
  SELECT e.lead, c.id, e.queue, e.state, e.rank, e.due_at,
    iif(e.number GLOB '+[1-9]*' AND substr(e.number, 2) NOT GLOB '*[^0-9]*' AND length(e.number) < 20, CAST(substr(e.number, 2) AS INTEGER), e.number),
    e.fence, e.node, e.lease_until, e.attempts, e.last_attempt, e.last_outcome, e.last_at, e.last_operator, e.callback_at, e.callback_user, e.moved
  FROM entry e JOIN word c ON c.word = e.campaign
  ORDER BY e.lead, c.id;
DROP TABLE entry;
ALTER TABLE small_entry RENAME TO entry;
CREATE INDEX entry_waiting ON entry (queue, due_at) WHERE state = 0;
CREATE INDEX entry_ready   ON entry (queue, rank, due_at, lead) WHERE state = 1;
CREATE INDEX entry_claimed ON entry (lease_until) WHERE state = 2;

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
