package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// Who speaks in which tone; 50 Hz apart is enough to tell them in a frame.
const (
	annaHz   = 1100.0
	bertHz   = 1500.0
	lawyerHz = 1900.0
	musicHz  = 2300.0
)

const lawyerNumber = "+9997790001"

// voice is one end of a call that speaks in a tone and can be asked what it hears.
type voice struct {
	name string
	hz   float64
	*phone.Call

	mu     sync.Mutex
	frames [][]int16 // the last that came
	digits string
}

// keptFrames are judged together: 100 ms.
const keptFrames = 5

func speak(name string, hz float64, c *phone.Call) *voice {
	v := &voice{name: name, hz: hz, Call: c}
	c.Audio.Play(&phone.Tone{Hz: hz, Peak: 6000})
	c.Audio.OnDigit(func(r rune) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.digits += string(r)
	})
	c.Audio.Listen(func(p *phone.Packet) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.frames = append(v.frames, append([]int16(nil), p.PCM...))
		v.frames = v.frames[max(0, len(v.frames)-keptFrames):]
	})
	return v
}

// heardNow says which tones are in everything that came last.
func (v *voice) heardNow() map[float64]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	heard := map[float64]bool{}
	for _, hz := range []float64{customerHz, annaHz, bertHz, lawyerHz, musicHz} {
		there := len(v.frames) == keptFrames
		for _, f := range v.frames {
			there = there && phone.Level(f) > loud && phone.ToneShare(f, hz) > 0.15
		}
		heard[hz] = there
	}
	return heard
}

// hears waits until v hears exactly these tones.
func (v *voice) hears(t *testing.T, tones ...float64) {
	t.Helper()
	eventually(t, 15*time.Second, fmt.Sprintf("%s hears %v", v.name, tones), func() (bool, any) {
		heard, want := v.heardNow(), map[float64]bool{}
		for _, hz := range tones {
			want[hz] = true
		}
		for hz, there := range heard {
			if there != want[hz] {
				return false, heard
			}
		}
		return true, heard
	})
}

// line is a carrier in the test's hand: whoever is called answers at once and speaks.
type line struct {
	*phone.Phone
	mu    sync.Mutex
	calls map[string]chan *voice // by number
}

func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{calls: map[string]chan *voice{}}
	var err error
	l.Phone, err = phone.New(phone.Config{User: "carrier", TCP: true, OnCall: func(c *phone.Call) {
		if c.Answer() != nil {
			return
		}
		hz := float64(customerHz)
		if c.Number == lawyerNumber[1:] || c.Number == lawyerNumber {
			hz = lawyerHz
		}
		l.at(c.Number) <- speak(c.Number, hz, c)
		<-c.Done()
	}, OnFault: func(f phone.Fault) { t.Errorf("the dialer broke protocol: %+v", f) }})
	must(t, err)
	testbed.RunUntilCleanup(t, "carrier", l.Run)
	return l
}

