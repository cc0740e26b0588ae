package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Redis does one thing at a time, so a claim waits for whatever of an import it meets
// there. The scripts of a chunk take some 10 µs a lead each.
const (
	// chunk is how many leads an import writes in one go: two pages.
	chunk = 64
	// chunkBeside is chunk while anybody, on whatever node, has leads claimed or calls
	// them: calls come first.
	chunkBeside = 16
	// giveWay is how many times as long as it worked an import then rests after each chunk.
	giveWay = 1
	// lookAfter is how often an import looks whether anybody dials.
	lookAfter = 50 * time.Millisecond
)

// SaveList creates or replaces a list; the number of its leads is our own count.
func (s *Store) SaveList(ctx context.Context, l campaigns.List) error {
	if !campaigns.ValidID(string(l.ID)) {
		return &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not a list id", l.ID)}
	}
	if l.CreatedAt.IsZero() {
		l.CreatedAt = time.Now()
	}
	return s.do(ctx, "save_list", func(ctx context.Context) error {
		gone, err := s.db.HExists(ctx, s.keys.general()+deletedLists, string(l.ID)).Result()
		if err == nil && gone {
			err = fmt.Errorf("list %s: %w", l.ID, campaigns.ErrDeleted)
		}
		if err != nil {
			return err
		}
		return s.replaceGeneral(ctx, "lists", string(l.ID), func(old string) (any, error) {
			var before campaigns.List
			if old != "" {
				if err := json.Unmarshal([]byte(old), &before); err != nil {
					return nil, err
				}
				l.CreatedAt = before.CreatedAt
			}
			l.Leads, l.CreatedAt = 0, l.CreatedAt.UTC()
			return l, nil
		})
	})
}

// ReplaceList is SaveList where the list has this revision, else campaigns.ErrConflict;
// campaigns.ErrNotFound where there is none.
func (s *Store) ReplaceList(ctx context.Context, l campaigns.List, revision string) error {
	return s.do(ctx, "replace_list", func(ctx context.Context) error {
		return s.replaceGeneral(ctx, "lists", string(l.ID), func(old string) (any, error) {
			if old == "" {
				return nil, campaigns.ErrNotFound
			}
			var before campaigns.List
			if err := json.Unmarshal([]byte(old), &before); err != nil {
				return nil, err
			}
			if before.Revision() != revision {
				return nil, fmt.Errorf("list %s has changed: %w", l.ID, campaigns.ErrConflict)
			}
			l.Leads, l.CreatedAt = 0, before.CreatedAt
			return l, nil
		})
	})
}

// replaceGeneral replaces a value of a hash of the general slot, "" where there
// is none yet, by what next makes of it.
func (s *Store) replaceGeneral(ctx context.Context, hash, field string, next func(old string) (any, error)) error {
	key := s.keys.general() + hash
	return s.retry(ctx, func() error {
		old, err := s.db.HGet(ctx, key, field).Result()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return err
		}
		value, err := next(old)
		if err != nil {
			return err
		}
		body, err := json.Marshal(value)
		if err != nil {
			return err
		}
		var c change
		c.must(key, field, old)
		c.do("HSET", key, field, body)
		_, err = c.commit(ctx, s.db)
		return err
	})
}

// leadsKey counts the leads of lists in a shard.
func (s *Store) leadsKey(shard int) string { return s.keys.leads(shard) + "lists" }

