package resolver

import (
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// Times to live outside these bounds are mistakes of somebody: 0 would ask
	// before every call, a week would outlive the carrier's move.
	leastTTL = 5 * time.Second
	mostTTL  = time.Hour
	// absentTTL is how long it holds that a name has no record of a type, where
	// the answer does not say (RFC 2308).
	absentTTL = time.Minute
	systemTTL = 30 * time.Second
	// retryAfter is when to ask again where no name server answered.
	retryAfter = 10 * time.Second
	// maxRecords bounds the cache; names come from a configuration and its records.
	maxRecords = 10_000
)

type question struct {
	name string // lower case, with its last dot
	kind uint16
}

type answer struct {
	records []dns.RR
	until   time.Time
}

// cache remembers answers, also past their time: see Resolver.
type cache struct {
	now func() time.Time

	mu      sync.Mutex
	answers map[question]answer
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, answers: map[question]answer{}}
}

// get returns what is known, and whether it still holds.
func (c *cache) get(q question) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, known := c.answers[q]
	return a, known && c.now().Before(a.until)
}

// put keeps an answer and returns until when it holds.
func (c *cache) put(q question, records []dns.RR, ttl time.Duration) time.Time {
	until := c.now().Add(min(max(ttl, leastTTL), mostTTL))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.answers) >= maxRecords {
		clear(c.answers)
	}
	c.answers[q] = answer{records, until}
	return until
}

// read takes the records that answer q, aliases followed, and how long they hold.
func read(m *dns.Msg, q question) ([]dns.RR, time.Duration) {
	name, ttl := q.name, mostTTL
	for range m.Answer { // an alias may stand behind its target
		next, until, found := alias(m, name)
		if !found {
			break
		}
		name, ttl = next, min(ttl, until)
	}
	var records []dns.RR
	for _, rr := range m.Answer {
		if h := rr.Header(); h.Rrtype == q.kind && strings.EqualFold(h.Name, name) {
			records = append(records, rr)
			ttl = min(ttl, time.Duration(h.Ttl)*time.Second)
		}
	}
	if len(records) > 0 {
		return records, ttl
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return nil, time.Duration(min(soa.Minttl, soa.Hdr.Ttl)) * time.Second
		}
	}
	return nil, absentTTL
}

func alias(m *dns.Msg, name string) (target string, ttl time.Duration, found bool) {
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name) {
			return c.Target, time.Duration(c.Hdr.Ttl) * time.Second, true
		}
	}
	return "", 0, false
}
