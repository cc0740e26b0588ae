package storetest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// sizes are those of Scale: OUTPACE_BENCH_LEADS, comma-separated and rising.
func sizes(b *testing.B) []int {
	b.Helper()
	var all []int
	list := os.Getenv("OUTPACE_BENCH_LEADS")
	if list == "" {
		list = "10000,100000"
	}
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 || len(all) > 0 && n <= all[len(all)-1] {
			b.Fatalf("OUTPACE_BENCH_LEADS: %q: rising numbers of leads from 1000 on, with commas", list)
		}
		all = append(all, n)
	}
	return all
}

// PlainLeads are n leads as an import brings them, numbered from a number on: an id of
// the source, a name, two numbers in one of three window classes, no custom fields.
func PlainLeads(list string, from, n int) []campaigns.Lead {
	zones, regions := []string{"Europe/Warsaw", "America/New_York", "Asia/Tokyo"}, []string{"PL", "US-FED", "JP"}
	leads := make([]campaigns.Lead, n)
	for k := range leads {
		i := from + k
		leads[k] = campaigns.Lead{
			ExternalID: fmt.Sprintf("%s-%07d", list, i), Name: fmt.Sprintf("Lead Number %d", i), CreatedAt: start,
			Grades: campaigns.Grades{Stage: campaigns.StageAcquire, CP: i % 6, PI: i % 5, Temperature: campaigns.Warm},
		}
		for j := range 2 {
			// No two leads of a list share a number, and those that are dialled one after
			// the other lie far apart.
			n := (uint64(2*i+j)*2_654_435_761 + uint64(len(list))) % 1_000_000_000_000
			leads[k].Numbers = append(leads[k].Numbers, campaigns.Number{
				E164: fmt.Sprintf("+48%012d", n), Kind: campaigns.Mobile, Zones: zones[i%3 : i%3+1], Regions: regions[i%3 : i%3+1],
			})
		}
	}
	return leads
}

// floor is a store with one campaign over one list.
type floor struct {
	Both
	queues []campaigns.QueueID
	calls  atomic.Int64
}