// Lists returns all lists, by id.
func (s *Store) Lists(ctx context.Context) ([]campaigns.List, error) {
	all, err := readAll[campaigns.List](ctx, s, "lists")
	if err != nil {
		return nil, err
	}
	err = s.countLeads(ctx, all)
	slices.SortFunc(all, func(a, b campaigns.List) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// countLeads says of lists how many leads they have.
func (s *Store) countLeads(ctx context.Context, all []campaigns.List) error {
	return s.do(ctx, "lists", func(ctx context.Context) error {
		for shard := range s.keys.shards {
			counts, err := s.db.HGetAll(ctx, s.leadsKey(shard)).Result()
			if err != nil {
				return err
			}
			for i := range all {
				n, _ := strconv.Atoi(counts[string(all[i].ID)]) // missing is none
				all[i].Leads += n
			}
		}
		return nil
	})
}

// AddLeads writes leads of a list in chunks; what is written is durable at once,
// so after an error the import is simply run again. A lead first gets an id under
// its identity, then stands under its numbers in the index, then is written: one
// that a crash left without its record is completed by the next import.
func (s *Store) AddLeads(ctx context.Context, list campaigns.ListID, leads []campaigns.Lead) (campaigns.AddResult, error) {
	var total campaigns.AddResult
	var looked time.Time
	dialled, size, worked := false, chunk, time.Duration(0)
	for at := 0; at < len(leads); at += size {
		if dialled {
			rest(ctx, giveWay*worked) // cut short, the next chunk says so
		}
		began := time.Now()
		err := s.do(ctx, "add_leads", func(ctx context.Context) (err error) {
			if began.Sub(looked) > lookAfter {
				looked = began
				if dialled, err = s.importing(ctx, list); err != nil {
					return err
				}
			}
			size = chunk
			if dialled {
				size = chunkBeside
			}
			done, err := s.addLeads(ctx, list, leads[at:min(at+size, len(leads))])
			total.Added += done.Added
			total.Updated += done.Updated
			total.Same += done.Same
			return err
		})
		if err != nil {
			return total, fmt.Errorf("add leads to %s: %w", list, err)
		}
		worked = time.Since(began)
	}
	return total, nil
}

func rest(ctx context.Context, d time.Duration) {
	pause := time.NewTimer(d)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
}

// importing says whether anybody dials meanwhile, which is so where anybody has leads
// of the first shard: who dials has leads of all. campaigns.ErrNotFound means that
// there is no such list.
func (s *Store) importing(ctx context.Context, list campaigns.ListID) (dialled bool, err error) {
	var known *goredis.BoolCmd
	var held *goredis.IntCmd
	_, err = s.readMany(ctx, func(p goredis.Pipeliner) error {
		known, held = p.HExists(ctx, s.keys.general()+"lists", string(list)), p.HLen(ctx, s.heldKey(0))
		return nil
	})
	if err == nil && !known.Val() {
		err = campaigns.ErrNotFound
	}
	return err == nil && held.Val() > 0, err
}

// importRow is a lead on its way into the store.
type importRow struct {
	campaigns.Lead
	who    string // its identity
	fresh  bool   // the id is its own and new: there is no such lead yet
	row    [8]byte
	grades [6]byte
}

func (s *Store) addLeads(ctx context.Context, list campaigns.ListID, leads []campaigns.Lead) (campaigns.AddResult, error) {
	var done campaigns.AddResult
	var err error
	rows := make([]importRow, len(leads))
	for i, l := range leads {
		l.List = list
		rows[i].Lead = l
		if rows[i].who, err = l.Identity(); err != nil {
			return done, err
		}
		if rows[i].row, rows[i].grades, err = sourceDigests(l); err != nil {
			return done, err
		}
	}
	if err := s.identify(ctx, list, rows); err != nil {
		return done, err
	}
	if err := s.indexRows(ctx, rows); err != nil {
		return done, err
	}
	shards := map[int][]importRow{}
	for _, r := range rows {
		shard := s.keys.shardOf(r.ID)
		shards[shard] = append(shards[shard], r)
	}
	for _, shard := range slices.Sorted(maps.Keys(shards)) {
		some, err := s.importInto(ctx, shard, shards[shard])
		done.Added += some.Added
		done.Updated += some.Updated
		done.Same += some.Same
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// identify gives each row the id of the lead that it is, or a new one.
func (s *Store) identify(ctx context.Context, list campaigns.ListID, rows []importRow) error {
	names := make([]naming, len(rows))
	for i, r := range rows {
		names[i].name = identityName(list, r.who)
	}
	found, err := s.index(ctx, "get", names...)
	if err != nil {
		return err
	}
	var missing []int
	for i := range rows {
		if len(found[i]) > 0 {
			rows[i].ID = found[i][0]
		} else {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	last, err := s.db.IncrBy(ctx, s.keys.general()+"lead", int64(len(missing))).Result()
	if err != nil {
		return err
	}
	var fresh []naming
	for k, i := range missing {
		names[i].lead = campaigns.LeadID(last - int64(len(missing)) + int64(k) + 1)
		fresh = append(fresh, names[i])
	}
	taken, err := s.index(ctx, "take", fresh...)
	if err != nil {
		return err
	}
	for k, i := range missing {
		rows[i].ID = taken[k][0]
		rows[i].fresh = rows[i].ID == names[i].lead
	}
	return nil
}

// indexRows puts the numbers of rows into the index.
func (s *Store) indexRows(ctx context.Context, rows []importRow) error {
	var names []naming
	for _, r := range rows {
		for _, n := range r.Numbers {
			names = append(names, naming{name: numberName(n.E164), lead: r.ID})
		}
	}
	_, err := s.index(ctx, "add", names...)
	return err
}

// importInto writes rows of leads that share a shard, in one step.
func (s *Store) importInto(ctx context.Context, shard int, rows []importRow) (campaigns.AddResult, error) {
	var ids, fresh []campaigns.LeadID
	for _, r := range rows {
		switch {
		case slices.Contains(ids, r.ID) || slices.Contains(fresh, r.ID):
		case r.fresh:
			fresh = append(fresh, r.ID)
		default:
			ids = append(ids, r.ID)
		}
	}
	var result campaigns.AddResult
	err := s.retry(ctx, func() error {
		result = campaigns.AddResult{}
		now := time.Now()
		w, err := s.workIn(ctx, now, shard, ids...)
		if err != nil {
			return err
		}
		for _, id := range fresh {
			w.seats[id] = &seat{}
		}
		ids, fresh = append(ids, fresh...), nil // next time: another import was quicker
		for _, r := range rows {
			switch w.importRow(w.seats[r.ID], r, now) {
			case leadAdded:
				result.Added++
			case leadUpdated:
				result.Updated++
			case leadSame:
				result.Same++
			}
		}
		if result.Added > 0 {
			w.do("HINCRBY", s.leadsKey(w.shard), string(rows[0].List), result.Added)
		}
		if result.Added+result.Updated == 0 {
			return nil
		}
		return w.save(ctx)
	})
	return result, err
}

// importResult is what became of one imported lead.
type importResult int

const (
	leadSame importResult = iota
	leadAdded
	leadUpdated
)

// importRow writes one row of a list. Grades that calls have changed stay unless
// the source itself says something new.
func (w *work) importRow(x *seat, r importRow, now time.Time) importResult {
	if !x.exists {
		l := r.Lead
		if l.CreatedAt.IsZero() {
			l.CreatedAt = now
		}
		if l.UpdatedAt.IsZero() {
			l.UpdatedAt = l.CreatedAt
		}
		x.record = record{lead: l, row: r.row, grades: r.grades}
		x.exists = true
		for _, c := range w.plans.order {
			if slices.Contains(w.plans.byID[c].campaign.Lists, l.List) {
				w.enter(x, c)
			}
		}
		return leadAdded
	}
	if x.row == r.row && x.grades == r.grades {
		return leadSame
	}
	x.lead = x.lead.Overlaid(r.Lead, x.grades != r.grades)
	x.lead.UpdatedAt = now
	x.row, x.grades = r.row, r.grades
	w.requeue(x)
	return leadUpdated
}
