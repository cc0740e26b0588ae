// Package hopper holds leads of one campaign that are claimed in the store
// ahead of time, so that the engine's loop takes the next one without waiting
// for a database. It mixes segments by their weights and hands out only leads
// whose calling window is open and whose lease has time left.
//
// It decides nothing about rules or pace: rules say what is open, pacing says
// how many leads to keep at hand.
//
//	store.Queues ─► which are open? ─► store.Claim ─► shelves ─► Next
//	store.Release ◄─ window closed, lease ending, Drain ◄─┘ ◄─── Return
package hopper

import (
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Rules say when a window class may be called.
type Rules interface {
	// Open says whether numbers of w may be called now, until when, and where
	// not, from when.
	Open(w campaigns.WindowClass, c campaigns.Campaign, now time.Time) (open bool, until, opens time.Time)
}

// Config is what a hopper is for.
type Config struct {
	Campaign campaigns.Campaign
	Node     string        // who claims
	Size     int           // the most leads to hold; default 200
	Lease    time.Duration // of a claim; default 2 min. A claim with a quarter of it left is given back
	// Filled is called by Run when leads are at hand again after somebody asked in
	// vain, or promised calls of an operator who is present; nil: nobody wants to
	// know. It must return at once.
	Filled func()
}

// Hopper holds the claimed leads of one campaign. Run fills it; the other
// methods may be called from any goroutine and never wait for the store,
// except Drain.
type Hopper struct {
	store campaigns.Store
	rules Rules
	node  string
	size  int
	lease time.Duration
	told  func()

	wake    chan struct{} // holds one: a look at the store is due
	looking chan struct{} // holds one while somebody talks to the store

	mu       sync.Mutex // guards what follows; never held while the store works
	campaign campaigns.Campaign
	target   int
	drained  bool
	starved  bool               // somebody asked in vain
	segments []*segment         // in the campaign's order
	shelves  []*shelf           // of the segments, in the same order
	line     []place            // drawn up last
	back     []campaigns.Claim  // to be given back
	promises []*campaigns.Claim // that one operator promised to make; nobody else takes them
	present  map[campaigns.UserID]bool
	arrived  bool // promises came since who waits for them was told
	// overtaken is how often others were taken before a lead whose turn it was. It
	// outlasts the lease, or a slow campaign would never come to some leads.
	overtaken map[campaigns.LeadID]int
	patient   time.Time // before this, a low hopper does not ask the store again: it had no more
	reclaim   time.Time // when to look for claims of dead nodes again
	seen      Status    // what the last look at the store found
}

// New makes a hopper. Nothing happens before Run.
func New(cfg Config, store campaigns.Store, rules Rules) *Hopper {
	if cfg.Size <= 0 {
		cfg.Size = 200
	}
	if cfg.Lease <= 0 {
		cfg.Lease = 2 * time.Minute
	}
	h := &Hopper{
		store: store, rules: rules, node: cfg.Node, size: cfg.Size, lease: cfg.Lease, told: cfg.Filled,
		wake: make(chan struct{}, 1), looking: make(chan struct{}, 1),
		campaign: cfg.Campaign, target: cfg.Size, seen: Status{Empty: NotLookedYet},
		overtaken: map[campaigns.LeadID]int{}, present: map[campaigns.UserID]bool{},
	}
	h.segments, h.shelves = newShelves(cfg.Campaign)
	return h
}

// Next takes the best lead that may be dialled now: promised calls first, then
// the segment whose turn it is, in it every nth a lead never tried where the
// campaign says so, else by priority and then by time. It never
// blocks; false means that there is none at hand.
func (h *Hopper) Next(now time.Time) (campaigns.Claim, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := h.lineUp(now, 1)
	if len(line) == 0 {
		h.starve(now)
		return campaigns.Claim{}, false
	}
	return h.take(line[0], now), true
}

// Len is how many leads are at hand.
func (h *Hopper) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held()
}

// Want says how many leads to keep at hand, in [1, Config.Size]. Fewer are
// fresher and leave more to other nodes. Leads already held stay.
func (h *Hopper) Want(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	more := n > h.target
	h.target = min(max(n, 1), h.size)
	if more {
		h.look()
	}
}

// Return brings back a claim that was not begun. It is handed out again, or
// goes back to the store where its window or lease is over. It was chosen once:
// nobody is to be taken before it again out of turn.
func (h *Hopper) Return(c campaigns.Claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.shelfFor(c.Queue); s != nil && !h.drained {
		if personal(&c) {
			h.promises = append(h.promises, &c)
			return
		}
		s.add(&c)
		h.overtaken[c.Lead.ID] = overtakeAtMost
		return
	}
	h.back = append(h.back, c)
	h.look()
}

// Update tells the hopper that its campaign changed. Where lists, segments
// or priorities did, all claims go back, because their order or place may be another now.
func (h *Hopper) Update(c campaigns.Campaign) {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := c.SamePlaces(h.campaign) && c.NthNew == h.campaign.NthNew
	h.campaign = c
	if !same {
		h.giveBackAll()
		h.segments, h.shelves = newShelves(c)
	}
	h.patient = time.Time{}
	h.look()
}

// runs says whether the campaign dials.
func (h *Hopper) runs() bool {
	return !h.drained && (h.campaign.State == campaigns.Running || h.campaign.State == "")
}

func (h *Hopper) held() int {
	n := 0
	for _, s := range h.shelves {
		n += len(s.claims)
	}
	return n
}

func (h *Hopper) giveBackAll() {
	for _, s := range h.shelves {
		for _, c := range s.claims {
			h.back = append(h.back, *c)
		}
		s.claims = nil
	}
	for _, c := range h.promises {
		h.back = append(h.back, *c)
	}
	h.promises = nil
}

// glance looks at claims at one moment. Most have the same window, so the rules are
// asked again only where the next is of another.
type glance struct {
	*Hopper
	now    time.Time
	window campaigns.WindowClass // asked for last; empty: nothing was
	open   bool                  // it is
}

func (h *Hopper) glance(now time.Time) glance { return glance{Hopper: h, now: now} }

// usable says whether a claim may still be dialled from.
func (g *glance) usable(c *campaigns.Claim) bool {
	if c.Until.Sub(g.now) < g.lease/4 {
		return false
	}
	if w := c.Queue.Window; w == "" || w != g.window {
		g.window = w
		g.open, _, _ = g.rules.Open(w, g.campaign, g.now)
	}
	return g.open
}

// callIfLow asks for a look at the store when half of the leads are gone,
// unless the last look found nothing a moment ago.
func (h *Hopper) callIfLow(now time.Time) {
	if h.held()*2 < h.target && !now.Before(h.patient) {
		h.look()
	}
}

// starve notes that somebody asked in vain.
func (h *Hopper) starve(now time.Time) {
	h.starved = true
	h.callIfLow(now)
}

func (h *Hopper) look() {
	select {
	case h.wake <- struct{}{}:
	default: // already due
	}
}
