-- Times are nanoseconds since 1970 UTC, 0 = it did not happen.

-- +goose Up
CREATE TABLE list (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  source        TEXT NOT NULL,
  cost          TEXT NOT NULL,
  consent_basis TEXT NOT NULL,
  verified      INTEGER NOT NULL,
  leads         INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE lead (
  id            INTEGER PRIMARY KEY,
  list          TEXT NOT NULL,
  identity      TEXT NOT NULL, -- what makes it the same lead when imported again
  external_id   TEXT NOT NULL,
  name          TEXT NOT NULL,
  stage         TEXT NOT NULL,
  cp            INTEGER NOT NULL,
  pi            INTEGER NOT NULL,
  level         INTEGER NOT NULL,
  temperature   TEXT NOT NULL,
  progress      INTEGER NOT NULL,
  fields        TEXT NOT NULL, -- JSON, empty: none
  note          TEXT NOT NULL,
  source_row    BLOB NOT NULL, -- hash of the row last imported, without grades
  source_grades TEXT NOT NULL, -- grades of the row last imported
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  UNIQUE (list, identity)
) STRICT;

CREATE TABLE lead_number (
  lead         INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  e164         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  window_class TEXT NOT NULL,
  bad          INTEGER NOT NULL,
  PRIMARY KEY (lead, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX lead_number_e164 ON lead_number (e164);

CREATE TABLE campaign (
  id      TEXT PRIMARY KEY,
  body    TEXT NOT NULL,    -- JSON
  version INTEGER NOT NULL,
  rebuilt INTEGER           -- last lead whose place was found again; NULL: all are
) STRICT;

-- The queues of campaigns. The counts are kept by the triggers below.
CREATE TABLE queue (
  id           INTEGER PRIMARY KEY,
  campaign     TEXT NOT NULL,
  segment      TEXT NOT NULL,
  window_class TEXT NOT NULL,
  ready        INTEGER NOT NULL DEFAULT 0,
  waiting      INTEGER NOT NULL DEFAULT 0,
  UNIQUE (campaign, segment, window_class)
) STRICT;

-- entry is the place of a lead in a campaign.
-- state: 0 waiting for its time, 1 ready, 2 claimed, 3 calling, 4 done, 5 in no queue
CREATE TABLE entry (
  id            INTEGER PRIMARY KEY,
  lead          INTEGER NOT NULL,
  campaign      TEXT NOT NULL,
  queue         INTEGER NOT NULL, -- 0: none
  state         INTEGER NOT NULL,
  rank          REAL NOT NULL,    -- minus the priority: the index goes upwards
  due_at        INTEGER NOT NULL,
  number        TEXT NOT NULL,    -- the one to dial
  fence         INTEGER NOT NULL DEFAULT 0,
  node          TEXT NOT NULL DEFAULT '',
  lease_until   INTEGER NOT NULL DEFAULT 0,
  attempts      INTEGER NOT NULL DEFAULT 0, -- that count
  last_attempt  TEXT NOT NULL DEFAULT '',
  last_outcome  TEXT NOT NULL DEFAULT '',
  last_at       INTEGER NOT NULL DEFAULT 0,
  callback_at   INTEGER NOT NULL DEFAULT 0,
  callback_user TEXT NOT NULL DEFAULT '',
  moved         INTEGER NOT NULL DEFAULT 0, -- came from another campaign
  UNIQUE (lead, campaign)
) STRICT;
CREATE INDEX entry_waiting ON entry (queue, due_at) WHERE state = 0;
CREATE INDEX entry_ready   ON entry (queue, rank, due_at, lead) WHERE state = 1;
CREATE INDEX entry_claimed ON entry (lease_until) WHERE state = 2;

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

CREATE TABLE attempt (
  id           TEXT PRIMARY KEY,
  lead         INTEGER NOT NULL,
  campaign     TEXT NOT NULL,
  segment      TEXT NOT NULL,
  number       TEXT NOT NULL,
  node         TEXT NOT NULL,
  trunk        TEXT NOT NULL,
  caller_id    TEXT NOT NULL,
  decision     TEXT NOT NULL, -- JSON
  dialog       BLOB,
  began_at     INTEGER NOT NULL,
  ringing_at   INTEGER NOT NULL DEFAULT 0,
  answered_at  INTEGER NOT NULL DEFAULT 0,
  verdict_at   INTEGER NOT NULL DEFAULT 0,
  greeting_end INTEGER NOT NULL DEFAULT 0,
  bridged_at   INTEGER NOT NULL DEFAULT 0,
  ended_at     INTEGER NOT NULL DEFAULT 0, -- 0: open
  outcome      TEXT NOT NULL DEFAULT '',
  code         INTEGER NOT NULL DEFAULT 0,
  q850         INTEGER NOT NULL DEFAULT 0,
  reason       TEXT NOT NULL DEFAULT '',
  operator     TEXT NOT NULL DEFAULT '',
  recording    TEXT NOT NULL DEFAULT '',
  counts       INTEGER NOT NULL DEFAULT 1, -- against caps; an open attempt does
  disposition  TEXT NOT NULL DEFAULT '',
  disposed_by  TEXT NOT NULL DEFAULT '',
  note         TEXT NOT NULL DEFAULT '',
  moved_to     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attempt_lead ON attempt (lead, began_at);
CREATE INDEX attempt_number ON attempt (number, began_at);
CREATE INDEX attempt_campaign ON attempt (campaign, began_at, outcome);
CREATE INDEX attempt_operator ON attempt (operator, began_at) WHERE operator <> '';
-- The number lock: one open attempt for each number.
CREATE UNIQUE INDEX attempt_open ON attempt (number) WHERE ended_at = 0;
CREATE INDEX attempt_open_node ON attempt (node) WHERE ended_at = 0;

CREATE TABLE suppression (
  e164   TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  source TEXT NOT NULL,
  by     TEXT NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  role          TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  sip_md5       TEXT NOT NULL,
  sip_sha256    TEXT NOT NULL,
  pin_hash      TEXT NOT NULL,
  disabled      INTEGER NOT NULL,
  sees_numbers  INTEGER NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
  hash       TEXT PRIMARY KEY,
  user       TEXT NOT NULL REFERENCES user (id),
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id           INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL,
  by           TEXT NOT NULL,
  from_address TEXT NOT NULL,
  action       TEXT NOT NULL,
  object       TEXT NOT NULL,
  before       TEXT NOT NULL,
  after        TEXT NOT NULL
) STRICT;
