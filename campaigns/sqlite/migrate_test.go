package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// fillAll writes something into every table.
func fillAll(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fill(t, s, 60)
	callSome(t, s, 20)
	must(s.Suppress(ctx, campaigns.Suppression{E164: "+48221111111", Reason: "asked", Source: "api", At: start}))
	must(s.SaveUser(ctx, campaigns.User{ID: "ann", Name: "Ann", Role: campaigns.RoleAdmin, PasswordHash: "x", CreatedAt: start}))
	must(s.SaveToken(ctx, campaigns.Token{Hash: "h", User: "ann", Name: "laptop", CreatedAt: start, ExpiresAt: start.Add(time.Hour)}))
	_, err := s.SaveEndpoint(ctx, campaigns.Endpoint{ID: "crm", URL: "https://crm.example/"})
	must(err)
	_, _, err = s.BeginAnswer(ctx, campaigns.Answer{Key: "k", Request: "r", ExpiresAt: start.Add(time.Hour)}, start)
	must(err)
	must(s.Publish(ctx, "", campaigns.NewEvent("1", campaigns.CallBridged, start, "k", 1)))
	gone := campaigns.List{ID: "gone", CreatedAt: start}
	must(s.SaveList(ctx, gone))
	must(s.DeleteList(ctx, "gone", gone.Revision()))
	must(s.Audit(ctx, campaigns.AuditEntry{At: start, By: "ann", Action: "test", Object: "all"}))
	must(s.AppendPacingLog(ctx, campaigns.PacingChunk{Campaign: "camp", Node: "n", Run: start, Seq: 1, From: start, To: start, Lines: 1, Gzip: campaigns.PackLines([]byte("{}\n"))}))
	must(s.SaveLearnt(ctx, "camp", []byte("learnt")))
	must(s.SetJournalMark(ctx, campaigns.JournalMark{Journal: "j", Segment: 2, Offset: 3}))
}

// callSome begins n attempts; all but the last two end, as busy.
func callSome(t testing.TB, s *Store, n int) {
	t.Helper()
	callFrom(t, s, 0, n)
}

// callFrom is callSome with attempts that are numbered from a number on.
func callFrom(t testing.TB, s *Store, from, n int) {
	t.Helper()
	ctx := t.Context()
	queues, err := s.Queues(ctx, "camp", start)
	if err != nil {
		t.Error(err)
		return
	}
	var ids []campaigns.QueueID
	for _, q := range queues {
		ids = append(ids, q.QueueID)
	}
	claims, err := s.Claim(ctx, campaigns.ClaimRequest{Queues: ids, Limit: n + 3, Node: "n", Lease: time.Minute, Now: start})
	if err != nil || len(claims) != n+3 {
		t.Errorf("%d claims, %v", len(claims), err)
		return
	}
	for i, c := range claims[:n] {
		id := campaigns.AttemptID(fmt.Sprintf("01940000-0000-7000-8000-%012d", from+i))
		if err := s.Begin(ctx, campaigns.Intent{Attempt: id, Claim: c, Trunk: "t", At: start}); err != nil {
			t.Error(err)
			return
		}
		if i < n-2 {
			e := campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: start.Add(time.Hour)}, At: start.Add(time.Second)}
			if err := s.End(ctx, e); err != nil {
				t.Error(err)
				return
			}
		}
	}
}

