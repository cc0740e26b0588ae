package trunk

import (
	"fmt"
	"math"
	"time"
)

// Share is the part that this process has of a carrier's limits where several
// processes call over the same one. Each part keeps its own burst: with n of them
// up to n calls may leave at one moment where max_cps is so low that a share's
// burst is one call.
type Share struct {
	CPS               float64 // new calls per second
	Channels, Ringing int
	Until             time.Time // nothing new leaves after it, until there is another share
}

// Use is what this process has in use of a carrier's limits, and could use.
type Use struct {
	Trunk                              string
	MaxCPS                             float64 // the carrier's limits
	MaxChannels, MaxRinging            int
	Channels, Ringing                  int
	NeedCPS, NeedChannels, NeedRinging float64
}

const (
	// A share that was too small is to be so many times as large, one that was not,
	// as large as what was used and some more: calls come in clumps.
	moreShare  = 2.0
	spareShare = 1.2
	// leastChannels is what a trunk at rest asks for besides what it uses.
	leastChannels = 2
)

// shortage is what a share kept from leaving since Uses was asked last.
type shortage struct {
	cps, channels, ringing bool
	calls                  int // that left
	since                  time.Time
}

// SetShares puts the parts of limits in force, by trunk. A trunk that is not named
// keeps what it has; one that never had a share has the whole.
func (t *Trunks) SetShares(shares map[string]Share) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.carriers {
		if s, given := shares[c.cfg.Name]; given {
			c.share = &s
			c.adapt(now)
		}
	}
}

// Uses tells what of each trunk is in use and needed, and begins to measure anew.
func (t *Trunks) Uses() []Use {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	uses := make([]Use, 0, len(t.carriers))
	for _, c := range t.carriers {
		uses = append(uses, c.use(now))
		c.short = shortage{since: now}
	}
	return uses
}

func (c *carrier) use(now time.Time) Use {
	u := Use{
		Trunk: c.cfg.Name, MaxCPS: c.cfg.MaxCPS, MaxChannels: c.cfg.MaxChannels, MaxRinging: c.cfg.MaxRinging,
		Channels: c.channels, Ringing: c.ringing,
	}
	lasted := max(now.Sub(c.short.since).Seconds(), 0.5)
	channels, ringing := c.most(now)
	u.NeedCPS = need(spareShare*float64(c.short.calls)/lasted, c.whole(), c.short.cps, c.cfg.MaxCPS)
	u.NeedChannels = need(float64(c.channels+leastChannels), float64(channels), c.short.channels, float64(c.cfg.MaxChannels))
	u.NeedRinging = need(float64(c.ringing+leastChannels), float64(ringing), c.short.ringing, float64(c.cfg.MaxRinging))
	return u
}

// need is how much of a limit is asked for.
func need(used, share float64, short bool, limit float64) float64 {
	if short {
		used = max(used, moreShare*share, 1)
	}
	return min(used, limit)
}

// most is how many calls may be up, and of them ring, now.
func (c *carrier) most(now time.Time) (channels, ringing int) {
	switch {
	case c.share == nil:
		return c.cfg.MaxChannels, c.cfg.MaxRinging
	case !now.Before(c.share.Until):
		return 0, 0
	}
	return min(c.share.Channels, c.cfg.MaxChannels), min(c.share.Ringing, c.cfg.MaxRinging)
}

// boundByShare notes what keeps the next call from leaving, where that is the share
// and not the carrier's own limit, and says it in words.
func (c *carrier) boundByShare(bound string, now time.Time) string {
	if c.share == nil {
		return ""
	}
	channels, ringing := c.most(now)
	switch {
	case !now.Before(c.share.Until):
		return "it has no share of the carrier's limits now"
	case bound == BoundChannels && channels < c.cfg.MaxChannels:
		c.short.channels = true
		return fmt.Sprintf("its share is %d of %d channels", channels, c.cfg.MaxChannels)
	case bound == BoundRinging && ringing < c.cfg.MaxRinging:
		c.short.ringing = true
		return fmt.Sprintf("its share is %d of %d ringing calls", ringing, c.cfg.MaxRinging)
	case bound == BoundCPS && c.whole() < c.cfg.MaxCPS:
		c.short.cps = true
		return fmt.Sprintf("its share is %.1f of %.1f calls a second", c.whole(), c.cfg.MaxCPS)
	}
	return ""
}

// rate is calls per second.
func (l *limiter) rate() float64 {
	if l.every <= 0 {
		return 0
	}
	return float64(time.Second) / float64(l.every)
}

// pace changes the rate. What may leave at this moment does not become more by it,
// so that a part that moves from one process to another brings no second burst.
func (l *limiter) pace(now time.Time, rate float64) {
	have := 0.0
	if l.every > 0 {
		have = max(0, float64(l.spare+l.every-max(0, l.fullAt.Sub(now)))/float64(l.every))
	}
	if !(rate > 0) {
		*l = limiter{fullAt: now}
		return
	}
	if rate == l.rate() {
		return
	}
	*l = newLimiter(rate)
	full := float64(l.spare)/float64(l.every) + 1
	l.fullAt = now.Add(time.Duration(math.Ceil((full - min(full, have)) * float64(l.every))))
}