func (l *line) at(number string) chan *voice {
	if number[0] == '+' {
		number = number[1:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls[number] == nil {
		l.calls[number] = make(chan *voice, 4)
	}
	return l.calls[number]
}

// answered waits until somebody at a number is on the line.
func (l *line) answered(t *testing.T, number string) *voice {
	t.Helper()
	select {
	case v := <-l.at(number):
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("%s was not called", number)
		return nil
	}
}

func ended(t *testing.T, v *voice) {
	t.Helper()
	select {
	case <-v.Done():
	case <-time.After(15 * time.Second):
		t.Fatalf("%s is still on the line", v.name)
	}
}

// liveView is what an operator's view says of a talk.
type liveView struct {
	State, Talk string
	HeldSince   time.Time `json:"held_since"`
	Muted       bool
	Third       *struct{ Operator, Number string }
	AskedBy     string `json:"asked_by"`
}

func (d *desk) wantTalk(t *testing.T, state, talk string) liveView {
	t.Helper()
	var v liveView
	must(t, d.do(t.Context(), http.MethodGet, "/api/v1/operator", nil, &v))
	if v.State != state || v.Talk != talk {
		t.Errorf("%s is %s, the talk %q; want %s, %q", d.user, v.State, v.Talk, state, talk)
	}
	return v
}

// TestTalk has an operator do with talks what can be done with them, and tells by
// tones who hears whom.
func TestTalk(t *testing.T) {
	t.Parallel()
	far := newLine(t)
	prompts := t.TempDir()
	writeWAV(t, filepath.Join(prompts, "our-song.wav"), tone(musicHz, 500))
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedOperator(t, s, "bert", "4712")
		must(t, app.AddUser(t.Context(), s, app.NewUser{ID: "chief", Name: "Chief", Role: campaigns.RoleAdmin, Password: apiPassword("chief"), SeesNumbers: new(true)}))
		seedCampaign(t, s, campaigns.Campaign{
			ID: "talk", Trunks: "line", Detection: "off", HoldMusic: "our-song", TransferNumbers: []string{"+99977900*"},
		}, "+9997780001", "+9997780002")
	})
	p.env = append(p.env, "OUTPACE_MEDIA__PROMPT_DIR="+prompts)
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)

	sit := func(user string, hz float64) (*desk, *voice) {
		d, handset := p.sitDown(t, user), newSoftphone(t, p, user)
		must(t, d.ask(t.Context(), "on-duty", nil))
		v := speak(user, hz, handset.takeLeg(t))
		_, err := d.await(t.Context(), "paused", 15*time.Second)
		must(t, err)
		return d, v
	}
	anna, annaHears := sit("anna", annaHz)
	bert, bertHears := sit("bert", bertHz)
	do := func(d *desk, what string, in any) {
		t.Helper()
		must(t, d.ask(t.Context(), what, in))
	}
	to := func(key, who string) map[string]any { return map[string]any{"to": map[string]string{key: who}} }

	do(anna, "ready", nil)
	customer := far.answered(t, "+9997780001")
	customer.hears(t, annaHz)
	annaHears.hears(t, customerHz)

	do(anna, "hold", nil)
	customer.hears(t, musicHz)
	annaHears.hears(t)
	if v := anna.wantTalk(t, "talking", "held"); v.HeldSince.IsZero() {
		t.Error("held since no time")
	}
	do(anna, "resume", nil)
	customer.hears(t, annaHz)
	do(anna, "mute", nil)
	customer.hears(t)
	annaHears.hears(t, customerHz)
	do(anna, "unmute", nil)
	customer.hears(t, annaHz)
	do(anna, "digits", map[string]string{"digits": "12#"})
	eventually(t, 5*time.Second, "keys at the customer's", func() (bool, any) {
		customer.mu.Lock()
		defer customer.mu.Unlock()
		return customer.digits == "12#", customer.digits
	})

	for _, number := range []string{"+48225550100", "+9117790001"} { // not the campaign's
		if err := anna.ask(t.Context(), "consult", to("number", number)); err == nil {
			t.Errorf("%s was called", number)
		}
	}
	do(anna, "consult", to("number", lawyerNumber))
	lawyer := far.answered(t, lawyerNumber)
	annaHears.hears(t, lawyerHz)
	lawyer.hears(t, annaHz)
	customer.hears(t, musicHz)
	do(anna, "confer", nil)
	customer.hears(t, annaHz, lawyerHz)
	annaHears.hears(t, customerHz, lawyerHz)
	lawyer.hears(t, annaHz, customerHz)
	do(anna, "return", nil)
	ended(t, lawyer)
	customer.hears(t, annaHz)

	must(t, bert.ask(t.Context(), "ready", nil)) // there is a second lead: bert's own call
	second := far.answered(t, "+9997780002")
	bertHears.hears(t, customerHz)
	if err := anna.ask(t.Context(), "consult", to("operator", "bert")); err == nil {
		t.Error("an operator in a talk was asked into another one")
	}
	second.Hangup()
	_, err := bert.await(t.Context(), "wrapping", 10*time.Second)
	must(t, err)
	do(bert, "disposition", map[string]string{"disposition": "sale"})

	do(anna, "consult", to("operator", "bert"))
	annaHears.hears(t, bertHz)
	bertHears.hears(t, annaHz)
	customer.hears(t, musicHz)
	if v := bert.wantTalk(t, "talking", "consulting"); v.AskedBy != "anna" {
		t.Errorf("asked by %q", v.AskedBy)
	}
	do(anna, "confer", nil)
	customer.hears(t, annaHz, bertHz)
	annaHears.hears(t, customerHz, bertHz)
	bertHears.hears(t, customerHz, annaHz)
	do(anna, "transfer", nil)
	customer.hears(t, bertHz)
	bertHears.hears(t, customerHz)
	annaHears.hears(t)
	anna.wantTalk(t, "wrapping", "")
	bert.wantTalk(t, "talking", "bridged")
	do(anna, "disposition", map[string]string{"disposition": "not_interested"})
	anna.wantTalk(t, "ready", "")

	do(bert, "transfer", to("number", lawyerNumber)) // away, without asking
	lawyer = far.answered(t, lawyerNumber)
	customer.hears(t, lawyerHz)
	lawyer.hears(t, customerHz)
	bert.wantTalk(t, "wrapping", "")
	do(bert, "disposition", map[string]string{"disposition": "sale"})
	lawyer.Hangup()
	ended(t, customer)

	eventually(t, 10*time.Second, "both attempts are over", func() (bool, any) {
		all := boss.attempts(t, "talk")
		for _, a := range all {
			if a.Outcome != campaigns.Connected || a.Disposition != "sale" || a.Operator != "bert" {
				return false, fmt.Sprintf("%+v", a)
			}
		}
		return len(all) == 2, len(all)
	})
	p.wantMetric(t, 10*time.Second, `dialer_sip_legs{agent="trunk"}`, 0)
	for _, a := range boss.attempts(t, "talk") {
		wantSoundFigures(t, a)
	}
	wantTrunkFigures(t, boss, "line", 2)
	var audit struct{ Items []campaigns.AuditEntry }
	must(t, p.signIn(t, "chief", apiPassword("chief")).do(t.Context(), http.MethodGet, "/api/v1/audit?action=call.transfer", nil, &audit))
	var transfers []string // newest first
	for _, e := range audit.Items {
		transfers = append(transfers, string(e.By)+" "+e.After)
	}
	if want := []string{`bert {"number":"` + lawyerNumber + `"}`, `anna {"operator":"bert"}`}; !slices.Equal(transfers, want) {
		t.Errorf("in the audit log: %q, want %q", transfers, want)
	}
}
