package trunk

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/sip"
)

// Several processes that pass parts of one rate around let through no more than
// the rate and a burst of each, in any window.
func TestPartsOfARateStayWithinIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const parts = 3
		rate := rapid.Float64Range(0.5, 100).Draw(t, "rate")
		limiters := make([]limiter, parts)
		now := epoch
		var passed []time.Time
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			// Parts that are lowered come first: nobody has what another still has.
			left, shares := rate, [parts]float64{}
			for i := range shares {
				shares[i] = left * rapid.Float64Range(0, 1).Draw(t, "part")
				left -= shares[i]
			}
			for _, lower := range []bool{true, false} {
				for i := range limiters {
					if (shares[i] <= limiters[i].rate()) == lower {
						limiters[i].pace(now, shares[i])
					}
				}
			}
			for range rapid.IntRange(0, 10).Draw(t, "asked") {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second/2)).Draw(t, "gap")))
				i := rapid.IntRange(0, parts-1).Draw(t, "who")
				for limiters[i].take(now) {
					passed = append(passed, now)
				}
			}
		}
		burst := parts + burstSeconds*rate
		for i := range passed {
			for j := i; j < len(passed); j++ {
				if got, limit := float64(j-i+1), passed[j].Sub(passed[i]).Seconds()*rate+burst+1e-3; got > limit {
					t.Fatalf("%v calls in %s at %v cps, limit %.3f", got, passed[j].Sub(passed[i]), rate, limit)
				}
			}
		}
	})
}

func TestPace(t *testing.T) {
	l := newLimiter(50) // a burst of ten
	for range 4 {
		l.take(epoch)
	}
	l.pace(epoch, 100)
	if got := l.tokens(epoch); got != 6 {
		t.Errorf("a higher rate leaves %d tokens, 6 were there", got)
	}
	l.pace(epoch, 10)
	if got := l.tokens(epoch); got != 2 {
		t.Errorf("a lower rate leaves %d tokens, its burst is 2", got)
	}
	l.pace(epoch, 0)
	if l.tokens(epoch.Add(time.Hour)) != 0 || l.take(epoch.Add(time.Hour)) || l.rate() != 0 {
		t.Error("no rate, and there are tokens")
	}
	l.pace(epoch.Add(time.Hour), 2)
	if now := epoch.Add(time.Hour); l.tokens(now) != 0 || l.tokens(now.Add(time.Second/2)) != 1 {
		t.Error("a rate that begins brings a burst")
	}
	if math.Abs(l.rate()-2) > 1e-6 {
		t.Errorf("rate %v", l.rate())
	}
}

// A share holds like a limit, says that it binds, and asks for more.
func TestShareOfATrunk(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels, cfg.MaxRinging = 50, 100, 90
	f := newFloor(t, cfg)
	uses := func() Use {
		t.Helper()
		all := f.Uses()
		if len(all) != 1 || all[0].Trunk != cfg.Name {
			t.Fatalf("uses %+v", all)
		}
		return all[0]
	}
	uses()
	share := Share{CPS: 20, Channels: 3, Ringing: 2, Until: f.at.Add(10 * time.Second)}
	f.SetShares(map[string]Share{cfg.Name: share, "other": {}})
	f.at = f.at.Add(time.Second)
	if got := f.Capacity("default", f.at); got.Channels != 3 || got.Ringing != 2 || got.Calls != 2 || got.Share != "" {
		t.Errorf("capacity = %+v", got)
	}
	f.dial(t, "a")
	f.dial(t, "b")
	if got := f.Capacity("default", f.at); got.Bound != BoundRinging || got.Share != "its share is 2 of 90 ringing calls" {
		t.Errorf("capacity = %+v", got)
	}
	if _, err := f.Reserve("default", "+48600100200", nil, "c"); !errors.Is(err, ErrNoCapacity) {
		t.Errorf("beyond the share: %v", err)
	}
	u := uses()
	if u.Channels != 2 || u.Ringing != 2 || u.NeedRinging != 4 || u.NeedChannels != 4 || u.NeedCPS < 2.3 || u.NeedCPS > 2.5 {
		t.Errorf("uses %+v", u)
	}
	share.Channels, share.Ringing = 2, 90
	f.SetShares(map[string]Share{cfg.Name: share})
	if got := f.Capacity("default", f.at); got.Bound != BoundChannels || got.Share != "its share is 2 of 100 channels" {
		t.Errorf("capacity = %+v", got)
	}
	share.Channels, share.CPS = 100, 1
	f.SetShares(map[string]Share{cfg.Name: share})
	f.dial(t, "c")
	if got := f.Capacity("default", f.at); got.Bound != BoundCPS || got.Share != "its share is 1.0 of 50.0 calls a second" || !got.NextToken.After(f.at) {
		t.Errorf("capacity = %+v", got)
	}
	if u := uses(); u.NeedCPS < 2 {
		t.Errorf("needs %v calls a second beyond a share of 1", u.NeedCPS)
	}
	if s := f.Stats()[0]; s.ShareChannels != 100 || math.Abs(s.ShareCPS-1) > 1e-6 {
		t.Errorf("stats %+v", s)
	}
	f.at = f.at.Add(10 * time.Second)
	if got := f.Capacity("default", f.at); got.Bound != BoundChannels || !strings.Contains(got.Share, "no share") || got.Calls != 0 {
		t.Errorf("after its end: capacity = %+v", got)
	}
	if s := f.Stats()[0]; s.ShareChannels != 0 || s.Channels != 3 {
		t.Errorf("after its end: stats %+v; calls go on", s)
	}
}

// Calls that are made durable all at once leave at the carrier's rate all the same.
func TestDepart(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels = 10, 100 // a burst of two
	f := newFloor(t, cfg)
	var routes []Route
	for i := range 20 {
		routes = append(routes, f.reserve(t, string(rune('a'+i))))
		f.at = f.at.Add(100 * time.Millisecond)
	}
	start, left := f.at, 0
	for left < len(routes) {
		wait := f.Depart(routes[left])
		if wait > 0 {
			f.at = f.at.Add(wait)
			continue
		}
		f.Dial(sip.LegID(routes[left].Dialog.CallID), routes[left], nil)
		left++
		if most := 2 + int(f.at.Sub(start).Seconds()*10+0.001); left > most {
			t.Fatalf("%d left within %v", left, f.at.Sub(start))
		}
	}
	if took := f.at.Sub(start); took > 1850*time.Millisecond {
		t.Errorf("20 calls took %v at 10 a second", took)
	}
	f.SetShares(map[string]Share{cfg.Name: {Channels: 50, Ringing: 50, Until: f.at.Add(time.Hour)}})
	if f.Depart(Route{}) != 0 {
		t.Error("a route that is not reserved waits")
	}
}
