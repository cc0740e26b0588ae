package simulator

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/pacing"
)

var (
	predictive  = Policy{Mode: pacing.Predictive}
	withCancel  = Policy{Mode: pacing.Predictive, Cancel: true}
	progressive = Policy{Mode: pacing.Progressive}
	ratioTwo    = Policy{Mode: pacing.Ratio, Ratio: 2}
	ratioThree  = Policy{Baseline: FixedRatio, Ratio: 3} // whatever the limit
)

// steady is a scenario without surprises: so many operators, an answer share.
func steady(operators int, human float64, hours float64) *Scenario {
	rest := 1 - human
	s := &Scenario{
		Name: "steady", Seed: 1, Duration: Seconds(hours * 3600),
		Agents: Agents{Schedule: []Staff{{N: operators}}},
		Segments: []Segment{{Name: "main", Outcomes: []Outcomes{
			{Human: human, Machine: 0.4 * rest, Busy: 0.05 * rest, Invalid: 0.05 * rest, Failed: 0.02 * rest},
		}}},
	}
	s.setDefaults()
	return s
}

// watched is a controller that holds every decision against the rules of the
// floor: rooms are kept, cancels are lawful, and every call ends once.
type watched struct {
	pacing.Controller
	t       rapid.TB
	cancel  bool
	left    int // calls that the last decision asked for
	ringing map[string]time.Time
	state   map[string]string
	ends    map[string]int // of calls, by how
}

func watch(t rapid.TB, s *Simulation) *watched {
	w := &watched{
		Controller: s.controller, t: t, cancel: s.policy.Cancel,
		ringing: map[string]time.Time{}, state: map[string]string{}, ends: map[string]int{},
	}
	s.controller = w
	return w
}

func (w *watched) Decide(now time.Time, v pacing.View) pacing.Decision {
	d := w.Controller.Decide(now, v)
	if v.Room >= 0 && d.Dial > v.Room {
		w.t.Fatalf("dials %d into a room of %d", d.Dial, v.Room)
	}
	for _, id := range d.Cancel {
		since, rings := w.ringing[id]
		if !w.cancel || !rings || now.Sub(since) < ringMin {
			w.t.Fatalf("cancels %s, ringing %v since %v", id, rings, now.Sub(since))
		}
	}
	w.left = d.Dial
	return d
}

func (w *watched) Observe(now time.Time, ev pacing.Event) {
	w.Controller.Observe(now, ev)
	step := func(id, to string, from ...string) {
		if was := w.state[id]; !strings.Contains(strings.Join(from, " "), was) || was == "over" {
			w.t.Fatalf("call %s: %T after %q", id, ev, was)
		}
		w.state[id] = to
	}
	end := func(id, how string, from ...string) {
		step(id, "over", from...)
		w.ends[how]++
	}
	switch ev := ev.(type) {
	case pacing.Dialed:
		if w.left--; w.left < 0 {
			w.t.Fatalf("call %s was not asked for", ev.Call)
		}
		if _, known := w.state[ev.Call]; known {
			w.t.Fatalf("call %s is dialled twice", ev.Call)
		}
		w.state[ev.Call] = "dialled"
	case pacing.Ringing:
		step(ev.Call, "ringing", "dialled")
		w.ringing[ev.Call] = now
	case pacing.Answered:
		step(ev.Call, "answered", "ringing")
		delete(w.ringing, ev.Call)
	case pacing.Human:
		step(ev.Call, "human", "answered")
	case pacing.Machine:
		end(ev.Call, "machine", "answered")
	case pacing.Ended:
		end(ev.Call, string(ev.Cause), "dialled", "ringing")
	case pacing.Connected:
		end(ev.Call, "connected", "human")
	case pacing.Abandoned:
		end(ev.Call, "abandoned", "human")
	}
}

// run simulates a whole day under watch.
func run(t rapid.TB, s *Scenario, p Policy, seed uint64) (Run, *watched, *Simulation) {
	t.Helper()
	sim, err := New(s, p, seed)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, sim)
	if sim.Advance(sim.end) {
		t.Fatal("there is more of the day after its end")
	}
	return sim.Result(), w, sim
}

