package trunk

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/figures"
)

// Which caller ID a call shows is a rule and never chance: people who call back,
// or block a number, shall not meet another one, and a number that was blocked is
// not to be covered up by turns.
//
//	those of the trunk that the call may show
//	─► that do not rest (608, 603+) and are below their daily cap
//	─► of the called number's own region, where the trunk wants that
//	─► the one that this number always gets of these

// callerIDs are a trunk's numbers with what they did.
type callerIDs struct {
	byNumber map[string]*callerID
	drift    *figures.Drift
}

type callerID struct {
	hour  *figures.Hour // nil: never shown
	day   int64         // since 1970, UTC, that used counts
	used  int           // calls of that day
	until time.Time     // it rests until then
}

const day = 24 * time.Hour

func newCallerIDs(cfg *Config) callerIDs {
	ids := callerIDs{byNumber: make(map[string]*callerID), drift: figures.NewDrift()}
	for _, number := range cfg.CallerIDs {
		ids.byNumber[number] = &callerID{}
	}
	return ids
}

// may says whether a caller ID may be shown once more.
func (id *callerID) may(now time.Time, most int) bool {
	if now.Before(id.until) {
		return false
	}
	return most == 0 || id.day != today(now) || id.used < most
}

func today(now time.Time) int64 { return now.Unix() / int64(day/time.Second) }

func (id *callerID) use(now time.Time) {
	if id.day != today(now) {
		id.day, id.used = today(now), 0
	}
	id.used++
}

// anyLeft says whether any caller ID may be shown once more.
func (ids *callerIDs) anyLeft(now time.Time, most int) bool {
	for _, id := range ids.byNumber {
		if id.may(now, most) {
			return true
		}
	}
	return false
}

// giveBack takes back a use that came to nothing.
func (id *callerID) giveBack() { id.used = max(0, id.used-1) }

// pick is the caller ID of a call, "" if none may be shown now. among are those
// that the call may show; none: all of the trunk.
func (c *carrier) pick(number string, among []string, now time.Time) string {
	best, bestNear, bestHash := "", -1, uint32(0)
	for _, id := range c.cfg.CallerIDs {
		if len(among) > 0 && !slices.Contains(among, id) || !c.ids.byNumber[id].may(now, c.cfg.CallerIDCap) {
			continue
		}
		near := 0
		if c.cfg.LocalPresence {
			near = nearness(number, id)
		}
		if hash := affinity(number, id); near > bestNear || near == bestNear && hash > bestHash {
			best, bestNear, bestHash = id, near, hash
		}
	}
	return best
}

// known says whether the trunk has any of the caller IDs that a call may show.
func (c *carrier) known(among []string) bool {
	return len(among) == 0 || slices.ContainsFunc(c.cfg.CallerIDs, func(id string) bool { return slices.Contains(among, id) })
}

// affinity orders the caller IDs for one number. When one of them rests, only the
// numbers that had it get another (rendezvous hashing).
func affinity(number, id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(number + "|" + id))
	sum := h.Sum32() // its last bytes say little of the first ones
	sum ^= sum >> 16
	sum *= 0x85ebca6b
	sum ^= sum >> 13
	return sum
}

// nearness says how much of its region a caller ID shares with a number: 0 is
// nothing. In North America only a whole area code says something; elsewhere
// area codes that begin alike lie near each other.
func nearness(number, id string) int {
	a, b := strings.TrimPrefix(number, "+"), strings.TrimPrefix(id, "+")
	shared := 0
	for shared < min(len(a), len(b)) && a[shared] == b[shared] {
		shared++
	}
	if strings.HasPrefix(a, "1") && strings.HasPrefix(b, "1") {
		if shared >= nanpArea {
			return nanpArea
		}
		return 1
	}
	return min(shared, longestArea)
}

const (
	nanpArea    = 4 // digits of country code and area code in North America
	longestArea = 6 // and elsewhere at most
)

// regionOf is the part of a number within which answer rates are compared.
func regionOf(number string) string {
	digits := strings.TrimPrefix(number, "+")
	return digits[:min(len(digits), 4)]
}

// learnCallerID takes the end of a call into what is known of its caller ID. One
// that the network blocked rests: showing it goes on to harm it.
func (t *Trunks) learnCallerID(s *slot, e sip.Ended, now time.Time) {
	c := s.carrier
	id := c.ids.byNumber[s.callerID]
	if id == nil {
		return
	}
	rest := c.cfg.CallerIDRest
	if e.Cause.Result == sip.ResultBlocked && rest > 0 {
		id.until = now.Add(rest)
		t.log.Warn("caller ID blocked by the network: it rests", "trunk", c.cfg.Name, "caller_id", c.place(s.callerID), "for", rest)
	}
	switch e.Cause.Result {
	case sip.ResultAnswered, sip.ResultNoAnswer, sip.ResultDeclined, sip.ResultAbsent:
		if c.ids.drift.Add(s.callerID, figures.Cell{Region: regionOf(s.want.number), Hour: now.UTC().Hour()}, e.WasUp) {
			t.log.Warn("answer rate of a caller ID drifts: phones may call it spam",
				"trunk", c.cfg.Name, "caller_id", c.place(s.callerID), "suspect", c.ids.drift.Suspect(s.callerID))
		}
	}
}

// place is where a caller ID stands in the configuration, from 1.
func (c *carrier) place(callerID string) int { return slices.Index(c.cfg.CallerIDs, callerID) + 1 }
