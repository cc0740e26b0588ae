package dialer_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// The hand-written rooms of these tests. They do what they are told, write down
// what they were asked for, and fail on request.

// rules are US federal hours without the hours.
type rules struct {
	mu     sync.Mutex
	closed bool
	opens  time.Time // then it is open
	until  time.Time // the end of the open window
	record campaigns.RecordingPolicy
}

func (r *rules) set(change func(r *rules)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

func (r *rules) Open(_ campaigns.WindowClass, _ campaigns.Campaign, now time.Time) (bool, time.Time, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opens.IsZero() {
		return !now.Before(r.opens), r.until, r.opens
	}
	return !r.closed, r.until, now.Add(time.Hour)
}

func (r *rules) Decide(cl campaigns.Claim, c campaigns.Campaign, now time.Time) (campaigns.Decision, bool, time.Time) {
	open, _, opens := r.Open(cl.Queue.Window, c, now)
	return campaigns.Decision{RulePack: "test", At: now}, open, opens
}

func (r *rules) Allows(cl campaigns.Claim, c campaigns.Campaign, now time.Time) bool {
	open, _, _ := r.Open(cl.Queue.Window, c, now)
	return open
}

func (*rules) Caps(campaigns.WindowClass, campaigns.Campaign, time.Time) []campaigns.Cap { return nil }

// Shift is by eight hours.
func (*rules) Shift(c campaigns.Campaign, _ campaigns.Claim, o campaigns.Outcome, next campaigns.Next, _ time.Time) campaigns.Next {
	for _, rule := range c.Retry {
		if rule.Outcome == o && rule.Shift {
			next.At = next.At.Add(8 * time.Hour)
		}
	}
	return next
}

// LocalHour is that of New York in winter.
func (*rules) LocalHour(_ campaigns.WindowClass, now time.Time) int {
	return now.UTC().Add(-5*time.Hour).Hour() + 1
}

func (*rules) Abandonment([]string, time.Time) (float64, time.Duration, time.Duration) {
	return 0.03, 2 * time.Second, 15 * time.Second
}

func (r *rules) AbandonmentWindows(regions []string, _ time.Time) []time.Duration {
	windows := []time.Duration{0, 24 * time.Hour}
	if len(regions) > 0 { // somebody was called
		windows = append(windows, 720*time.Hour)
	}
	return windows
}

func (r *rules) Recording([]string, campaigns.RecordingPolicy, time.Time) campaigns.RecordingPolicy {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.record == "" {
		return campaigns.RecordNever
	}
	return r.record
}

// phones answer at once.
type phones struct {
	mu     sync.Mutex
	signal func(sip.Event)
	legs   map[string]sip.LegID // of each user, the latest
	off    bool
	hungUp []string
}

func (p *phones) Call(leg sip.LegID, user string, _ []byte) {
	p.mu.Lock()
	p.legs[user] = leg
	p.mu.Unlock()
	p.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), At: time.Now()})
}

func (p *phones) Accept(leg sip.LegID, _ []byte) { p.signal(sip.Answered{Leg: leg, At: time.Now()}) }
func (*phones) Reply(sip.LegID, []byte)          {}

func (p *phones) Hangup(leg string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hungUp = append(p.hungUp, leg)
}

func (p *phones) Online(string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.off
}

func (*phones) Encryption(string) media.Encryption { return media.Plain }

func (p *phones) set(off bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = off
}

// ended are the legs that we hung up, in order.
func (p *phones) ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hungUp)
}

func (p *phones) leg(user string) sip.LegID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.legs[user]
}

// audio writes down what it is told, in words.
type audio struct {
	mute     bool // no leg is ever heard
	mu       sync.Mutex
	told     []string
	stats    map[media.LegID]media.LegStats // of legs, as the test says
	unusable error                          // of every answer
}

func (a *audio) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, fmt.Sprintf(format, args...))
}

func (a *audio) was(told string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, t := range a.told {
		if t == told {
			n++
		}
	}
	return n
}

func (a *audio) Offer(media.LegID, media.LegSpec) ([]byte, error)          { return []byte("sdp"), nil }
func (a *audio) Answer(media.LegID, media.LegSpec, []byte) ([]byte, error) { return []byte("sdp"), nil }
func (a *audio) Reoffer(media.LegID) ([]byte, error)                       { return []byte("sdp"), nil }
func (a *audio) Early(media.LegID, string, []byte) error                   { return nil }
func (a *audio) Accept(media.LegID, []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unusable
}

// refuse has answers refused from now on; nil ends that.
func (a *audio) refuse(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unusable = err
}

func (a *audio) Detect(leg media.LegID, mode string)   { a.note("detect %s %s", leg, mode) }
func (a *audio) StopDetect(leg media.LegID)            { a.note("stop detect %s", leg) }
func (a *audio) ListenForBeep(leg media.LegID)         { a.note("listen for beep %s", leg) }
func (a *audio) Bridge(customer, operator media.LegID) { a.note("bridge %s %s", customer, operator) }
func (a *audio) Unbridge(leg media.LegID)              { a.note("unbridge %s", leg) }
func (a *audio) Monitor(listener, customer media.LegID, as media.Presence) {
	a.note("monitor %s %s %s", listener, customer, as)
}
func (a *audio) Unmonitor(listener media.LegID)            { a.note("unmonitor %s", listener) }
func (a *audio) Confer(legs ...media.LegID)                { a.note("confer %v", legs) }
func (a *audio) StopPlaying(leg media.LegID)               { a.note("stop %s", leg) }
func (a *audio) Play(leg media.LegID, prompt string)       { a.note("play %s %s", leg, prompt) }
func (a *audio) Loop(leg media.LegID, prompt string)       { a.note("loop %s %s", leg, prompt) }
func (a *audio) Mute(leg media.LegID, on bool)             { a.note("mute %s %v", leg, on) }
func (a *audio) SendDigits(leg media.LegID, digits string) { a.note("press %s %s", leg, digits) }
func (a *audio) Record(leg media.LegID, path string)       { a.note("record %s", leg) }
func (a *audio) Heard(media.LegID) bool                    { return !a.mute }
func (a *audio) LegStats(leg media.LegID) (media.LegStats, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	stats, is := a.stats[leg]
	return stats, is
}
func (a *audio) StopRecord(leg media.LegID) { a.note("stop record %s", leg) }
func (a *audio) Close(leg media.LegID)      { a.note("close %s", leg) }

// observer keeps every notice.
type observer struct {
	mu      sync.Mutex
	notices []dialer.Notice
}

func (o *observer) Notice(n dialer.Notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notices = append(o.notices, n)
}

// told are the notices of one kind, in order.
func told[N dialer.Notice](o *observer) (all []N) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.notices {
		if n, is := n.(N); is {
			all = append(all, n)
		}
	}
	return all
}

// refusals are the rules that refused a lead, in order.
func (o *observer) refusals() (rules []string) {
	for _, r := range told[dialer.Refused](o) {
		rules = append(rules, r.Rule)
	}
	return rules
}