// Over any day, every dial ends once or is open at the end, every live answer is
// connected, abandoned, lost to the detector or waits, and the operators' time
// adds up.
func TestConservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := func(name string, most float64) float64 { return rapid.Float64Range(0, most).Draw(t, name) }
		count := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		s := steady(1+count("operators", 12), 0.05+share("human", 0.5), 0.1)
		s.Agents.Schedule = append(s.Agents.Schedule, Staff{120, count("later", 12)}, Staff{240, count("last", 12)})
		s.Agents.LoginRamp, s.Agents.PauseProb, s.Agents.SpeedSpread = Seconds(share("ramp", 150)), share("pause", 0.3), share("spread", 0.5)
		s.Limit.Clock = rapid.SampledFrom([]string{"detect", "answer"}).Draw(t, "clock")
		s.AMD.Enabled = rapid.Bool().Draw(t, "amd")
		s.AMD.HumanAsMachine, s.AMD.MachineAsHuman = share("lost", 0.1), share("junk", 0.2)
		s.Trunks = Trunks{Channels: count("channels", 30), CPS: share("cps", 3)}
		s.Events = []Incident{
			{At: 80, Type: AgentsBreak, Fraction: share("fraction", 1), Lasts: 100},
			{At: 200, Type: CarrierOutage, FailProb: share("fails", 1), Lasts: 200, Silent: rapid.Bool().Draw(t, "silent")},
		}
		policy := rapid.SampledFrom([]Policy{predictive, withCancel, progressive, ratioTwo}).Draw(t, "policy")

		r, w, sim := run(t, s, policy, rapid.Uint64().Draw(t, "seed"))

		ended := 0
		for _, n := range w.ends {
			ended += n
		}
		if r.Dials != ended+len(sim.calls) {
			t.Fatalf("%d dials, but %d ended and %d open", r.Dials, ended, len(sim.calls))
		}
		if w.ends["connected"] != r.Connected || w.ends["cancelled"] != r.Cancelled {
			t.Fatalf("counted %+v, observed %v", r, w.ends)
		}
		if r.RefusedCancels != 0 {
			t.Fatalf("%d cancels refused", r.RefusedCancels)
		}
		if s.AMD.MachineAsHuman == 0 && s.Limit.Clock == "detect" && r.Live != r.Connected+r.Abandoned+r.Lost+len(sim.waiting) {
			t.Fatalf("%d live, %d waiting, %+v", r.Live, len(sim.waiting), r)
		}
		if most := s.Trunks.Channels; most > 0 && sim.trunk.lines > most {
			t.Fatalf("%d lines on %d channels", sim.trunk.lines, most)
		}
		if !(r.Utilisation >= 0 && r.Utilisation <= 1 && r.Abandonment >= 0 && r.Abandonment <= 1+s.detectorLoss()) {
			t.Fatalf("utilisation %v, abandonment %v", r.Utilisation, r.Abandonment)
		}
		if talking := busyNow(sim); sim.trunk.lines != len(sim.calls)+talking {
			t.Fatalf("%d lines for %d calls and %d talks", sim.trunk.lines, len(sim.calls), talking)
		}
	})
}

func busyNow(s *Simulation) int {
	n := 0
	for _, o := range s.operators {
		if o.state == pacing.Talking {
			n++
		}
	}
	return n
}

// Live answers are connected or abandoned, and nothing else, without a detector.
func TestLiveIsConnectedOrAbandoned(t *testing.T) {
	for _, p := range []Policy{predictive, withCancel, progressive, ratioTwo} {
		r, _, sim := run(t, steady(8, 0.3, 0.7), p, 3)
		if r.Live == 0 || r.Live != r.Connected+r.Abandoned+len(sim.waiting) {
			t.Errorf("%v: %d live, %d connected, %d abandoned, %d waiting", p, r.Live, r.Connected, r.Abandoned, len(sim.waiting))
		}
	}
}

func TestSameSeedSameDay(t *testing.T) {
	s := steady(10, 0.3, 0.5)
	for _, p := range []Policy{withCancel, ratioTwo} {
		first, _, _ := run(t, s, p, 7)
		again, err := New(s, p, 7)
		if err != nil {
			t.Fatal(err)
		}
		for to := time.Duration(0); again.Advance(to); to += 777 * time.Millisecond { // in small parts
		}
		if got := again.Result(); !cmp.Equal(got, first) {
			t.Errorf("%v: got %+v, want %+v", p, got, first)
		}
		if other, _, _ := run(t, s, p, 8); cmp.Equal(other, first) {
			t.Errorf("%v: another seed gives the same day", p)
		}
	}
}

