package phone

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Event is one line of the journal that the far ends write (NDJSON). Event
// says what happened; the packages carrier and operators list their events and
// the fields that each one has.
type Event struct {
	T     time.Time `json:"t"` // UTC, nanoseconds
	Event string    `json:"event"`

	Call     string `json:"call,omitempty"`      // Call-ID of the customer's leg
	Leg      string `json:"leg,omitempty"`       // Call-ID of an operator's leg
	Fork     int    `json:"fork,omitempty"`      // 1 for the second of two answers
	Number   string `json:"number,omitempty"`    // called
	Caller   string `json:"caller,omitempty"`    // user part of From
	FromAddr string `json:"from_addr,omitempty"` // where the INVITE came from
	Kind     string `json:"kind,omitempty"`      // who answers: person, machine, ...
	Code     int    `json:"code,omitempty"`      // SIP status
	By       string `json:"by,omitempty"`        // carrier or dialer
	From     string `json:"from,omitempty"`      // whose tone: operator or customer
	What     string `json:"what,omitempty"`      // kind of a fault
	Detail   string `json:"detail,omitempty"`

	Hz       float64  `json:"hz,omitempty"`
	Stream   uint32   `json:"stream,omitempty"` // of the customer's marks
	Mark     uint32   `json:"mark,omitempty"`   // a customer's mark: sent last, or heard first
	First    uint32   `json:"first,omitempty"`
	Last     uint32   `json:"last,omitempty"`
	Sent     uint32   `json:"sent,omitempty"`
	Received uint32   `json:"received,omitempty"`
	Lost     uint32   `json:"lost,omitempty"`   // gaps between First and Last
	Mixed    uint32   `json:"mixed,omitempty"`  // sounding packets without a mark right before First
	Late     [][2]int `json:"late,omitempty"`   // marks that left late: number, ms
	Spread   int      `json:"spread,omitempty"` // ms between the fastest and the slowest of a hundred packets

	FirstAt time.Time `json:"first_at,omitzero"`
	LastAt  time.Time `json:"last_at,omitzero"`

	User        string    `json:"user,omitempty"`
	State       string    `json:"state,omitempty"`
	Attempt     string    `json:"attempt,omitempty"`
	Disposition string    `json:"disposition,omitempty"`
	VerdictAt   time.Time `json:"verdict_at,omitzero"`
	BridgedAt   time.Time `json:"bridged_at,omitzero"`
}

// Journal writes events, one JSON object a line, each with a single Write. It
// is safe for use by many goroutines; far ends that are given the same Journal
// as their writer share it.
type Journal struct {
	mu  sync.Mutex
	out io.Writer
	err error
}

// NewJournal writes to w; nil is a journal that forgets. A w that is a Journal
// already is returned as it is.
func NewJournal(w io.Writer) *Journal {
	if j, ok := w.(*Journal); ok && j != nil {
		return j
	}
	if w == nil {
		w = io.Discard
	}
	return &Journal{out: w}
}

// Write passes whole lines on, so that a Journal can be another's writer.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, err := j.out.Write(p)
	if err != nil && j.err == nil {
		j.err = err
	}
	return n, err
}

// Note writes an event, with the time now where it has none.
func (j *Journal) Note(e Event) {
	if j.out == io.Discard {
		return
	}
	if e.T.IsZero() {
		e.T = time.Now()
	}
	e.T = e.T.UTC()
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // plain values always marshal
	}
	j.Write(append(line, '\n')) //nolint:errcheck // kept for Err
}

// Err is the first error of the writer.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// ReadJournal reads what a Journal wrote. A last line that was cut short by a
// crash is left out; any other broken line is an error that names it.
func ReadJournal(r io.Reader) ([]Event, error) {
	var events []Event
	in := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return events, fmt.Errorf("journal line %d: %w", number, err)
		}
		events = append(events, e)
	}
}
