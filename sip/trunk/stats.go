package trunk

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// What keeps a group from taking one more call; values of sip.Capacity.Bound.
const (
	BoundDown      = "down"       // no target answers
	BoundPaused    = "paused"     // every target that answers asked for a pause
	BoundAudio     = "audio"      // we cannot use the audio of its answers
	BoundCallerIDs = "caller_ids" // all of them rest, or had their calls of the day
	BoundChannels  = "channels"   // max_channels
	BoundRinging   = "ringing"    // max_ringing
	BoundCPS       = "cps"        // max_cps
)

// Capacity is how much a group of trunks can take now: the sum over those
// that are up and not paused. Bound names what keeps the next call from
// leaving, empty if it may leave; of several trunks, the one that is nearest
// to taking a call speaks. NextToken is also the end of a pause.
func (t *Trunks) Capacity(group string, now time.Time) sip.Capacity {
	t.mu.Lock()
	defer t.mu.Unlock()
	order := []string{BoundDown, BoundPaused, BoundAudio, BoundCallerIDs, BoundChannels, BoundRinging, BoundCPS, ""}
	sum, nearest := sip.Capacity{}, -1
	for _, c := range t.carriers {
		if c.cfg.Group != group {
			continue
		}
		c.adapt(now)
		bound := c.bound(now)
		share := c.boundByShare(bound, now)
		if near := slices.Index(order, bound); near > nearest {
			nearest, sum.Share, sum.Why = near, share, c.why(bound, now)
		}
		if bound == BoundDown {
			continue
		}
		sum.Up = true
		sum.NextToken = earlier(sum.NextToken, c.nextCall(now))
		if bound == BoundPaused || bound == BoundAudio || bound == BoundCallerIDs {
			continue
		}
		channels, ringing := c.most(now)
		channels = max(0, channels-c.channels)
		ringing = min(channels, max(0, ringing-c.ringing))
		sum.Channels += channels
		sum.Ringing += ringing
		sum.Calls += min(ringing, c.limiter.tokens(now), c.probes(now))
	}
	if sum.Bound = BoundDown; nearest >= 0 {
		sum.Bound = order[nearest]
	}
	if !sum.NextToken.After(now) {
		sum.NextToken = time.Time{}
	}
	return sum
}

// why says in words what keeps a carrier from taking a call where that is not a
// limit; empty where it is.
func (c *carrier) why(bound string, now time.Time) string {
	switch {
	case bound == BoundPaused:
		return fmt.Sprintf("trunk %s asked for a pause", c.cfg.Name)
	case bound == BoundAudio, bound == "" && c.usable.doubted():
		return c.usable.words(now, c.cfg.Name)
	case bound == BoundCallerIDs:
		return fmt.Sprintf("all caller IDs of trunk %s rest", c.cfg.Name)
	case bound == BoundCPS:
		return c.throttle.why(now, c.cfg.Name, c.whole())
	case bound != BoundDown:
		return ""
	case !c.registered(now) && c.registration.why == "":
		return fmt.Sprintf("trunk %s is not registered yet", c.cfg.Name)
	case !c.registered(now):
		return fmt.Sprintf("trunk %s is not registered: %s", c.cfg.Name, c.registration.why)
	case len(c.targets) == 0:
		return fmt.Sprintf("the names of trunk %s are not resolved", c.cfg.Name)
	}
	return fmt.Sprintf("no target of trunk %s answers", c.cfg.Name)
}

// RingTimeout is the longest that a call over a group rings before it is given
// up, counted from alerting; 0 where there is no such group.
func (t *Trunks) RingTimeout(group string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var longest time.Duration
	for _, c := range t.carriers {
		if c.cfg.Group == group {
			longest = max(longest, c.cfg.RingTimeout)
		}
	}
	return longest
}

