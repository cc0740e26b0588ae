package operators

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// sayNothing is a customer without the tone of one.
func sayNothing(c *phone.Call) {
	c.Answer() //nolint:errcheck // the product's call would not come up
	<-c.Done()
}

// machine takes the operator's word of each first customer, and refuses it of others.
func (p *product) machine(o *person, in map[string]any) int {
	p.mu.Lock()
	if o.customer == nil || o.calls > 1 {
		p.mu.Unlock()
		return http.StatusConflict
	}
	p.machines = append(p.machines, fmt.Sprint(in["attempt"]))
	o.part()
	o.customer.Hangup()
	o.customer = nil
	p.mu.Unlock()
	return p.ready(o, nil)
}

// Who hears no customer says that a machine answered, and has the next one without a
// wrap-up; where that is refused they hang up.
func TestOperatorsSayMachine(t *testing.T) {
	p := newProduct(t, 1, 2, sayNothing)
	p.want = 1
	events, stats := p.run(t, Config{
		Users: []Credential{{User: "op0", Password: "api-secret", SIPPassword: "sip-secret"}}, Seed: 2,
		WrapMean: 100 * time.Millisecond, FormMean: 50 * time.Millisecond, PauseProbability: -1, deadAir: 500 * time.Millisecond,
	})
	if !slices.Equal(p.machines, []string{"op01"}) || len(p.disposed) != 1 {
		t.Errorf("machines %v, dispositions %v", p.machines, p.disposed)
	}
	if stats.Bridges != 2 || stats.Heard != 0 || stats.Machines != 1 || stats.Hangups != 1 || stats.Dispositions != 1 || stats.Faults != 0 {
		t.Errorf("stats = %+v", stats)
	}
	said := 0
	for _, e := range events {
		switch e.Event {
		case "said_machine":
			if said++; e.Attempt != "op01" || e.Call == "" {
				t.Errorf("said of %+v", e)
			}
		case "fault":
			t.Errorf("fault = %+v", e)
		}
	}
	if said != 1 {
		t.Errorf("%d lines of a machine, want 1", said)
	}
}