// Whatever the policy does before, the n-th record has the same luck.
func TestEveryPolicyMeetsTheSameRecords(t *testing.T) {
	s := steady(1, 0.2, 1)
	a, _ := New(s, predictive, 11)
	b, _ := New(s, progressive, 11)
	b.Advance(20 * time.Minute)
	for *a.records < *b.records {
		a.take(0)
	}
	if diff := cmp.Diff(a.list.leads, b.list.leads, cmp.AllowUnexported(lead{}, record{})); diff != "" {
		t.Errorf("record %d: %s", *a.records, diff)
	}
}

// One operator, one line: each cycle is a number of failed dials, geometric, then
// ring, talk and wrap. The renewal theorem gives the share of talk and wrap.
func TestProgressiveKeepsTheRenewalFormula(t *testing.T) {
	s := steady(1, 0.5, 30) // short cycles of little chance: few hours will do
	s.Segments[0].Talk = Distribution{Type: "uniform", Lo: 20, Hi: 40}
	s.Segments[0].Wrap = Distribution{Mean: 5}
	l, err := compile(s)
	if err != nil {
		t.Fatal(err)
	}
	o := s.Segments[0].Outcomes[0]
	none := 1 - o.Human - o.Machine - o.Busy - o.Invalid - o.Failed
	setup, timeout := mean(l.setup), float64(s.Call.RingTimeout)
	// A machine's pick-up is heard as a machine at once: no detector, no delay.
	failures := o.Machine*(setup+mean(l.ringMachine)) + o.Busy*(setup+mean(l.busyDetect)) +
		(o.Invalid+o.Failed)*(setup+mean(l.failDetect)) + none*(setup+timeout)
	idle := setup + mean(l.ringHuman) + failures/o.Human
	busy := mean(l.talk[0]) + mean(l.wrap[0])
	want := busy / (busy + idle)

	sim, err := New(s, progressive, 1)
	if err != nil {
		t.Fatal(err)
	}
	sim.Advance(sim.end)
	r := sim.Result()
	if math.Abs(r.Utilisation-want) > 0.013 {
		t.Errorf("utilisation = %.4f, renewal formula %.4f", r.Utilisation, want)
	}
	if math.Abs(r.WaitMean-idle) > 0.05*idle {
		t.Errorf("wait = %.1f s, renewal formula %.1f s", r.WaitMean, idle)
	}
	if r.Abandoned != 0 {
		t.Errorf("progressive abandoned %d", r.Abandoned)
	}
}

// mean is the integral of the quantiles.
func mean(l law) float64 {
	const parts = 20_000
	sum := 0.0
	for i := range parts {
		sum += l.Quantile((float64(i) + 0.5) / parts)
	}
	return sum / parts
}

// Five operators, answer share 0.3, eight hours, at most 3 %: the best policy
// with known parameters reaches 79.9 % by dialling alone, progressive 70.2 %.
func TestPredictiveOnSmallTeam(t *testing.T) {
	s := steady(5, 0.3, 8)
	s.Segments[0].Outcomes[0] = Outcomes{Human: 0.3, Machine: 0.3, Busy: 0.04, Invalid: 0.04, Failed: 0.01}
	s.Call.RingTimeout, s.Call.RingHuman.Hi, s.Call.RingMachine.Hi = 28, 28, 28
	s.Agents.LoginRamp, s.Agents.PauseProb = 60, 0.01
	r, _, _ := run(t, s, predictive, 102)
	m := NewReport(s, predictive, []Run{r}).Mean
	if m.Utilisation < 0.75 || m.Utilisation > 0.82 || m.Abandonment > 0.03 || m.Abandonment < 0.015 || m.RunsOver != 0 {
		t.Errorf("got %+v", m)
	}
	p, _, _ := run(t, s, progressive, 102)
	if p.Utilisation < 0.67 || p.Utilisation > 0.73 {
		t.Errorf("progressive: utilisation = %.3f", p.Utilisation)
	}
}

