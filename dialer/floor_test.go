package dialer_test

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
	"github.com/outpace-dialer/outpace/sip"
)

// floor is an engine among fake rooms, inside a synctest bubble: every wait is
// on the bubble's clock.
type floor struct {
	t          *testing.T
	ctx        context.Context
	cfg        dialer.Config
	engine     *dialer.Engine
	store      *store
	rules      *rules
	trunks     *trunks
	phones     *phones
	audio      *audio
	observer   *observer
	learnt     []byte                  // what controllers say they learnt
	duties     *duties                 // at all nodes
	recordings []string                // that a dead process left
	shared     bool                    // other nodes have a part of every budget
	behind     atomic.Bool             // outcomes wait beside the store
	term       atomic.Int64            // from the first, which is 0; negative: between two
	loss       atomic.Pointer[float64] // of people to the detector, as measured; nil: nobody measures
	callers    *callers
	starting   bool                      // start leaves TakeCallers to the test
	choose     func([]pacing.Record) int // stands in for the controller's choice of record
	with       func(*dialer.Deps)        // puts other rooms in; nil: none
	paced      map[campaigns.CampaignID][]eventlog.Line
	stop       func()
}

// inBubble runs a test on a floor that stands and stops by itself.
func inBubble(t *testing.T, test func(f *floor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t)
		test(f)
		f.stop()
		f.wantExactReplay()
		if n := f.store.stillOpen(); n != 0 {
			t.Errorf("%d attempts begun and not ended", n)
		}
		if n := f.trunks.inUse(); n != 0 {
			t.Errorf("%d channels still taken", n)
		}
	})
}

func newFloor(t *testing.T) *floor {
	f := &floor{
		t: t, ctx: t.Context(), store: newStore(), duties: newDuties(), rules: &rules{}, audio: &audio{}, observer: &observer{},
		trunks: &trunks{room: 10, hungUp: map[sip.LegID]int{}, answered: map[sip.LegID]bool{}, accepted: map[sip.LegID]bool{}, refused: map[sip.LegID]int{}},
		phones: &phones{legs: map[string]sip.LegID{}}, callers: newCallers(), paced: map[campaigns.CampaignID][]eventlog.Line{},
	}
	f.start()
	return f
}

// start runs an engine among the rooms: the first one, or the next process after
// f.stop.
func (f *floor) start() {
	cfg := f.cfg
	cfg.Node, cfg.HopperSize = "n1", 20
	var loss func(campaigns.CampaignID) float64
	if f.loss.Load() != nil {
		loss = func(campaigns.CampaignID) float64 { return *f.loss.Load() }
	}
	deps := dialer.Deps{
		Store: f.store, Memory: f.store, Rules: f.rules, Trunks: f.trunks, Phones: f.phones, Audio: f.audio, Observer: f.observer,
		NewController: f.controller,
		SharedBudget:  f.shared,
		DetectorLoss:  loss,
		Behind:        f.behind.Load,
		Duty:          f.duties.save,
		Term:          func(time.Time) int64 { return max(0, f.term.Load()+1) },
		Callers:       f.callers,
		Recorded:      func(path string) bool { return slices.Contains(f.recordings, path) },
		Transferable:  transferable,
		CheckPIN:      func(_ context.Context, _, pin string) bool { return pin == "4711" },
		Log:           zap.NewNop(),
	}
	if f.with != nil {
		f.with(&deps)
	}
	f.engine = dialer.New(cfg, deps)
	f.trunks.signal, f.phones.signal = f.engine.Signal, f.engine.Signal
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.engine.Run(ctx)
	}()
	if !f.starting {
		f.do(f.engine.TakeCallers(ctx))
	}
	f.stop = func() { cancel(); <-done }
	f.t.Cleanup(f.stop)
}

// learner is a controller that has learnt something.
type learner struct {
	pacing.Controller
	learnt []byte
}

func (l learner) Learnt(time.Time) []byte { return l.learnt }

// controller records what it is told; the loop alone writes it down, and tests
// read when the engine has stopped.
func (f *floor) controller(c campaigns.CampaignID, s pacing.Settings, now time.Time) pacing.Controller {
	return eventlog.Record(s, now, f.newController, func(l eventlog.Line) { f.paced[c] = append(f.paced[c], l) })
}

func (f *floor) newController(s pacing.Settings, now time.Time) pacing.Controller {
	return learner{chooser{pacing.New(s, now), f.choose}, f.learnt}
}

// chooser is a controller whose choice of record is made by choose, where that is
// given.
type chooser struct {
	pacing.Controller
	choose func([]pacing.Record) int
}

func (c chooser) Decide(now time.Time, v pacing.View) pacing.Decision {
	d := c.Controller.Decide(now, v)
	if c.choose != nil && d.Dial > 0 && len(v.Records) > 0 {
		if d.Record = c.choose(v.Records); d.Record > 0 {
			d.Dial = 1
		}
	}
	return d
}

