package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

const (
	pacedNumber = "+9997790001"
	ownNumber   = "+9997790002"
	dncNumber   = "+9997790003"
	nightNumber = "+9997790004"
)

// ringer is a carrier in the test's hand: it sends music before the answer, or rings, until the
// test says what becomes of a call.
type ringer struct {
	*phone.Phone
	mu     sync.Mutex
	called []string
	calls  chan *phone.Call
}

func newRinger(t *testing.T) *ringer {
	t.Helper()
	r := &ringer{calls: make(chan *phone.Call, 8)}
	var err error
	r.Phone, err = phone.New(phone.Config{User: "carrier", TCP: true, OnCall: func(c *phone.Call) {
		r.mu.Lock()
		r.called = append(r.called, "+"+strings.TrimPrefix(c.Number, "+"))
		r.mu.Unlock()
		early := strings.HasSuffix(c.Number, ownNumber[1:])
		if early && c.Ring(183, "Session Progress", true) == nil {
			c.Audio.Play(&phone.Tone{Hz: musicHz, Peak: 6000})
		} else if !early && c.Ring(180, "Ringing", false) != nil {
			return
		}
		r.calls <- c
		<-c.Done()
	}, OnFault: func(f phone.Fault) { t.Errorf("the dialer broke protocol: %+v", f) }})
	must(t, err)
	testbed.RunUntilCleanup(t, "the receiver", r.Run)
	return r
}

// next waits for a call to a number.
func (r *ringer) next(t *testing.T, number string) *phone.Call {
	t.Helper()
	select {
	case c := <-r.calls:
		if !strings.HasSuffix(c.Number, number[1:]) {
			t.Fatalf("%s was called, want %s", c.Number, number)
		}
		return c
	case <-time.After(20 * time.Second):
		t.Fatalf("%s was not called", number)
		return nil
	}
}

// refused sends a request that must be refused by a rule, and gives the answer.
func (c *client) refused(t *testing.T, path string, in any, code string) string {
	t.Helper()
	_, err := c.raw(t.Context(), http.MethodPost, path, in)
	if err == nil || !strings.Contains(err.Error(), ": 409: ") || !strings.Contains(err.Error(), `"`+code+`"`) {
		t.Errorf("%s %v: %v; want the refusal %s", path, in, err, code)
		return ""
	}
	return err.Error()
}

// TestManualCall has a CRM call a chosen person for an operator in a pause, over a real trunk: the
// operator hears what the carrier sends, then the person with the answer. What the rules forbid is
// refused in their name and nobody's phone rings.
func TestManualCall(t *testing.T) {
	t.Parallel()
	far := newRinger(t)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedOperator(t, s, "bert", "4712")
		seedCampaign(t, s, campaigns.Campaign{ID: "hand", Trunks: "line", Detection: "before", ManualDial: true}, pacedNumber, ownNumber, dncNumber)
		night := campaigns.Number{E164: nightNumber, Kind: campaigns.Mobile, Zones: []string{testbed.NightZone(time.Now())}, Regions: []string{"DEMO"}}
		_, err := s.AddLeads(t.Context(), "hand", []campaigns.Lead{{ExternalID: "night", Name: "Night", Numbers: []campaigns.Number{night}}})
		must(t, err)
		must(t, s.Suppress(t.Context(), campaigns.Suppression{E164: dncNumber, Reason: "asked by letter", Source: "import", At: time.Now()}))
	})
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)
	var made struct{ Token string }
	must(t, boss.do(t.Context(), http.MethodPost, "/api/v1/tokens", map[string]any{"name": "crm", "scopes": []string{"manual.dial.for"}}, &made))
	crm := &client{base: boss.base, user: manager, token: made.Token}

	anna, handset := p.sitDown(t, "anna"), newSoftphone(t, p, "anna")
	must(t, anna.ask(t.Context(), "on-duty", nil))
	hears := speak("anna", annaHz, handset.takeLeg(t))
	_, err := anna.await(t.Context(), "paused", 15*time.Second)
	must(t, err)

	if why := crm.refused(t, "/api/v1/operators/anna/call", map[string]string{"list": "hand", "external_id": "night"}, "refused_window"); !strings.Contains(why, "DEMO") {
		t.Errorf("refused: %s; want the rule that closes the hours", why)
	}
	if why := anna.refused(t, "/api/v1/operator/call", map[string]string{"number": dncNumber}, "refused_do_not_call"); !strings.Contains(why, "asked by letter") {
		t.Errorf("refused: %s; want why it is listed", why)
	}

	var placed struct{ Attempt campaigns.AttemptID }
	must(t, crm.do(t.Context(), http.MethodPost, "/api/v1/operators/anna/call", map[string]string{"list": "hand", "external_id": "hand1"}, &placed))
	call := far.next(t, ownNumber)
	hears.hears(t, musicHz)
	var ringing struct {
		State string
		Own   struct {
			Attempt campaigns.AttemptID
			State   string
		} `json:"own_call"`
	}
	must(t, anna.do(t.Context(), http.MethodGet, "/api/v1/operator", nil, &ringing))
	if ringing.State != "reserved" || ringing.Own.State != "ringing" || ringing.Own.Attempt != placed.Attempt {
		t.Errorf("while it rings: %+v, want attempt %s ringing", ringing, placed.Attempt)
	}
	must(t, call.Answer())
	customer := speak("customer", customerHz, call)
	hears.hears(t, customerHz)
	customer.hears(t, annaHz)
	anna.wantTalk(t, "talking", "bridged")
	call.Hangup()
	_, err = anna.await(t.Context(), "wrapping", 15*time.Second)
	must(t, err)
	must(t, anna.ask(t.Context(), "disposition", map[string]string{"disposition": "sale"}))
	_, err = anna.await(t.Context(), "paused", 15*time.Second)
	must(t, err)

	bert, second := p.sitDown(t, "bert"), newSoftphone(t, p, "bert")
	must(t, bert.ask(t.Context(), "on-duty", nil))
	second.takeLeg(t)
	_, err = bert.await(t.Context(), "paused", 15*time.Second)
	must(t, err)
	must(t, bert.ask(t.Context(), "ready", nil))
	paced := far.next(t, pacedNumber)
	anna.refused(t, "/api/v1/operator/call", map[string]string{"number": pacedNumber}, "refused_lead_taken")
	paced.Reject(486, "Busy Here")

	eventually(t, 15*time.Second, "both attempts have ended", func() (bool, any) {
		all := boss.attempts(t, "hand")
		return len(all) == 2 && all[0].Outcome == campaigns.Busy && all[1].Outcome == campaigns.Connected, all
	})
	own := boss.attempts(t, "hand")[1]
	if own.ID != placed.Attempt || own.Operator != "anna" || own.Decision.By != "anna" || own.Disposition != "sale" || !own.BridgedAt.Equal(own.VerdictAt) {
		t.Errorf("attempt = %+v, want anna's, bridged as soon as it was answered", own)
	}
	far.mu.Lock()
	defer far.mu.Unlock()
	if len(far.called) != 2 {
		t.Errorf("called: %q, want one number by hand and one by pacing", far.called)
	}
}
