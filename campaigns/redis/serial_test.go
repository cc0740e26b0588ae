package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// interloper does something of another process right before one of our messages
// to Redis is sent.
type interloper struct {
	mu   sync.Mutex
	left int // messages until then
	do   func()
	came bool
}

func (i *interloper) pass() {
	i.mu.Lock()
	defer i.mu.Unlock() // our other messages wait meanwhile
	if i.left--; i.left == -1 {
		i.came = true
		i.do()
	}
}

func (i *interloper) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (i *interloper) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		i.pass()
		return next(ctx, cmd)
	}
}

func (i *interloper) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		i.pass()
		return next(ctx, cmds)
	}
}

// operation is something that a node does.
type operation struct {
	name string
	do   func(x *stage) error
}

func nodeOperations(ctx context.Context) []operation {
	return []operation{
		{"begin", func(x *stage) error { return x.Begin(ctx, x.intent("claimed", "a-3")) }},
		{"end", func(x *stage) error {
			return x.End(ctx, campaigns.Ending{Attempt: "a-1", Outcome: campaigns.Busy, Count: true, At: start, Next: campaigns.Next{At: start, Number: "+4802"}})
		}},
		{"dispose", func(x *stage) error {
			return x.Dispose(ctx, campaigns.Disposal{Attempt: "a-2", Disposition: "again", By: "ann", At: start, Grades: campaigns.Grades{CP: 5},
				Next: campaigns.Next{At: start}})
		}},
		{"correct", func(x *stage) error {
			return x.Dispose(ctx, campaigns.Disposal{Attempt: "a-2", Disposition: "move", By: "bob", At: start, Grades: campaigns.Grades{CP: 1},
				Next: campaigns.Next{MoveTo: "other", At: start}})
		}},
		{"claim", func(x *stage) error {
			claims, err := x.Claim(ctx, campaigns.ClaimRequest{
				Queues: append(queuesOfCamp("best"), queuesOfCamp("rest")...), Limit: 5, Node: "n2", Lease: time.Minute, Now: start})
			for _, c := range claims {
				if c.Lead.Name == "" || c.Number.E164 == "" || c.Queue.Campaign != "camp" {
					x.t.Errorf("claim = %+v", c)
				}
			}
			return err
		}},
		{"claim for another campaign", func(x *stage) error {
			q := campaigns.QueueID{Campaign: "third", Segment: campaigns.AllSegment, Window: "Europe/Warsaw|PL"}
			return last(x.Claim(ctx, campaigns.ClaimRequest{Queues: []campaigns.QueueID{q}, Limit: 5, Node: "n3", Lease: time.Minute, Now: start}))
		}},
		{"release", func(x *stage) error {
			return x.Release(ctx, []campaigns.Claim{x.claims["claimed"]}, start.Add(time.Minute))
		}},
		{"reclaim", func(x *stage) error { return last(x.Reclaim(ctx, "n", start)) }},
		{"save lead", func(x *stage) error {
			l := x.free
			l.Grades.CP, l.UpdatedAt = 4, start
			return x.SaveLead(ctx, l)
		}},
		{"import", func(x *stage) error {
			free := person("free", 1, "+4804", "+4805")
			return last(x.AddLeads(ctx, "list", []campaigns.Lead{free, person("new", 4, "+4809")}))
		}},
		{"save campaign", func(x *stage) error {
			c := x.camp
			c.Segments = []campaigns.Segment{{Name: "rest", Filter: "cp < 5", Priority: "0 - cp"}}
			return last(x.SaveCampaign(ctx, c))
		}},
		{"bad number", func(x *stage) error {
			return x.End(ctx, campaigns.Ending{Attempt: "a-1", Outcome: campaigns.InvalidNumber, BadNumber: true, Count: true, At: start, Next: campaigns.Next{At: start}})
		}},
	}
}

// Whatever another process does between any two messages of an operation, both
// end as if one had been done after the other.
func TestOperationsAreSerial(t *testing.T) {
	t.Parallel()
	scene := newScene(t)
	ops := nodeOperations(t.Context())
	known := map[[2]string]string{}
	inOrder := func(one, two operation) string {
		order := [2]string{one.name, two.name}
		if known[order] == "" {
			x := scene.put(t)
			a := one.do(x)
			b := two.do(x)
			known[order] = x.ending(one.name, a, two.name, b)
			x.ok(x.Close())
		}
		return known[order]
	}
	for _, ours := range ops {
		for _, theirs := range ops {
			if ours.name == theirs.name && ours.name != "claim" && ours.name != "begin" && ours.name != "import" {
				continue
			}
			if a, b := ours.name, theirs.name; (a == "end" && b == "bad number") || (a == "bad number" && b == "end") {
				continue // no attempt is ended by two; a number may then be bad though the other ending counts
			}
			serial := []string{inOrder(ours, theirs), inOrder(theirs, ours)}
			for k := 0; ; k++ {
				x := scene.put(t)
				other := *x
				other.Store = scene.open(t)
				var b error
				i := &interloper{left: k, do: func() { b = theirs.do(&other) }}
				x.db.AddHook(i)
				a := ours.do(x)
				if i.came {
					if got := other.ending(ours.name, a, theirs.name, b); !slices.Contains(serial, got) {
						t.Errorf("%s with %s before its message %d ends as neither order would (-%s first +this):\n%s",
							ours.name, theirs.name, k, ours.name, cmp.Diff(serial[0], got))
					}
				}
				x.ok(errors.Join(x.Close(), other.Close()))
				if !i.came || t.Failed() {
					break
				}
			}
		}
	}
}

// ending is what became of two operations: their errors and everything that can be read.
func (x *stage) ending(one string, a error, two string, b error) string {
	results := []string{fmt.Sprintf("%s: %v", one, a), fmt.Sprintf("%s: %v", two, b)}
	slices.Sort(results)
	return strings.Join(results, "\n") + "\n" + x.everything()
}