// progressive is a campaign that calls once for each ready operator.
func progressive(id campaigns.CampaignID) campaigns.Campaign {
	return campaigns.Campaign{
		ID: id, Name: string(id), State: campaigns.Running, SafeHarbor: media.PromptSafeHarbor,
		Segments: []campaigns.Segment{{Name: "all"}},
		Pacing:   campaigns.Pacing{Mode: campaigns.Progressive},
		Wrap:     campaigns.Wrap{Timeout: 30 * time.Second},
	}
}

func (f *floor) do(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	synctest.Wait()
}

// run sets a campaign and gives its hopper time to fill.
func (f *floor) run(c campaigns.Campaign) {
	f.t.Helper()
	f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
	f.wait(1100 * time.Millisecond)
}

func (f *floor) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ready brings operators on duty and ready.
func (f *floor) ready(users ...campaigns.UserID) {
	f.t.Helper()
	for _, u := range users {
		f.do(f.engine.OnDuty(f.ctx, u, ""))
		f.do(f.engine.Ready(f.ctx, u))
	}
}

// call waits for the nth INVITE (from 0) and gives its leg.
func (f *floor) call(n int) sip.LegID {
	f.t.Helper()
	for range 100 {
		if legs := f.trunks.legs(); len(legs) > n {
			return legs[n]
		}
		f.wait(50 * time.Millisecond)
	}
	f.t.Fatalf("no INVITE number %d within 5 s; %d so far", n, len(f.trunks.legs()))
	return ""
}

func (f *floor) signal(ev sip.Event) {
	f.engine.Signal(ev)
	synctest.Wait()
}

func (f *floor) sound(ev media.Event) {
	f.engine.Sound(ev)
	synctest.Wait()
}

// answer lets a call ring and answers it.
func (f *floor) answer(leg sip.LegID) {
	f.signal(sip.Progress{Leg: leg, Code: 180, At: time.Now()})
	f.wait(3 * time.Second)
	f.trunks.mu.Lock()
	f.trunks.answered[leg] = true
	f.trunks.mu.Unlock()
	f.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), Dialog: sip.Dialog{CallID: string(leg), Up: true}, At: time.Now()})
}

// person answers a call and greets for a second.
func (f *floor) person(leg sip.LegID) {
	f.answer(leg)
	f.wait(time.Second)
	f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now(), At: time.Now()})
}

// hangsUp is the far end's BYE.
func (f *floor) hangsUp(leg sip.LegID) {
	f.trunks.end(sip.Ended{Leg: leg, WasUp: true, At: time.Now()})
	synctest.Wait()
}

// fails is a final response that is not an answer.
func (f *floor) fails(leg sip.LegID, r sip.Result, code int) {
	f.trunks.end(sip.Ended{Leg: leg, Cause: sip.Cause{Code: code, Result: r}, At: time.Now()})
	synctest.Wait()
}

// phoneLost ends an operator's leg.
func (f *floor) phoneLost(user string) {
	f.signal(sip.Ended{Leg: f.phones.leg(user), WasUp: true, At: time.Now()})
}

// keys presses keys on an operator's phone.
func (f *floor) keys(user, keys string) {
	for _, k := range keys {
		f.sound(media.Digit{Leg: media.LegID(f.phones.leg(user)), Digit: k, At: time.Now()})
	}
}

func (f *floor) view(user campaigns.UserID) dialer.OperatorView {
	f.t.Helper()
	v, err := f.engine.Operator(f.ctx, user)
	f.do(err)
	return v
}

func (f *floor) wantState(user campaigns.UserID, want operator.State) {
	f.t.Helper()
	if got := f.view(user).State; got != want {
		f.t.Errorf("%s is %s, want %s", user, got, want)
	}
}

// wantExactReplay plays what was recorded of each campaign, as it is written, to
// a new controller: it must decide the same again. It returns how much was
// compared.
func (f *floor) wantExactReplay() (decisions int) {
	f.t.Helper()
	for c, lines := range f.paced {
		var log []byte
		for _, l := range lines {
			log = eventlog.Append(log, l)
		}
		report, err := eventlog.Replay(eventlog.NewReader(bytes.NewReader(log)).All(), f.newController)
		if err != nil {
			f.t.Fatal(err)
		}
		if report.Different+report.Gaps+report.Skipped > 0 || report.Decisions == 0 {
			f.t.Errorf("replay of the log of %s: %+v", c, report)
		}
		decisions += report.Decisions
	}
	return decisions
}

func (f *floor) wantOutcomes(want map[campaigns.Outcome]int) {
	f.t.Helper()
	got := f.store.outcomes()
	for o, n := range want {
		if got[o] != n {
			f.t.Errorf("outcome %s: got %d, want %d", o, got[o], n)
		}
		delete(got, o)
	}
	if len(got) > 0 {
		f.t.Errorf("other outcomes: %v", got)
	}
}
func said(code string) dialer.Said { return dialer.Said{Disposition: code} }