// A rate limit is used to the last token, and never overdrawn.
func TestTrunkLimits(t *testing.T) {
	s := steady(30, 0.1, 1)
	s.Trunks = Trunks{CPS: 0.5}
	r, _, _ := run(t, s, predictive, 1)
	if most := int(0.5*3600) + 1; r.Dials > most || r.Dials < most*97/100 {
		t.Errorf("%d dials in an hour at 0.5 a second", r.Dials)
	}
	s.Trunks = Trunks{Channels: 12}
	sim, err := New(s, predictive, 1)
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	for to := time.Second; sim.Advance(to); to += time.Second {
		if sim.trunk.lines > 12 {
			t.Fatalf("%d lines at %v", sim.trunk.lines, to)
		}
		if sim.trunk.lines == 12 {
			full++
		}
	}
	if full < 1800 {
		t.Errorf("12 channels were full in %d of 3600 s only", full)
	}
}

// Operators come, go after their call, and take their breaks together.
func TestStaff(t *testing.T) {
	s := steady(20, 0.3, 2)
	s.Agents.Schedule = []Staff{{0, 20}, {1800, 8}, {3600, 15}}
	s.Agents.LoginRamp = 60
	s.Segments[0].Talk = Distribution{Type: "uniform", Lo: 30, Hi: 90} // nobody talks through a break
	s.Events = []Incident{{At: 5400, Type: AgentsBreak, Fraction: 0.4, Lasts: 600}}
	sim, err := New(s, predictive, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		at         Seconds
		in, atWork int
	}{{1700, 20, 20}, {3500, 8, 8}, {3700, 15, 15}, {5900, 15, 9}, {6600, 15, 15}} {
		sim.Advance(row.at.Duration())
		in, atWork := 0, 0
		for _, o := range sim.operators {
			if o.state != pacing.Off {
				in++
			}
			if o.state != pacing.Off && o.state != pacing.Away {
				atWork++
			}
		}
		if in != row.in || atWork != row.atWork {
			t.Errorf("at %v s: %d signed in and %d at work, want %d and %d", row.at, in, atWork, row.in, row.atWork)
		}
	}
}

// The detector loses people and gives machines to operators, as often as it says.
func TestDetectorErrs(t *testing.T) {
	s := steady(20, 0.3, 4)
	s.AMD.Enabled, s.AMD.HumanAsMachine, s.AMD.MachineAsHuman = true, 0.01, 0.1
	s.Limit.CountAMD = true
	r, _, _ := run(t, s, progressive, 1)
	if lost := float64(r.Lost) / float64(r.Live); lost < 0.005 || lost > 0.016 {
		t.Errorf("lost %.4f of the people, want about 0.01", lost)
	}
	if r.MachineShare < 0.001 || r.Connected <= r.Live-r.Lost {
		t.Errorf("no machine reached an operator: %+v", r)
	}
	if want := float64(r.Abandoned)/float64(r.Live) + 0.01; math.Abs(r.Abandonment-want) > 1e-12 {
		t.Errorf("abandonment = %v, want %v with the detector's", r.Abandonment, want)
	}
}

// Where the clock runs from the pick-up and the detector takes longer than the
// law allows, every connection comes too late.
func TestLateConnectionsAreAbandoned(t *testing.T) {
	s := steady(5, 0.3, 1)
	s.Limit.Clock = "answer"
	s.AMD.Enabled, s.AMD.DelayHuman = true, Distribution{Type: "const", Mean: 2.5}
	r, _, _ := run(t, s, progressive, 1)
	if r.Connected == 0 || r.Abandoned != r.Live || !r.Over {
		t.Errorf("%d live, %d abandoned, over %v", r.Live, r.Abandoned, r.Over)
	}
}

// Warm-up is left out of every figure.
func TestWarmup(t *testing.T) {
	s := steady(5, 0.3, 2)
	all, _, _ := run(t, s, progressive, 1)
	s.Warmup = 3600
	half, _, _ := run(t, s, progressive, 1)
	if half.Dials == 0 || half.Dials > all.Dials*6/10 || half.Connected > all.Connected*6/10 {
		t.Errorf("all %+v, second half %+v", all, half)
	}
}

// BenchmarkDay reports simulated hours per second.
func BenchmarkDay(b *testing.B) {
	for _, p := range []Policy{predictive, withCancel, progressive} {
		for _, operators := range []int{5, 50, 500} {
			b.Run(fmt.Sprintf("%v/%d", p, operators), func(b *testing.B) {
				s := steady(operators, 0.2, 1)
				for i := range b.N {
					sim, err := New(s, p, uint64(i))
					if err != nil {
						b.Fatal(err)
					}
					sim.Advance(sim.end)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hours/s")
			})
		}
	}
}
