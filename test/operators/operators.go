// Package operators is a room full of simulated operators. Each one has a SIP
// phone that registers and answers its nailed-up leg by itself, and a client
// of the public HTTP API: nothing of the product is reached in any other way.
// It is a judge: each operator writes down what came to its ear.
//
//	SSE: operator ─► operator loop ─► POST ready, hangup, machine, disposition, ...
//	                      │  tone on while talking
//	phone (RTP) ─► ear ───┘─► journal (NDJSON)
//
// # Journal
//
// Every line has t (RFC 3339, UTC, nanoseconds), event and user.
//
//	operator_state  state, attempt, call (of the customer's leg), number, verdict_at, bridged_at
//	first_tone      from "customer", call, attempt, hz, stream, mark (the first
//	                heard), first_at (when), t: when the tone began
//	marks           call, attempt, stream, first, last, received, lost (gaps), mixed
//	                (sounding packets without a mark right before the first one: a
//	                beep mixed into the customer's audio hides its marks), first_at, last_at
//	disposition     attempt, disposition
//	said_machine    call, attempt: the product took it from the operator that a machine answered
//	leg_up          leg (Call-ID of the operator's own leg)
//	leg_down        leg, by: operator or dialer
//	fault           what, detail
package operators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// Credential is one operator's way in.
type Credential struct {
	User        string // of the API and of the phone
	Password    string // of the API
	SIPPassword string
}

// Config says who works where, and how. Zero values mean the defaults.
type Config struct {
	API       string // base URL, such as "http://127.0.0.1:8080"
	SIP       string // registrar, host:port
	Transport string // of the phones: "udp" (default) or "tcp"
	Users     []Credential
	Seed      uint64
	// Speed divides how long operators talk, wrap up and pause; default 1.
	Speed            float64
	TalkMean         time.Duration // lognormal, default 60 s; half of the calls are ended by the operator after it
	WrapMean         time.Duration // lognormal, default 15 s
	FormMean         time.Duration // lognormal, default 5 s: how long before the end of a wrap the disposition form is opened
	PauseProbability float64       // after a wrap, default 0.02; negative for never
	PauseMean        time.Duration // lognormal, default 60 s
	OperatorHz       float64       // what operators talk in, default 1100
	CustomerHz       float64       // what they listen for, default 700
	OpenMic          bool          // they talk all the time, so that a customer hears when they were connected
	Log              io.Writer
	HTTP             *http.Client // default: one without a time limit on streams

	endAll  bool          // operators end every call
	deadAir time.Duration // default deadAir
}

func (cfg Config) withDefaults() Config {
	cfg.Speed = cmp.Or(cfg.Speed, 1)
	cfg.TalkMean = cmp.Or(cfg.TalkMean, time.Minute)
	cfg.WrapMean = cmp.Or(cfg.WrapMean, 15*time.Second)
	cfg.FormMean = cmp.Or(cfg.FormMean, 5*time.Second)
	cfg.PauseProbability = cmp.Or(cfg.PauseProbability, 0.02)
	cfg.PauseMean = cmp.Or(cfg.PauseMean, time.Minute)
	cfg.OperatorHz = cmp.Or(cfg.OperatorHz, 1100)
	cfg.CustomerHz = cmp.Or(cfg.CustomerHz, 700)
	cfg.deadAir = cmp.Or(cfg.deadAir, deadAir)
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	}
	return cfg
}

// Stats counts what the operators did and heard.
type Stats struct {
	Bridges      uint64         // calls that came to an operator
	Heard        uint64         // of these, with the customer's tone
	Lost         uint64         // customer packets that did not come between the first and the last of a call
	Dispositions uint64         // given
	Forms        uint64         // disposition forms opened
	Hangups      uint64         // by operators
	Machines     uint64         // of which operators said so
	Pauses       uint64         // taken
	Faults       uint64         // see the journal
	LegsUp       int            // now
	States       map[string]int // operators by state, now
}

// Operators is the room.
type Operators struct {
	cfg     Config
	journal *phone.Journal
	wheel   *phone.Wheel
	people  []*operator

	bridges, heard, lost, dispositions, forms, hangups, machines, pauses, faults atomic.Uint64
	legs                                                                         atomic.Int64
}

// New makes the operators and opens their phones; Run signs them in.
func New(cfg Config) (*Operators, error) {
	if cfg.API == "" || cfg.SIP == "" || len(cfg.Users) == 0 {
		return nil, errors.New("operators: API, SIP and Users are required")
	}
	cfg = cfg.withDefaults()
	room := &Operators{cfg: cfg, journal: phone.NewJournal(cfg.Log), wheel: phone.NewWheel()}
	for i, user := range cfg.Users {
		o, err := newOperator(room, user, rand.New(rand.NewPCG(cfg.Seed, uint64(i)+1)))
		if err != nil {
			return nil, fmt.Errorf("operators: %s: %w", user.User, err)
		}
		room.people = append(room.people, o)
	}
	return room, nil
}

// Run has the operators work until ctx ends; they then go off duty, unregister
// their phones and leave, within ten seconds. It returns the journal's error.
func (room *Operators) Run(ctx context.Context) error {
	wheelCtx, stopWheel := context.WithCancel(context.WithoutCancel(ctx))
	var wheel, people sync.WaitGroup
	wheel.Go(func() { room.wheel.Run(wheelCtx) })
	for _, o := range room.people {
		people.Go(func() { o.work(ctx) })
	}
	people.Wait()
	stopWheel()
	wheel.Wait()
	return room.journal.Err()
}

// Stats is what was counted so far.
func (room *Operators) Stats() Stats {
	s := Stats{Bridges: room.bridges.Load(), Heard: room.heard.Load(), Lost: room.lost.Load(), Dispositions: room.dispositions.Load(),
		Forms: room.forms.Load(), Hangups: room.hangups.Load(), Machines: room.machines.Load(), Pauses: room.pauses.Load(), Faults: room.faults.Load(), LegsUp: int(room.legs.Load()), States: map[string]int{}}
	for _, o := range room.people {
		s.States[*o.shown.Load()]++
	}
	return s
}

// Lateness is how late 99 of a hundred of all customers' packets came at most since it
// was asked for last, each against the fastest of its own leg in the same second, in
// whole milliseconds up to 511; and how many packets those were.
func (room *Operators) Lateness() (p99 time.Duration, packets int) {
	var all delays
	for _, o := range room.people {
		o.ear.takeLately(&all)
	}
	return time.Duration(all.at(0.99)) * time.Millisecond, int(all.count())
}

// lognormal draws a duration of people with the given mean and spread, divided
// by Speed.
func (room *Operators) lognormal(draw *rand.Rand, mean time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(mean) * math.Exp(sigma*draw.NormFloat64()-sigma*sigma/2) / room.cfg.Speed)
}
