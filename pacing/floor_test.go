package pacing

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// day is a small call centre on a virtual clock: enough to close the loop around
// a controller. People are exponential: a talk, a wrap-up, a ring.
type day struct {
	operators  int
	length     float64 // seconds
	answer     float64 // share of dials answered live
	talk, wrap float64 // seconds, mean
	settings   Settings
}

type result struct {
	live, abandoned, dials int
	utilisation            float64
	early                  int // abandoned in the first five minutes
}

func (r result) abandonment() float64 { return float64(r.abandoned) / max(1, float64(r.live)) }

// moment is a thing that will happen on a floor.
type moment struct {
	at   float64
	seq  int
	what func()
}

type agenda []moment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || (a[i].at == a[j].at && a[i].seq < a[j].seq)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(moment)) }
func (a *agenda) Pop() any {
	old := *a
	m := old[len(old)-1]
	*a = old[:len(old)-1]
	return m
}

// run is one day being played.
type run struct {
	day
	c       Controller
	rng     *rand.Rand
	agenda  agenda
	seq     int
	now     float64
	idle    []int
	waiting []string
	busyFor float64
	result
}

func (d day) play(seed uint64) result {
	r := &run{day: d, c: New(d.settings, monday), rng: rand.New(rand.NewPCG(seed, 9))}
	for i := range d.operators {
		r.free(i)
	}
	r.tick()
	for len(r.agenda) > 0 {
		m := heap.Pop(&r.agenda).(moment)
		if m.at > d.length {
			break
		}
		r.now = m.at
		m.what()
		r.decide()
	}
	r.utilisation = r.busyFor / (d.length * float64(d.operators))
	return r.result
}

func (r *run) after(seconds float64, what func()) {
	r.seq++
	heap.Push(&r.agenda, moment{r.now + seconds, r.seq, what})
}

func (r *run) tick() { r.after(0.5, r.tick) }

func (r *run) tell(ev Event) { r.c.Observe(at(r.now), ev) }

func (r *run) decide() {
	for {
		d := r.c.Decide(at(r.now), View{Room: -1, Records: mainRecord})
		if d.Dial == 0 {
			return
		}
		for range d.Dial {
			r.dial()
		}
	}
}

func (r *run) dial() {
	r.dials++
	id := fmt.Sprint(r.dials)
	r.tell(Dialed{Call: id, Record: mainRecord[0]})
	ring := 4 + r.rng.ExpFloat64()*7
	if r.rng.Float64() < r.answer && ring < 25 {
		r.after(ring, func() { r.human(id) })
	} else {
		r.after(25, func() { r.tell(Ended{id, CauseNoAnswer}) })
	}
}

func (r *run) human(id string) {
	r.live++
	r.tell(Human{id})
	r.waiting = append(r.waiting, id)
	if len(r.idle) > 0 {
		r.connect()
		return
	}
	r.after(2, func() {
		if i := len(r.waiting); i > 0 && r.waiting[0] == id {
			r.waiting = r.waiting[1:]
			r.abandoned++
			if r.now < 300 {
				r.early++
			}
			r.tell(Abandoned{id})
		}
	})
}

func (r *run) connect() {
	id, op := r.waiting[0], r.idle[0]
	r.waiting, r.idle = r.waiting[1:], r.idle[1:]
	name := fmt.Sprint(op)
	r.tell(Operator{ID: name, State: Talking})
	r.tell(Connected{Call: id, Operator: name})
	talk, wrap := r.rng.ExpFloat64()*r.talk, r.rng.ExpFloat64()*r.wrap
	r.busyFor += math.Max(0, math.Min(talk+wrap, r.length-r.now))
	r.after(talk, func() { r.tell(Operator{ID: name, State: Wrapping}) })
	r.after(talk+wrap, func() { r.free(op) })
}

func (r *run) free(op int) {
	r.tell(Operator{ID: fmt.Sprint(op), State: Ready})
	r.idle = append(r.idle, op)
	if len(r.waiting) > 0 {
		r.connect()
	}
}

