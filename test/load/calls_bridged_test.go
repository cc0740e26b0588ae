package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
)

// bridgedMemory is what a talk holds: the signalling and the audio of the customer's leg
// and of the operator's, what is left of the detector, the recording. It is measured from
// operators who have signed in and whose phones have registered, and are not called yet.
func bridgedMemory(b *testing.B, calls int) {
	const warm = 4
	far, people := startPeople(b), operatorNames(warm+calls)
	p := startProduct(b, far, setting{cps: 100, channels: 2000, recording: campaigns.RecordAlways, operators: people})
	p.do(order{Leads: 2 * calls})
	room := newRoom(b, p, people)
	room.ready(b, room.tokens[:warm])
	before := p.do(order{Calls: warm, AtOnce: warm, Until: "bridged", Figures: true, GC: true}).Figures
	room.ready(b, room.tokens[warm:])
	legs := p.do(order{Figures: true, GC: true}).Figures
	bridged := p.do(order{Calls: calls, AtOnce: warm + calls, Until: "bridged", Figures: true, GC: true, Heap: profile()}).Figures
	for _, f := range []*figures{&before, &legs, &bridged} {
		f.Heap = f.Live // four hundred legs make garbage while it is read
	}
	reportMemory(b, before, bridged, calls)
	b.ReportMetric((float64(legs.Heap+legs.Stacks)-float64(before.Heap+before.Stacks))/float64(calls), "operator's-leg-B/call")
	_ = p.cmd.Process.Kill() // nobody waits for the talks to end
}

// startPeople is a carrier at which everybody answers soon, says something and stays.
func startPeople(tb testing.TB) *farEnd {
	tb.Helper()
	c, err := carrier.New(carrier.Config{Seed: 1, Behave: func(string, int) (carrier.Behaviour, bool) {
		return carrier.Behaviour{Kind: carrier.Person, Ring: 300 * time.Millisecond, Talk: time.Hour, Patience: time.Hour}, true
	}})
	must(tb, err)
	runFar(tb, c.Run)
	return &farEnd{address: c.Addr()}
}

// runFar runs a far end until the test is over.
func runFar(tb testing.TB, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = run(ctx) }) // what it finds wrong after the kill is no matter
	tb.Cleanup(func() { cancel(); wg.Wait() })
}

func operatorNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("op%03d", i+1)
	}
	return names
}

// room is operators with phones that answer by themselves.
type room struct {
	api    string
	tokens []string
	legs   chan struct{}
}

func newRoom(tb testing.TB, p *product, people []string) *room {
	tb.Helper()
	r := &room{api: "http://" + p.http, legs: make(chan struct{}, len(people))}
	wheel := phone.NewWheel()
	runFar(tb, func(ctx context.Context) error { wheel.Run(ctx); return nil })
	for _, name := range people {
		far, err := phone.New(phone.Config{User: name, Password: phonePassword, Registrar: p.phones, Wheel: wheel, OnCall: func(c *phone.Call) {
			if c.Answer() == nil {
				<-c.Answered()
				r.legs <- struct{}{}
				<-c.Done()
			}
		}})
		must(tb, err)
		runFar(tb, far.Run)
		_, _, err = far.Register(tb.Context(), time.Hour)
		must(tb, err)
		var signedIn struct{ Token string }
		r.post(tb, "login", "", map[string]string{"user": name, "password": password}, &signedIn)
		r.tokens = append(r.tokens, signedIn.Token)
	}
	return r
}

// ready has some come on duty, and wait for a call.
func (r *room) ready(tb testing.TB, tokens []string) {
	tb.Helper()
	for _, token := range tokens {
		r.post(tb, "operator/on-duty", token, nil, nil)
		select {
		case <-r.legs:
		case <-time.After(30 * time.Second):
			tb.Fatal("a phone was not called")
		}
		eventually.So(tb, 10*time.Second, "the operator is ready", func() bool { return r.try(tb, "operator/ready", token, nil, nil) < 300 })
	}
}

func (r *room) post(tb testing.TB, path, token string, in, out any) {
	tb.Helper()
	if status := r.try(tb, path, token, in, out); status >= 300 {
		tb.Fatalf("%s: status %d", path, status)
	}
}

// try sends a request on a connection that is not kept: what the product holds of it is
// nothing of a call.
func (r *room) try(tb testing.TB, path, token string, in, out any) (status int) {
	tb.Helper()
	var body bytes.Buffer
	if in != nil {
		must(tb, json.NewEncoder(&body).Encode(in))
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, r.api+"/api/v1/"+path, &body)
	must(tb, err)
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	must(tb, err)
	defer resp.Body.Close()
	if out != nil {
		must(tb, json.NewDecoder(resp.Body).Decode(out))
	}
	return resp.StatusCode
}
