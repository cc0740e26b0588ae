// Package carrier is a far end for the product: a SIP server that answers the
// way people, machines and lines do, and writes down what it saw on the wire.
//
// It is a judge, so it imports nothing of the product, and it is no carrier:
// it routes nowhere. Each INVITE gets a Behaviour, drawn from the seed and the
// number, and a goroutine that lives through it.
//
//	INVITE ─► Plan(number, attempt) ─► script ─► phone.Call ─► RTP, SIP
//	                                      └─► journal (NDJSON)
//
// # Journal
//
// Every line has t (RFC 3339, UTC, nanoseconds), event and call (Call-ID).
//
//	invite       number, caller, from_addr, kind: what the plan says
//	ringing      code: 180 or 183
//	answer       kind, number, stream (of its marks), fork; the 200 was sent
//	greeting_end mark: the number of the last packet of the greeting
//	first_tone   from "operator", hz, mark: the last packet sent by then
//	voice_heard  a voice that is no operator's tone, such as a message
//	sound        first_at, last_at: what a Recorded end heard besides the operator's tone;
//	             a pause of 200 ms parts two of them
//	cancel       the dialer's CANCEL
//	late_answer  a 200 was sent after the CANCEL
//	bye          by "carrier" or "dialer", detail: the Reason header
//	marks        first, last, sent, first_at, last_at, late: packets that went out
//	final        code: how an unanswered call ended
//	callback     number: the dialer's, caller, detail: why; somebody calls the dialer, and
//	             call is of this call from here on; it has no invite and no answer
//	callback_up  caller, stream: the dialer has answered
//	fault        what, detail: a breach of protocol by the dialer
//
// The simulated operators add their own lines (package operators).
package carrier

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// Event is one line of the journal.
type Event = phone.Event

// ReadLog reads a journal. A last line cut short by a crash is left out.
func ReadLog(r io.Reader) ([]Event, error) { return phone.ReadJournal(r) }

// Config says how the far end behaves. Zero values mean the defaults.
type Config struct {
	Address string // UDP and TCP, default "127.0.0.1:0"
	Seed    uint64
	// Speed divides how long people take to pick up and to talk; default 1. It
	// leaves alone the protocol, the audio, greetings, patience and machines.
	Speed     float64
	LiveShare float64 // share of calls that a person answers, default 0.3
	Mix       Mix     // the shares of all else, default DefaultMix
	// Behave decides for a number in place of the draw; false leaves it to it.
	Behave     func(number string, attempt int) (Behaviour, bool)
	TalkMean   time.Duration // lognormal, default 60 s
	Patience   time.Duration // mean silence after the greeting before a person hangs up; lognormal, default 6 s
	CallsBack  CallsBack     // people who call the dialer; default nobody
	PersonRing time.Duration // mean time until a person answers; lognormal, at least 2 s, default 8 s
	CustomerHz float64       // what people talk in, default 700
	OperatorHz float64       // what they listen for, default 1100
	Username   string        // asks for digest credentials if set
	Password   string
	SHA256     bool // the digest algorithm, else MD5
	Log        io.Writer
}

func (cfg Config) withDefaults() Config {
	cfg.Address = cmp.Or(cfg.Address, "127.0.0.1:0")
	cfg.Speed = cmp.Or(cfg.Speed, 1)
	cfg.LiveShare = cmp.Or(cfg.LiveShare, 0.3)
	if cfg.Mix == (Mix{}) {
		cfg.Mix = DefaultMix
	}
	cfg.TalkMean = cmp.Or(cfg.TalkMean, time.Minute)
	cfg.Patience = cmp.Or(cfg.Patience, 6*time.Second)
	cfg.PersonRing = cmp.Or(cfg.PersonRing, 8*time.Second)
	cfg.CustomerHz = cmp.Or(cfg.CustomerHz, 700)
	cfg.OperatorHz = cmp.Or(cfg.OperatorHz, 1100)
	cfg.CallsBack = cfg.CallsBack.withDefaults()
	return cfg
}

// Stats counts what the carrier has seen.
type Stats struct {
	Invites, Answered, Persons, Bridged, Cancelled, LateAnswers, Faults uint64
	Callbacks, Served                                                   uint64        // people who called the dialer, and those who had an operator
	Calls                                                               int           // now
	Late                                                                time.Duration // the latest that audio was ever sent
}