// tables are the columns of every table of a schema, but for those of the
// library that keeps the version.
func tables(t *testing.T, db *sql.DB, schema string) map[string][]string {
	t.Helper()
	rows, err := db.Query(`SELECT m.name, c.name FROM ` + schema + `.sqlite_schema m, pragma_table_info(m.name, '` + schema + `') c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%' ORDER BY m.name, c.cid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		all[table] = append(all[table], column)
	}
	return all
}

// dump is all rows of some columns of a table, in order.
func dump(t *testing.T, db *sql.DB, table string, columns []string) []string {
	t.Helper()
	rows, err := db.Query(`SELECT quote(json_array(` + quoted(columns) + `)) FROM ` + table + ` ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// quoted writes each column so that bytes are text as well.
func quoted(columns []string) string {
	var all []string
	for _, c := range columns {
		all = append(all, `quote("`+c+`")`)
	}
	return strings.Join(all, ", ")
}

// wordy are tables as they were before words and numbers became integers (schema 8),
// by the name of the table; %[1]s is the schema that they are in.
var wordy = map[string]string{
	"lead": `(SELECT l.id, w.word AS list, CASE WHEN external_id IS NULL
		    THEN 'number:+' || (SELECT e164 FROM %[1]s.lead_number WHERE lead = l.id AND position = 0) ELSE 'id:' || external_id END AS identity,
		  coalesce(external_id, '') AS external_id, name, coalesce(stage.word, '') AS stage, cp, pi, level, coalesce(temperature.word, '') AS temperature, progress,
		  coalesce(fields, '') AS fields, coalesce(note, '') AS note, CAST(source_row || 'the rest' AS BLOB) AS source_row, grades.word AS source_grades,
		  created_at, coalesce(updated_at, created_at) AS updated_at
		FROM %[1]s.lead l JOIN %[1]s.word w ON w.id = l.list JOIN %[1]s.word grades ON grades.id = source_grades
		LEFT JOIN %[1]s.word stage ON stage.id = l.stage LEFT JOIN %[1]s.word temperature ON temperature.id = l.temperature)`,
	"lead_number": `(SELECT lead, position, iif(typeof(e164) = 'integer', '+' || e164, e164) AS e164, coalesce(kind.word, '') AS kind, class.word AS window_class, bad
		FROM %[1]s.lead_number JOIN %[1]s.word class ON class.id = window_class LEFT JOIN %[1]s.word kind ON kind.id = lead_number.kind)`,
	"entry": `(SELECT lead AS id, lead, w.word AS campaign, queue, state, rank, due_at, iif(typeof(number) = 'integer', '+' || number, number) AS number,
		  fence, node, lease_until, attempts, last_attempt, last_outcome, last_at, callback_at, callback_user, moved, last_operator
		FROM %[1]s.entry JOIN %[1]s.word w ON w.id = campaign)`,
}

// older is what a query reads for a table as it was in a schema of a version.
func older(version int64, schema, table string) string {
	if was, ok := wordy[table]; ok && version < 8 {
		return fmt.Sprintf(was, schema)
	}
	return schema + "." + table
}

// olderStore makes a store of an older schema that holds what the full one
// does, as far as there is room for it.
func olderStore(t *testing.T, full string, version int64) (path string, kept map[string][]string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	db, err := sql.Open("sqlite", dataSource(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	provider, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`ATTACH ? AS full`, full); err != nil {
		t.Fatal(err)
	}
	kept = tables(t, db, "main")
	order := []string{"user", "entry", "webhook_delivery"} // before the tokens that refer to it; before the counts that its triggers keep
	for name := range kept {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	for _, name := range order {
		if kept[name] == nil { // there was no such table
			continue
		}
		columns := `"` + strings.Join(kept[name], `", "`) + `"`
		if _, err := db.Exec(`INSERT OR REPLACE INTO main.` + name + ` (` + columns + `) SELECT ` + columns + ` FROM ` + older(version, "full", name)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return path, kept
}

// TestMigrateFromEveryOlderSchema opens stores of each older schema: all that
// was in them is there, and dialling goes on.
func TestMigrateFromEveryOlderSchema(t *testing.T) {
	full := filepath.Join(t.TempDir(), "full.db")
	s, err := Open(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	fillAll(t, s)
	provider, err := migrator(s.writeDB)
	if err != nil {
		t.Fatal(err)
	}
	sources := provider.ListSources()
	for name, columns := range tables(t, s.readDB, "main") {
		if len(dump(t, s.readDB, name, columns)) == 0 {
			t.Errorf("nothing is in %s: fillAll forgets it", name)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, source := range sources[:len(sources)-1] {
		t.Run(filepath.Base(source.Path), func(t *testing.T) { migrateFrom(t, full, source.Version) })
	}
}

func migrateFrom(t *testing.T, full string, version int64) {
	path, kept := olderStore(t, full, version)
	now, err := Open(t.Context(), path, WithCheck())
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	if err := now.AwaitRebuild(t.Context(), "camp"); err != nil {
		t.Fatal(err)
	}
	was, err := sql.Open("sqlite", dataSource(full))
	if err != nil {
		t.Fatal(err)
	}
	defer was.Close()
	for name, columns := range kept {
		if got, want := dump(t, now.readDB, older(version, "main", name), columns), dump(t, was, older(version, "main", name), columns); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d rows, want the %d there were:\n%s\n%s", name, len(got), len(want), got, want)
		}
	}
	if again, err := now.AddLeads(t.Context(), "list", manyLeads(60)); err != nil || again.Same != 60 {
		t.Errorf("importing what was imported: %+v, %v; want 60 the same", again, err)
	}
	open, err := now.Open(t.Context(), "n")
	if err != nil || len(open) != 2 {
		t.Errorf("%d open attempts, %v; want 2", len(open), err)
	}
	if _, err := now.Reclaim(t.Context(), "n", start); err != nil {
		t.Error(err)
	}
	queues, err := now.Queues(t.Context(), "camp", start.Add(2*time.Hour))
	ready := 0
	for _, q := range queues {
		ready += q.Ready
	}
	if err != nil || ready != 58 {
		t.Errorf("%d leads are ready, %v; want all but the two that are called", ready, err)
	}
}

// TestNewerSchemaIsRefused keeps an old program from a store that it does not
// understand.
func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = s.write(context.Background(), "test", func(w *writer) error {
		_, err := w.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
		return err
	})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path)
	if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Schema != 9999 {
		t.Errorf("error = %v, want NewerError", err)
	}
}