// nextCall is when pauses and the CPS bucket let the next call through.
func (c *carrier) nextCall(now time.Time) time.Time {
	var open time.Time
	for _, tg := range c.targets {
		if !tg.health.up {
			continue
		}
		until := tg.breaker.until
		if until.Before(now) {
			until = now
		}
		open = earlier(open, until)
	}
	open = later(open, c.usable.until)
	if c.limiter.rate() == 0 {
		if eases := c.throttle.eases(now); c.whole() > 0 && !eases.IsZero() {
			return later(open, eases)
		}
		return open.Add(time.Second) // a share may come
	}
	if next := c.limiter.next(); next.After(open) {
		return next
	}
	return open
}

// probes limits a carrier that comes back from a pause to one call for each
// target that wants to be probed; a carrier with a closed breaker has no such
// limit.
func (c *carrier) probes(now time.Time) int {
	probes, most := 0, c.cfg.MaxChannels
	if c.usable.doubted() {
		most = 1 // to look at the audio of its answer
	}
	for _, tg := range c.targets {
		switch {
		case !tg.health.up || !tg.breaker.allows(now):
		case tg.breaker.until.IsZero():
			return most
		default:
			probes++
		}
	}
	return min(probes, most)
}

// earlier is the earlier of two times; zero means none yet.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Stats is one trunk, now and since the start.
type Stats struct {
	Trunk, Group            string
	Up                      bool // a target answers
	Paused                  bool // all targets that answer asked for a pause
	Unusable                bool // we could not use the audio of its last answers: it rests, or one call looks
	Channels, MaxChannels   int
	Ringing, MaxRinging     int
	CPS                     float64 // that may leave now: less than the share while the carrier has too much
	ShareCPS                float64 // of max_cps that is ours now; all of it where nobody shares it
	ShareChannels           int
	Refused                 uint64        // answers that we hung up on: we could not use their audio
	Throttled               uint64        // reservations that only the CPS bucket refused
	OptionsRTT              time.Duration // of the quickest target that is up; 0 before the first answer
	Attempts, Answers       uint64
	QuickByes               uint64 // BYE from the far end within 1 s of its answer: see QuickBye
	Results                 map[sip.Result]uint64
	TargetsUp, TargetsTotal int
	Why                     string    // it takes no call at all, or but one to look, in words; empty if it does
	MustRegister            bool      // it wants our registration
	RegisteredUntil         time.Time // zero if it has none

	Callers        int               // of Channels: calls that came in
	Came           uint64            // calls that came in and were let in
	CallersRefused map[string]uint64 // that were not, by reason: RefusedNumber, RefusedFull
}

// Stats tells the state of every trunk, in the order of the configuration.
func (t *Trunks) Stats() []Stats {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Stats, 0, len(t.carriers))
	for _, c := range t.carriers {
		c.adapt(now)
		bound := c.bound(now)
		shareChannels, _ := c.most(now)
		s := Stats{
			CPS: c.rate, ShareCPS: c.whole(), ShareChannels: shareChannels,
			Trunk: c.cfg.Name, Group: c.cfg.Group,
			Up: bound != BoundDown, Paused: bound == BoundPaused, Unusable: c.usable.doubted(), Refused: c.usable.count,
			Channels: c.channels, MaxChannels: c.cfg.MaxChannels,
			Ringing: c.ringing, MaxRinging: c.cfg.MaxRinging,
			Throttled: c.throttled, Attempts: c.attempts, Answers: c.answers,
			QuickByes: c.quickByes, Results: maps.Clone(c.results),
			TargetsTotal: len(c.targets), Why: c.why(bound, now), MustRegister: c.cfg.Register.Enabled,
			Callers: c.callers, Came: c.came, CallersRefused: maps.Clone(c.refused),
		}
		if c.registration.bound(now) {
			s.RegisteredUntil = c.registration.until
		}
		for _, tg := range c.targets {
			if tg.health.up {
				s.TargetsUp++
				if rtt := tg.health.rtt; rtt > 0 && (s.OptionsRTT == 0 || rtt < s.OptionsRTT) {
					s.OptionsRTT = rtt
				}
			}
		}
		all = append(all, s)
	}
	return all
}
