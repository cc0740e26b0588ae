package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// welcomeHz is the announcement of these tests.
const welcomeHz = 2700.0

// misser is a carrier whose people miss every call; it remembers where the calls came
// from, so that it can call back.
type misser struct {
	*phone.Phone
	mu     sync.Mutex
	missed chan string // address of the dialer
}

func newMisser(t *testing.T, address string) *misser {
	t.Helper()
	return newRefuser(t, address, "Busy Here")
}

// newRefuser is one whose people are busy, in the words of the carrier.
func newRefuser(t *testing.T, address, reason string, headers ...phone.Header) *misser {
	t.Helper()
	m := &misser{missed: make(chan string, 10)}
	var err error
	m.Phone, err = phone.New(phone.Config{Address: address, User: "carrier", T1: 50 * time.Millisecond, OnCall: func(c *phone.Call) {
		m.missed <- c.From
		c.Reject(486, reason, headers...)
	}, OnFault: func(f phone.Fault) { t.Errorf("the dialer broke protocol: %+v", f) }})
	must(t, err)
	testbed.RunUntilCleanup(t, "carrier", m.Run)
	return m
}

// callsBack calls a number of ours from another.
func (m *misser) callsBack(t *testing.T, dialer, ours, from string) *voice {
	t.Helper()
	c, err := m.Call(phone.Dial{To: dialer, Number: ours, Caller: from})
	must(t, err)
	return speak(from, customerHz, c)
}

// hearsAtLeast waits until v hears a tone, whatever else.
func (v *voice) hearsAtLeast(t *testing.T, hz float64) {
	t.Helper()
	eventually(t, 15*time.Second, v.name+" hears a tone", func() (bool, any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		there := len(v.frames) == keptFrames
		for _, f := range v.frames {
			there = there && phone.Level(f) > loud && phone.ToneShare(f, hz) > 0.15
		}
		return there, len(v.frames)
	})
}

// refusedWith waits for the final response to a call that is not taken.
func (v *voice) refusedWith(t *testing.T, code int) {
	t.Helper()
	ended(t, v)
	if end := v.End(); end.WasUp || end.Code != code {
		t.Errorf("%s: %+v, want %d", v.name, end, code)
	}
}