// Carrier is the far end.
type Carrier struct {
	cfg     Config
	phone   *phone.Phone
	journal *phone.Journal
	voices  *voices
	ending  chan struct{}
	scripts sync.WaitGroup

	mu       sync.Mutex
	closing  bool
	attempts map[string]int       // INVITEs so far, by number
	jammed   time.Time            // until when every INVITE gets a 503
	onLine   map[string]time.Time // who called the dialer, since when it has answered

	invites, answered, persons, bridged, cancelled, lateAnswers, faults, callbacks, served atomic.Uint64
}

// New opens the sockets and makes the voices.
func New(cfg Config) (*Carrier, error) {
	cfg = cfg.withDefaults()
	c := &Carrier{cfg: cfg, journal: phone.NewJournal(cfg.Log), voices: newVoices(cfg.Seed), ending: make(chan struct{}), attempts: map[string]int{}, onLine: map[string]time.Time{}}
	var challenge *phone.Challenge
	if cfg.Username != "" {
		challenge = &phone.Challenge{User: cfg.Username, Password: cfg.Password, Realm: "carrier", SHA256: cfg.SHA256}
	}
	var err error
	c.phone, err = phone.New(phone.Config{Address: cfg.Address, TCP: true, User: "carrier", Challenge: challenge, OnCall: c.serve, OnFault: c.fault})
	if err != nil {
		return nil, fmt.Errorf("carrier: %w", err)
	}
	return c, nil
}

// Addr is host:port of the carrier, the same for UDP and TCP.
func (c *Carrier) Addr() string { return c.phone.Addr() }

// Run serves until ctx ends. Calls that are up then are faults of the dialer:
// they are written down and ended by BYE. It returns the journal's error.
func (c *Carrier) Run(ctx context.Context) error {
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error, 1)
	go func() { stopped <- c.phone.Run(inner) }()
	<-ctx.Done()
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	close(c.ending)
	c.waitScripts(3 * time.Second)
	stop()
	<-stopped
	return c.journal.Err()
}

// waitScripts gives the calls that are up time to be ended properly.
func (c *Carrier) waitScripts(limit time.Duration) {
	over := make(chan struct{})
	go func() {
		c.scripts.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(limit):
	}
}

// Congest answers every INVITE with 503 for a while, as an overloaded carrier.
func (c *Carrier) Congest(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jammed = time.Now().Add(d)
}

// Stats is what was counted so far.
func (c *Carrier) Stats() Stats {
	return Stats{Invites: c.invites.Load(), Answered: c.answered.Load(), Persons: c.persons.Load(), Bridged: c.bridged.Load(),
		Cancelled: c.cancelled.Load(), LateAnswers: c.lateAnswers.Load(), Faults: c.faults.Load(), Callbacks: c.callbacks.Load(), Served: c.served.Load(), Calls: c.phone.Calls(), Late: c.phone.Wheel().Late()}
}

func (c *Carrier) fault(f phone.Fault) {
	c.faults.Add(1)
	c.journal.Note(Event{Event: "fault", Call: f.Call, What: f.What, Detail: f.Detail})
}

// enter counts a script in, unless the carrier is closing.
func (c *Carrier) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.scripts.Add(1)
	}
	return !c.closing
}

// behaviour is what the next call of a number meets, and which of its calls that is.
func (c *Carrier) behaviour(number string) (b Behaviour, attempt int) {
	c.mu.Lock()
	c.attempts[number]++
	attempt = c.attempts[number]
	jammed := time.Now().Before(c.jammed)
	_, onLine := c.onLine[number]
	c.mu.Unlock()
	switch {
	case jammed:
		return Behaviour{Kind: Congestion, RetryAfter: 2}, attempt
	case onLine:
		return Behaviour{Kind: Busy}, attempt
	}
	return Plan(c.cfg, number, attempt), attempt
}

// sideOf is who ended a call, in the words of the journal.
func sideOf(e phone.End) string {
	if e.By == phone.Local {
		return "carrier"
	}
	return "dialer"
}
