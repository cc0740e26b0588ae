package operators

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const within = 15 * time.Second

// product stands in for the dialer: the public API, a registrar, nailed-up
// legs, and customers who talk as soon as they hear an operator.
type product struct {
	t         *testing.T
	sip       *phone.Phone
	customers *phone.Phone
	api       *httptest.Server
	calls     int // customers for each operator
	want      int // dispositions in all

	bindings sync.Mutex
	contacts map[string]string

	mu       sync.Mutex
	people   map[string]*person
	disposed []string
	machines []string        // attempts
	formFor  map[string]bool // attempts whose form was opened
	offDuty  int
	allDone  chan struct{}
}

// person is one operator as the product sees it. mu of the product guards it.
type person struct {
	user     string
	state    map[string]any
	stream   chan map[string]any
	leg      *phone.Call
	customer *phone.Call
	part     func()
	calls    int
}

func newProduct(t *testing.T, people, calls int, customer func(*phone.Call)) *product {
	p := &product{t: t, calls: calls, want: people * calls, contacts: map[string]string{}, people: map[string]*person{}, formFor: map[string]bool{}, allDone: make(chan struct{})}
	var err error
	p.sip, err = phone.New(phone.Config{Challenge: &phone.Challenge{Password: "sip-secret", Realm: "outpace"}, OnRegister: func(user, contact string, bound bool) {
		p.bindings.Lock() // not mu: it is held while the phone is called
		defer p.bindings.Unlock()
		p.contacts[user] = contact
		if !bound {
			delete(p.contacts, user)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.customers, err = phone.New(phone.Config{OnCall: customer})
	if err != nil {
		t.Fatal(err)
	}
	p.api = httptest.NewServer(p.routes())
	return p
}

// talkWhenSpokenTo is a customer: silent until the operator's tone comes.
func talkWhenSpokenTo(c *phone.Call) {
	var once sync.Once
	c.Audio.Listen(func(packet *phone.Packet) {
		if phone.Level(packet.PCM) > loud && phone.ToneShare(packet.PCM, 1100) > toneShare {
			once.Do(func() { c.Audio.Play(&phone.Tone{Hz: 700, Peak: 8000}) })
		}
	})
	c.Answer() //nolint:errcheck // the product's call would not come up
	<-c.Done()
}

func (p *product) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ User, Password string }
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.Password != "api-secret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"token":%q}`, in.User)
	})
	mux.HandleFunc("GET /api/v1/operator", p.signedIn(func(w http.ResponseWriter, _ *http.Request, o *person) {
		p.mu.Lock()
		defer p.mu.Unlock()
		json.NewEncoder(w).Encode(o.state) //nolint:errcheck // the client would notice
	}))
	mux.HandleFunc("GET /api/v1/events/stream", p.signedIn(p.stream))
	for path, f := range map[string]func(*person, map[string]any) int{"on-duty": p.onDuty, "off-duty": p.goOff, "ready": p.ready, "pause": p.pause, "hangup": p.hangup, "machine": p.machine, "stage": p.stage, "disposition": p.dispose} {
		mux.HandleFunc("POST /api/v1/operator/"+path, p.signedIn(func(w http.ResponseWriter, r *http.Request, o *person) {
			in := map[string]any{}
			json.NewDecoder(r.Body).Decode(&in) //nolint:errcheck // some have no body
			w.WriteHeader(f(o, in))
		}))
	}
	return mux
}

func (p *product) signedIn(f func(http.ResponseWriter, *http.Request, *person)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		p.mu.Lock()
		o := p.people[user]
		if o == nil {
			o = &person{user: user, stream: make(chan map[string]any, 64), state: map[string]any{"user": user, "state": "offline"}}
			p.people[user] = o
		}
		p.mu.Unlock()
		f(w, r, o)
	}
}

func (p *product) stream(w http.ResponseWriter, r *http.Request, o *person) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	fmt.Fprint(w, ": hello\n\n")
	w.(http.Flusher).Flush()
	for {
		select {
		case s := <-o.stream:
			b, _ := json.Marshal(s) //nolint:errcheck // plain values
			fmt.Fprintf(w, "event: operator\ndata: %s\n\n", b)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// set changes the state and tells it. mu is held.
func (o *person) set(state string, more map[string]any) {
	o.state = map[string]any{"user": o.user, "state": state, "verdict_at": "", "since": time.Now()}
	for k, v := range more {
		o.state[k] = v
	}
	o.stream <- o.state
}

func (p *product) onDuty(o *person, _ map[string]any) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bindings.Lock()
	contact := p.contacts[o.user]
	p.bindings.Unlock()
	if contact == "" || o.leg != nil {
		return http.StatusConflict
	}
	leg, err := p.sip.Call(phone.Dial{To: contact, Number: o.user})
	if err != nil {
		p.t.Error(err)
		return http.StatusInternalServerError
	}
	o.leg = leg
	o.set("connecting", nil)
	go func() {
		select {
		case <-leg.Answered():
		case <-leg.Done():
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		o.set("paused", map[string]any{"reason": "signed in"})
	}()
	return http.StatusNoContent
}

// ready gives the operator a customer at once.
func (p *product) ready(o *person, _ map[string]any) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.set("ready", nil)
	if o.calls == p.calls {
		return http.StatusNoContent
	}
	o.calls++
	customer, err := p.sip.Call(phone.Dial{To: p.customers.Addr(), Number: "+15550001"})
	if err != nil {
		p.t.Error(err)
		return http.StatusInternalServerError
	}
	o.customer = customer
	go func() {
		select {
		case <-customer.Answered():
		case <-customer.Done():
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		o.part = phone.Join(customer.Audio, o.leg.Audio)
		now := time.Now().Format(time.RFC3339Nano)
		o.set("talking", map[string]any{"attempt": fmt.Sprint(o.user, o.calls), "call_id": customer.ID, "verdict_at": now, "bridged_at": now})
	}()
	return http.StatusNoContent
}

func (p *product) hangup(o *person, _ map[string]any) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.customer == nil {
		return http.StatusConflict
	}
	o.part()
	o.customer.Hangup()
	o.customer = nil
	o.set("wrapping", map[string]any{"attempt": fmt.Sprint(o.user, o.calls)})
	return http.StatusNoContent
}

func (p *product) stage(_ *person, in map[string]any) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in["stage"] != "form" {
		return http.StatusUnprocessableEntity
	}
	p.formFor[fmt.Sprint(in["attempt"])] = true
	return http.StatusNoContent
}

