package campaigns

import (
	"slices"
	"time"
)

// Inbound is what becomes of people who call a campaign: a callback after a missed
// call, mostly. Which carrier brings calls to which numbers is the configuration's;
// which campaign they are for is the campaign's.
type Inbound struct {
	Numbers      []string      `json:"numbers,omitempty" yaml:"numbers"`           // E.164, ours; none: nobody calls the campaign. A number of several campaigns is that of the first running one, by id
	Announcement string        `json:"announcement,omitempty" yaml:"announcement"` // prompt that a caller hears first; empty: the product's own
	Music        string        `json:"music,omitempty" yaml:"music"`               // prompt looped after it; empty: as on hold
	PutOff       string        `json:"put_off,omitempty" yaml:"put_off"`           // prompt for a caller who waited too long; empty: the product's own, which promises a call only where one is promised
	MaxWait      time.Duration `json:"max_wait,omitempty" yaml:"max_wait"`         // for an operator; default 2 min
	MaxWaiting   int           `json:"max_waiting,omitempty" yaml:"max_waiting"`   // callers who may wait at once, the next one is told that it is busy; default 10
	Unknown      string        `json:"unknown,omitempty" yaml:"unknown"`           // who is in no list: refuse (default) or take, as a new lead of InboundList
}

// What becomes of callers who are in no list.
const (
	UnknownRefused = "refuse"
	UnknownTaken   = "take"
)

// InboundList is the list of leads who were unknown and called us. No campaign dials
// it: who calls us does not make us call them, only an operator does who says so.
const InboundList ListID = "inbound"

// DefaultMaxWaiting is Inbound.MaxWaiting where that is 0.
const DefaultMaxWaiting = 10

// MostWaiting is Inbound.MaxWaiting with its default.
func (in Inbound) MostWaiting() int {
	if in.MaxWaiting == 0 {
		return DefaultMaxWaiting
	}
	return in.MaxWaiting
}

const (
	leastMaxWait = 10 * time.Second
	mostMaxWait  = time.Hour
	mostWaiting  = 1000
)

func (c Campaign) validateInbound(p *problems) {
	in := c.Inbound
	for i, number := range in.Numbers {
		if !e164Form.MatchString(number) {
			p.add(at("inbound.numbers", i), "%q is not an E.164 number", number)
		} else if slices.Index(in.Numbers, number) < i {
			p.add(at("inbound.numbers", i), "%s is there twice", number)
		}
	}
	if in.MaxWait != 0 && (in.MaxWait < leastMaxWait || in.MaxWait > mostMaxWait) {
		p.add("inbound.max_wait", "%v is outside %v to %v", in.MaxWait, leastMaxWait, mostMaxWait)
	}
	if in.MaxWaiting < 0 || in.MaxWaiting > mostWaiting {
		p.add("inbound.max_waiting", "%d is outside 0 to %d", in.MaxWaiting, mostWaiting)
	}
	if !slices.Contains([]string{"", UnknownRefused, UnknownTaken}, in.Unknown) {
		p.add("inbound.unknown", "%q is neither %s nor %s", in.Unknown, UnknownRefused, UnknownTaken)
	}
	if i := slices.Index(c.Lists, InboundList); i >= 0 {
		p.add(at("lists", i), "%s is the list of unknown people who called; a campaign does not dial it", InboundList)
	}
}