// Whole days from the cold start stay within the limit, and keep operators far busier
// than one call per free operator does.
func TestPredictiveDays(t *testing.T) {
	for _, c := range []struct {
		name string
		days int // one tells little of a window that allows few calls
		day  day
		gain float64 // over progressive, in utilisation, on average
	}{
		{"5 operators", 1, day{operators: 5, length: 2 * 3600, answer: 0.2, talk: 120, wrap: 30, settings: Settings{Limit: 0.03}}, 0.1},
		{"20 operators, 1 %", 4, day{operators: 20, length: 3600, answer: 0.3, talk: 90, wrap: 20, settings: Settings{Limit: 0.01}}, 0.05}, // five calls in all: little may be risked
		{"50 operators, cancel", 1, day{operators: 50, length: 3600, answer: 0.2, talk: 120, wrap: 30, settings: Settings{Limit: 0.03, Cancel: true}}, 0.2},
		{"200 operators at one instant", 1, day{operators: 200, length: 600, answer: 0.1, talk: 120, wrap: 30, settings: Settings{Limit: 0.01}}, 0.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.day.settings.WindowEnd = at(c.day.length)
			gain := 0.0
			for seed := range uint64(c.days) {
				c.day.settings.Mode = Progressive
				plain := c.day.play(seed + 1)
				c.day.settings.Mode = Predictive
				got := c.day.play(seed + 1)
				if plain.abandoned > 0 {
					t.Errorf("progressive abandoned %d", plain.abandoned)
				}
				if got.abandonment() > c.day.settings.Limit {
					t.Errorf("abandoned %d of %d live answers (%.2f %%)", got.abandoned, got.live, 100*got.abandonment())
				}
				gain += (got.utilisation - plain.utilisation) / float64(c.days)
			}
			if gain < c.gain {
				t.Errorf("utilisation %.3f above progressive, want %.2f", gain, c.gain)
			}
		})
	}
}

// A target below what the limit allows is met from above and below.
func TestTargetUtilisation(t *testing.T) {
	d := day{operators: 30, length: 2 * 3600, answer: 0.3, talk: 120, wrap: 30,
		settings: Settings{Mode: Predictive, TargetUtilisation: 0.85}}
	if got := d.play(2).utilisation; math.Abs(got-0.85) > 0.03 {
		t.Errorf("utilisation = %.3f, want 0.85", got)
	}
}

// Settings change while running; what was learnt stays.
func TestChangeOfModeKeepsWhatWasLearnt(t *testing.T) {
	d := day{operators: 20, length: 3600, answer: 0.5, talk: 60, wrap: 10, settings: Settings{Mode: Progressive}}
	r := &run{day: d, c: New(d.settings, monday), rng: rand.New(rand.NewPCG(5, 5))}
	for i := range d.operators {
		r.free(i)
	}
	r.tick()
	for r.now < d.length {
		m := heap.Pop(&r.agenda).(moment)
		r.now = m.at
		m.what()
		r.decide()
	}
	r.c.Adjust(at(r.now), Settings{Mode: Predictive})
	got := r.c.Decide(at(r.now), View{Room: -1, Records: mainRecord}).AnswerProbability
	if want := 0.5 * 0.95; math.Abs(got-want) > 0.06 { // 5 % would have answered after the timeout
		t.Errorf("answer chance right after the change = %.2f, want %.2f", got, want)
	}
}

// busyFloor is a controller in the middle of a day: most operators talk, and as
// many calls as it wants are in flight.
func busyFloor(operators int) (Controller, time.Time) {
	d := day{operators: operators, length: 900, answer: 0.2, talk: 120, wrap: 30, settings: Settings{Mode: Predictive}}
	r := &run{day: d, c: New(d.settings, monday), rng: rand.New(rand.NewPCG(7, 7))}
	for i := range d.operators {
		r.free(i)
	}
	r.tick()
	for r.now < d.length {
		m := heap.Pop(&r.agenda).(moment)
		r.now = m.at
		m.what()
		r.decide()
	}
	return r.c, at(r.now)
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{5, 50, 500, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, now := busyFloor(n)
			b.ReportAllocs()
			for b.Loop() {
				c.Decide(now, View{Room: -1, Records: mainRecord})
			}
		})
	}
}

// A decision allocates nothing; who asks Why pays for the words.
func TestAllocationsPerDecision(t *testing.T) {
	c, now := busyFloor(40)
	view := View{Room: -1, Records: mainRecord}
	if got := testing.AllocsPerRun(100, func() { c.Decide(now, view) }); got != 0 {
		t.Errorf("allocations per decision = %v, want 0", got)
	}
}

// What a decision counted is forgotten with it: segments that come later move the
// tables, and calls in flight still count.
func TestNewSegmentsLoseNoCalls(t *testing.T) {
	c := New(Settings{Mode: Predictive, Limit: 0.03}, monday).(*controller)
	records := []Record{{Segment: "s0"}}
	for i := range 5 {
		c.Observe(monday, Operator{ID: fmt.Sprint(i), State: Talking})
	}
	for i := range 40 {
		c.Observe(monday, Dialed{Call: fmt.Sprint(i), Record: records[0]})
	}
	for i := range 20 {
		c.Decide(at(1), View{Room: 0, Records: records})
		if got := c.look.calls; got != 40 {
			t.Fatalf("with %d segments more the look-ahead counts %d calls in flight, want 40", i, got)
		}
		c.model.segment(fmt.Sprint("later", i))
	}
}