func (p *product) dispose(o *person, in map[string]any) int {
	p.mu.Lock()
	if !p.formFor[fmt.Sprint(in["attempt"])] {
		p.t.Errorf("attempt %v: a disposition without an open form", in["attempt"])
	}
	p.disposed = append(p.disposed, fmt.Sprint(in["attempt"], " ", in["disposition"]))
	if len(p.disposed) == p.want {
		close(p.allDone)
	}
	p.mu.Unlock()
	return p.ready(o, nil)
}

func (p *product) pause(o *person, _ map[string]any) int { return http.StatusConflict }

func (p *product) goOff(o *person, _ map[string]any) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offDuty++
	o.leg.Hangup()
	return http.StatusNoContent
}

// run works the operators until each has had its customers, and returns what
// they wrote down.
func (p *product) run(t *testing.T, cfg Config) ([]phone.Event, Stats) {
	t.Helper()
	var log bytes.Buffer
	cfg.API, cfg.SIP, cfg.Log = p.api.URL, p.sip.Addr(), &log
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	cfg.HTTP = &http.Client{Transport: transport}
	room, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sipCtx, stopSIP := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	var sip, work sync.WaitGroup
	sip.Go(func() { p.sip.Run(sipCtx) })       //nolint:errcheck // always nil
	sip.Go(func() { p.customers.Run(sipCtx) }) //nolint:errcheck // always nil
	work.Go(func() {
		if err := room.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-p.allDone:
	case <-time.After(within):
		t.Errorf("operators are not done within %v", within)
	}
	stop()
	eventually.Ends(t, within, "the operators end", work.Wait)
	stopSIP()
	eventually.Ends(t, within, "the phones end", sip.Wait)
	transport.CloseIdleConnections()
	p.api.Close()
	events, err := phone.ReadJournal(&log)
	if err != nil {
		t.Error(err)
	}
	return events, room.Stats()
}

func TestOperatorsWorkByAPIAndPhone(t *testing.T) {
	const people, calls = 3, 2
	p := newProduct(t, people, calls, talkWhenSpokenTo)
	var users []Credential
	for i := range people {
		users = append(users, Credential{User: fmt.Sprintf("op%d", i), Password: "api-secret", SIPPassword: "sip-secret"})
	}
	// The customers never hang up, so every call is ended by its operator.
	everyCall := Config{Users: users, Seed: 2, TalkMean: 500 * time.Millisecond, WrapMean: 100 * time.Millisecond, FormMean: 50 * time.Millisecond, PauseProbability: -1, endAll: true}
	events, stats := p.run(t, everyCall)

	if stats.Bridges != people*calls || stats.Heard != people*calls || stats.Lost != 0 || stats.Dispositions != people*calls || stats.Forms != people*calls || stats.Faults != 0 || stats.LegsUp != 0 {
		t.Errorf("stats = %+v", stats)
	}
	if len(p.disposed) != people*calls || p.offDuty != people || len(p.contacts) != 0 {
		t.Errorf("dispositions %v, off duty %d, still registered %v", p.disposed, p.offDuty, p.contacts)
	}
	count := map[string]int{}
	for _, e := range events {
		count[e.Event]++
		switch e.Event {
		case "marks":
			if e.Lost != 0 || e.Received != e.Last-e.First+1 || e.Stream != phone.StreamID(e.Call) || e.Received < 10 {
				t.Errorf("marks = %+v", e)
			}
		case "first_tone":
			if e.Hz != 700 || e.Stream != phone.StreamID(e.Call) || e.FirstAt.IsZero() || e.FirstAt.After(e.T) {
				t.Errorf("first tone = %+v", e)
			}
		case "fault":
			t.Errorf("fault = %+v", e)
		}
	}
	for event, want := range map[string]int{"marks": people * calls, "first_tone": people * calls, "disposition": people * calls, "leg_up": people, "leg_down": people} {
		if count[event] != want {
			t.Errorf("%s lines = %d, want %d", event, count[event], want)
		}
	}
}

func TestReadEvents(t *testing.T) {
	var got []string
	err := readEvents(strings.NewReader(": hi\n\nevent: operator\ndata: {\"a\":\ndata: 1}\n\nid: 4\ndata: x\n\nevent: cut"), func(event, data string) error {
		got = append(got, event+"="+data)
		return nil
	})
	if err == nil || fmt.Sprint(got) != `[operator={"a":1} =x]` {
		t.Errorf("events = %v, %v", got, err)
	}
}