func newFloor(b *testing.B, s Both) *floor {
	b.Helper()
	f := &floor{Both: s}
	w := campaigns.Campaign{ID: "scale", Lists: []campaigns.ListID{"list"}, Segments: []campaigns.Segment{
		{Name: "best", Filter: "cp >= 4", Priority: "cp * 10"}, {Name: "rest", Priority: "cp"},
	}}
	for _, list := range []campaigns.ListID{"list", "other"} {
		if err := s.SaveList(b.Context(), campaigns.List{ID: list}); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.SaveCampaign(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	return f
}

// grow adds leads until there are so many, and says how many a second.
func (f *floor) grow(b *testing.B, from, to int) float64 {
	b.Helper()
	var busy time.Duration
	for at := from; at < to; at += 5000 {
		batch := PlainLeads("list", at, min(5000, to-at))
		began := time.Now()
		if _, err := f.AddLeads(b.Context(), "list", batch); err != nil {
			b.Fatal(err)
		}
		busy += time.Since(began)
	}
	infos, err := f.Queues(b.Context(), "scale", start)
	if err != nil {
		b.Fatal(err)
	}
	f.queues = nil
	for _, q := range infos {
		f.queues = append(f.queues, q.QueueID)
	}
	return float64(to-from) / busy.Seconds()
}

func (f *floor) request(limit int) campaigns.ClaimRequest {
	return campaigns.ClaimRequest{Queues: f.queues, Limit: limit, Node: "n", Lease: time.Minute, Now: start}
}

// claims claims a hundred at a time, as the hopper does, and gives them back. It
// returns how long each claim took.
func (f *floor) claims(b *testing.B, rounds int) []time.Duration {
	b.Helper()
	var took []time.Duration
	for range rounds {
		began := time.Now()
		claims, err := f.Claim(b.Context(), f.request(100))
		took = append(took, time.Since(began))
		if err != nil || len(claims) != 100 {
			b.Fatalf("%d claims, %v", len(claims), err)
		}
		if err := f.Release(b.Context(), claims, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	return took
}

// outcomes is how many calls a second are claimed, begun and ended by so many
// callers at a time.
func (f *floor) outcomes(b *testing.B, callers, each int) float64 {
	b.Helper()
	var wg sync.WaitGroup
	began := time.Now()
	for range callers {
		wg.Go(func() {
			for range each {
				if err := f.call(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(callers*each) / time.Since(began).Seconds()
}

func (f *floor) call(ctx context.Context) error {
	claims, err := f.Claim(ctx, f.request(1))
	for tries := 0; err == nil && len(claims) == 0 && tries < 100; tries++ { // others were quicker
		claims, err = f.Claim(ctx, f.request(1))
	}
	if err != nil || len(claims) != 1 {
		return fmt.Errorf("%d claims: %w", len(claims), err)
	}
	id := campaigns.AttemptID(fmt.Sprintf("%016d", f.calls.Add(1)))
	caps := []campaigns.Cap{{N: 3, Period: 24 * time.Hour}}
	if err := f.Begin(ctx, campaigns.Intent{Attempt: id, Claim: claims[0], Caps: caps, At: start}); err != nil {
		return err
	}
	return f.End(ctx, campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: start.Add(time.Hour)}, At: start})
}

// Scale measures a store at several sizes (OUTPACE_BENCH_LEADS) and prints a table.
// bytes is what the store takes now. The figures of merit are how much more a claim
// costs at the largest than at the smallest size (claim-ratio), and bytes-per-lead.
func Scale(b *testing.B, s Both, bytes func() int64) {
	f := newFloor(b, s)
	empty, before := bytes(), 0
	var first, last time.Duration
	for i, size := range sizes(b) {
		added := f.grow(b, before, size)
		perLead := float64(bytes()-empty) / float64(size)
		f.claims(b, 10) // caches
		took := f.claims(b, 100)
		last = took[len(took)/2] / 100
		if i == 0 {
			first = last
			b.ReportMetric(perLead, "bytes/lead")
		}
		one, many := f.outcomes(b, 1, 100), f.outcomes(b, 32, 30)
		b.Logf("%9d leads: added %6.0f/s; claim of 100: %5.1f µs a lead (%.2fx), p99 %v; calls claimed, begun and ended: %5.0f/s by one, %5.0f/s by 32; %.0f bytes a lead",
			size, added, float64(last.Nanoseconds())/1000, float64(last)/float64(first), took[len(took)-2].Round(10*time.Microsecond), one, many, perLead)
		before = size
	}
	b.ReportMetric(float64(last)/float64(first), "claim-ratio")
	b.ReportMetric(0, "ns/op") // it is no operation that is repeated
}

const (
	besideSlice = 2 * time.Second // of dialling with an import, or without
	besideLong  = 3               // times as long with the import, where a number of rows is asked for
	besidePairs = 20              // of slices, 80 s in all, or more; see ImportBeside
	besideLeads = 50_000          // not dialled yet, at least
)

// ImportBeside measures how much longer claims wait while a list is imported into
// another list of a store that dials. Short slices with and without the import take
// turns, in the order with-without-without-with, so that what else the machine does
// falls on both alike. It goes on until OUTPACE_BENCH_IMPORT rows are in (default: 80 s
// of turns), with longer slices beside the import, so that a million takes no hour. The figures of merit are p99-ratio, with to without, and imported/s; noise
// is the same ratio between the halves of those without.
func ImportBeside(b *testing.B, s Both) {
	rows := 0
	if text := os.Getenv("OUTPACE_BENCH_IMPORT"); text != "" {
		var err error
		if rows, err = strconv.Atoi(text); err != nil || rows < 0 {
			b.Fatalf("OUTPACE_BENCH_IMPORT: %q is no number of rows", text)
		}
	}
	f := newFloor(b, s)
	have := 0
	enough := func() { // to dial
		for have < int(f.calls.Load())+besideLeads {
			f.grow(b, have, have+besideLeads)
			have += besideLeads
		}
	}
	enough()
	if _, err := f.Claim(b.Context(), f.request(100)); err != nil { // a hopper is never empty
		b.Fatal(err)
	}
	f.dial(b, besideSlice) // caches
	slice := besideSlice
	if rows > 0 {
		slice *= besideLong
	}
	var alone [2][]time.Duration
	var beside []time.Duration
	added, busy := 0, time.Duration(0)
	for i := 0; i < besidePairs || added < rows; i++ {
		enough()
		for k := range 2 {
			if k != i%2 {
				alone[i%2] = append(alone[i%2], f.dial(b, besideSlice)...)
				continue
			}
			began := time.Now()
			stop := f.importing(b, &added)
			beside = append(beside, f.dial(b, slice)...)
			stop()
			busy += time.Since(began)
		}
	}
	all := slices.Concat(alone[0], alone[1])
	for _, share := range []float64{0.5, 0.9, 0.99} {
		with, without := quantile(beside, share), quantile(all, share)
		b.Logf("claims, p%.0f: %v without (%d), %v beside an import (%d): %+.0f %%", share*100, without.Round(10*time.Microsecond), len(all),
			with.Round(10*time.Microsecond), len(beside), 100*(float64(with)/float64(without)-1))
	}
	b.ReportMetric(float64(quantile(beside, 0.99))/float64(quantile(all, 0.99)), "p99-ratio")
	b.ReportMetric(float64(quantile(alone[0], 0.99))/float64(quantile(alone[1], 0.99)), "noise")
	b.ReportMetric(float64(added)/busy.Seconds(), "imported/s")
	b.ReportMetric(float64(added), "imported")
	b.ReportMetric(0, "ns/op")
}

// importing imports until it is stopped, from a number of lead on, which it moves.
func (f *floor) importing(b *testing.B, from *int) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			done, err := f.AddLeads(ctx, "other", PlainLeads("other", *from, 500))
			if err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
			*from += done.Added + done.Same // the last chunk of a slice may not have been counted
		}
	})
	return func() { cancel(); wg.Wait() }
}

func quantile(all []time.Duration, share float64) time.Duration {
	slices.Sort(all)
	return all[int(float64(len(all)-1)*share)]
}

// dial makes calls at a steady rate, about a hundred a second, and claims for the
// hopper; it returns how long these claims took.
func (f *floor) dial(b *testing.B, d time.Duration) []time.Duration {
	b.Helper()
	var took []time.Duration
	var wg sync.WaitGroup
	ctx, stop := context.WithTimeout(b.Context(), d)
	defer stop()
	for range 4 {
		wg.Go(func() {
			for tick := time.NewTicker(40 * time.Millisecond); ctx.Err() == nil; <-tick.C {
				if err := f.call(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for tick := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-tick.C {
		began := time.Now()
		claims, err := f.Claim(b.Context(), f.request(10))
		took = append(took, time.Since(began))
		if err == nil {
			err = f.Release(b.Context(), claims, time.Time{})
		}
		if err != nil {
			b.Error(err)
			break
		}
	}
	wg.Wait()
	return took
}