// TestInbound has people call back whom the dialer called in vain: announcement, music,
// the operator with the lead on the screen, a recording; and has those refused who are
// not known, or not where they should be.
func TestInbound(t *testing.T) {
	t.Parallel()
	const lead, second = "+9997780001", "+9997780002"
	far := newMisser(t, "127.0.0.1:0")
	stranger := newMisser(t, "127.0.0.2:0")
	prompts := t.TempDir()
	writeWAV(t, filepath.Join(prompts, "our-song.wav"), tone(musicHz, 500))
	writeWAV(t, filepath.Join(prompts, "welcome.wav"), tone(welcomeHz, 1500))
	p := newProduct(t, trunkText("line", far.Addr(), `inbound: {numbers: ["`+callerID+`"]}`), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedCampaign(t, s, campaigns.Campaign{
			ID: "talk", Trunks: "line", Detection: "off", Recording: campaigns.RecordAlways,
			Inbound: campaigns.Inbound{Numbers: []string{callerID}, Announcement: "welcome", Music: "our-song"},
		}, lead, second)
		must(t, s.Suppress(t.Context(), campaigns.Suppression{E164: second, Reason: "asked", Source: "api", At: time.Now()}))
	})
	p.env = append(p.env, "OUTPACE_MEDIA__PROMPT_DIR="+prompts)
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)
	anna, handset := p.sitDown(t, "anna"), newSoftphone(t, p, "anna")
	must(t, anna.ask(t.Context(), "on-duty", nil))
	annaHears := speak("anna", annaHz, handset.takeLeg(t))
	_, err := anna.await(t.Context(), "paused", 15*time.Second)
	must(t, err)
	must(t, anna.ask(t.Context(), "ready", nil))
	var dialer string
	select {
	case dialer = <-far.missed:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was called")
	}
	must(t, anna.ask(t.Context(), "pause", map[string]string{"reason": "coffee"}))

	far.callsBack(t, dialer, callerID, "+9997789999").refusedWith(t, 603) // in no list
	far.callsBack(t, dialer, callerID, "anonymous").refusedWith(t, 433)
	far.callsBack(t, dialer, "+9995550002", lead).refusedWith(t, 404)
	stranger.callsBack(t, dialer, callerID, lead).refusedWith(t, 0) // nothing comes back at all

	impatient := far.callsBack(t, dialer, callerID, lead)
	impatient.hearsAtLeast(t, welcomeHz)
	impatient.Hangup()

	caller := far.callsBack(t, dialer, callerID, lead)
	caller.hearsAtLeast(t, welcomeHz)
	caller.hears(t, musicHz)
	p.wantMetric(t, 10*time.Second, `dialer_calls_active{campaign="talk",phase="inbound"}`, 1)
	must(t, anna.ask(t.Context(), "ready", nil))
	caller.hears(t, annaHz)
	annaHears.hears(t, customerHz)
	var v struct {
		Lead     *campaigns.Lead
		CalledIn *struct {
			CalledOutcome campaigns.Outcome `json:"called_outcome"`
			CalledAt      time.Time         `json:"called_at"`
			Number        string
		} `json:"called_in"`
	}
	must(t, anna.do(t.Context(), http.MethodGet, "/api/v1/operator", nil, &v))
	if v.Lead == nil || v.Lead.Name != "Lead 0" || v.CalledIn == nil || v.CalledIn.CalledOutcome != campaigns.Busy || v.CalledIn.CalledAt.IsZero() || v.CalledIn.Number != callerID {
		t.Errorf("on the screen: lead %+v, called in %+v", v.Lead, v.CalledIn)
	}
	time.Sleep(time.Second) // of talk, for the recording
	must(t, anna.ask(t.Context(), "hangup", nil))
	ended(t, caller)
	must(t, anna.ask(t.Context(), "disposition", map[string]string{"disposition": "sale"}))

	// Who may not be called may call.
	protected := far.callsBack(t, dialer, callerID, second)
	protected.hears(t, annaHz)
	protected.Hangup()
	_, err = anna.await(t.Context(), "wrapping", 10*time.Second)
	must(t, err)
	must(t, anna.ask(t.Context(), "disposition", map[string]string{"disposition": "no_decision"}))

	var all []campaigns.Attempt
	eventually(t, 10*time.Second, "all attempts are over", func() (bool, any) {
		all = boss.attempts(t, "talk")
		return len(all) == 4 && all[0].Disposition == "no_decision", all
	})
	want := []campaigns.Outcome{campaigns.CallerServed, campaigns.CallerServed, campaigns.CallerGaveUp, campaigns.Busy}
	for i, a := range all {
		if a.Outcome != want[i] || a.Inbound != (i < 3) {
			t.Errorf("attempt %d: %+v, want %s", i, a, want[i])
		}
	}
	if talk := all[1]; talk.Disposition != "sale" || talk.Operator != "anna" || talk.Number != lead || talk.CallerID != callerID {
		t.Errorf("the talk: %+v", talk)
	}
	if info, err := os.Stat(filepath.Join(p.dir, "recordings", all[1].Recording)); err != nil || info.Size() < 8000 {
		t.Errorf("recording %q: %v, %v", all[1].Recording, info, err)
	}
	p.wantMetric(t, 10*time.Second, `dialer_sip_legs{agent="trunk"}`, 0)
	p.wantMetric(t, time.Second, `dialer_trunk_channels_in_use{trunk="line"}`, 0)
	for reason, n := range map[string]float64{"unknown": 1, "withheld": 1} {
		p.wantMetric(t, time.Second, `dialer_inbound_refused_total{campaign="talk",reason="`+reason+`",trunk="line"}`, n)
	}
	p.wantMetric(t, time.Second, `dialer_inbound_trunk_refused_total{reason="number",trunk="line"}`, 1)
	p.wantMetric(t, time.Second, `dialer_inbound_finished_total{campaign="talk",outcome="caller_served"}`, 2)
	if n := len(far.missed); n != 0 {
		t.Errorf("%d calls of ours after the first: nobody was left to be called", n)
	}
}
