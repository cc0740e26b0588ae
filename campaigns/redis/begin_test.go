package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// A process that sleeps in the middle of Begin for so long that another takes the
// number over cannot begin when it wakes.
func TestSleeperCannotBegin(t *testing.T) {
	url := redistest.Start(t).URL()
	ctx := t.Context()
	for k := 0; ; k++ {
		x := newStage(t, url, fmt.Sprint("sleeper-", k))
		x.ok(x.End(ctx, campaigns.Ending{Attempt: "a-1", Outcome: campaigns.Busy, Count: true, At: start, Next: campaigns.Next{At: start, Number: "+4802"}}))
		for _, c := range x.take(5) {
			x.claims[c.Lead.Name] = c
		}
		other := *x
		other.Store = openTest(t, url, WithNamespace(x.keys.space))
		other.options.politeness = 0
		var b error
		i := &interloper{left: k, do: func() { b = other.Begin(ctx, other.intent("calling", "a-4")) }}
		x.db.AddHook(i)
		a := x.Begin(ctx, x.intent("claimed", "a-3"))
		if !i.came {
			x.ok(a)
			return
		}
		open, err := other.Attempts(ctx, campaigns.AttemptQuery{Open: true})
		x.ok(err)
		if len(open) != 1 || open[0].Number != "+4802" || (a == nil) == (b == nil) {
			t.Errorf("woken at message %d: %v, the other: %v; open: %+v", k, a, b, open)
		}
	}
}

// What the engine judged is what is dialled: a number whose zones changed since
// the claim is judged again.
func TestWindowChangedSinceTheClaim(t *testing.T) {
	x := newStage(t, redistest.Start(t).URL(), "window")
	l := x.claims["claimed"].Lead
	l.Numbers[0].Zones = []string{"Asia/Tokyo"}
	x.ok(x.SaveLead(t.Context(), l))
	claim := x.claims["claimed"]
	claim.Number.Zones = []string{"Europe/Warsaw"}
	in := x.intent("claimed", "a-3")
	in.Claim = claim
	refused(t, x.Begin(t.Context(), in), campaigns.RefusedGone)
}

func refused(t *testing.T, err error, why campaigns.RefusalReason) {
	t.Helper()
	if r, ok := errors.AsType[*campaigns.Refusal](err); !ok || r.Reason != why {
		t.Errorf("begin = %v, want refused: %s", err, why)
	}
}

// A node whose copy of the dictionary is of a master that is gone writes nothing
// by it, and dials nothing that it read by it.
func TestDictionaryOfALostMaster(t *testing.T) {
	ctx := t.Context()
	x := newStage(t, redistest.Start(t).URL(), "words")
	claim := x.claims["claimed"]
	shard := x.keys.shardOf(claim.Lead.ID)
	// The master that took over had not seen the word of this number, and another
	// node has given its place to another.
	words, err := x.db.HGetAll(ctx, x.wordsKey(shard)).Result()
	x.ok(err)
	for word, n := range words {
		if strings.HasPrefix(word, "Europe/Warsaw") {
			x.ok(x.db.HDel(ctx, x.wordsKey(shard), word).Err())
			x.ok(x.db.HSet(ctx, x.wordsKey(shard), strings.Replace(word, "Europe/Warsaw", "Asia/Tokyo", 1), n).Err())
		}
	}
	refused(t, x.Begin(ctx, x.intent("claimed", "a-3")), campaigns.RefusedGone)
	l, err := x.Lead(ctx, claim.Lead.ID)
	x.ok(err)
	if l.Numbers[0].Zones[0] != "Asia/Tokyo" {
		t.Errorf("the number is read as %+v", l.Numbers[0])
	}
}
