// Package figures is what the calls of the last hour came to: how many were
// answered, how long it took until a phone rang, how long people talked, what the
// network said. It is pure and keeps counts, no calls.
//
// One Hour is for one thing that is looked at: a trunk, a caller ID.
package figures

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

const (
	minutes = 60
	// Short is up to how long an answered call is short: carriers and regulators
	// count those (Anatel: 6 s).
	Short = 6 * time.Second
	// topCodes is how many final responses are told apart.
	topCodes = 5

	// Delays are counted in steps of 15 %, from 50 ms to a minute.
	delayFrom  = 50 * time.Millisecond
	delayRatio = 1.15
	delaySteps = 52
)

// Call is a call that is over.
type Call struct {
	Code      int           // final SIP status, 200 where it was answered; 0: none came
	Answered  bool          // by anybody or anything
	Effective bool          // it reached the called side: answered, busy, not answered, refused by a person
	Delay     time.Duration // from the INVITE to the first sign of ringing, or the answer; 0: no such sign
	Talk      time.Duration // from the answer to the end
	Quick     bool          // the far end hung up within a second of its answer
}

// Hour counts the calls of the last hour, minute by minute. The zero value is
// ready. It is not for concurrent use.
type Hour struct {
	ring [minutes]minute
}

type minute struct {
	begins                                            int64 // minutes since 1970
	calls, answered, effective, short, quick, unheard int
	talk                                              time.Duration
	delays                                            [delaySteps]uint32
	codes                                             map[int]int
}

// at is the minute of a time, emptied where it is of an hour ago.
func (h *Hour) at(now time.Time) *minute {
	n := now.Unix() / 60
	m := &h.ring[((n%minutes)+minutes)%minutes]
	if m.begins != n || m.codes == nil {
		*m = minute{begins: n, codes: map[int]int{}}
	}
	return m
}

// Add counts a call that ended now.
func (h *Hour) Add(now time.Time, c Call) {
	m := h.at(now)
	m.calls++
	m.codes[c.Code]++
	if c.Effective {
		m.effective++
	}
	if c.Delay > 0 {
		m.delays[step(c.Delay)]++
	}
	if !c.Answered {
		return
	}
	m.answered++
	m.talk += c.Talk
	if c.Talk <= Short {
		m.short++
	}
	if c.Quick {
		m.quick++
	}
}

// Unheard counts one of the quick calls in which no audio came either: an answer
// that was none.
func (h *Hour) Unheard(now time.Time) { h.at(now).unheard++ }

func step(d time.Duration) int {
	n := math.Ceil(math.Log(float64(d)/float64(delayFrom)) / math.Log(delayRatio))
	return int(min(max(n, 0), delaySteps-1))
}

// delayOf is the upper end of a step.
func delayOf(step int) time.Duration {
	return time.Duration(float64(delayFrom) * math.Pow(delayRatio, float64(step))).Round(time.Millisecond)
}

// Figures are what the calls of an hour came to. Shares are in [0, 1], 0 where
// there was nothing to count.
type Figures struct {
	Calls, Answered int
	ASR             float64       // answer-seizure ratio: answered, of all calls
	NER             float64       // network effectiveness (ITU-T E.425): reached the called side, of all calls
	DelayP50        time.Duration // post-dial delay: half of the calls rang within it
	DelayP95        time.Duration
	ACD             time.Duration // average duration of answered calls
	ShortShare      float64       // answered calls of up to 6 s, of all answered
	FalseShare      float64       // answers without audio that the far end took back within a second, of all answered
	QuickByes       int
	Codes           []Code // the most frequent final responses
}

// Code is how often a final response came; 0 is none at all.
type Code struct{ Code, Calls int }

// Figures sums up the hour until now.
func (h *Hour) Figures(now time.Time) Figures {
	var sum minute
	sum.codes = map[int]int{}
	newest := now.Unix() / 60
	for i := range h.ring {
		if m := &h.ring[i]; m.codes != nil && m.begins > newest-minutes && m.begins <= newest {
			sum.add(m)
		}
	}
	f := Figures{
		Calls: sum.calls, Answered: sum.answered, QuickByes: sum.quick,
		ASR: share(sum.answered, sum.calls), NER: share(sum.effective, sum.calls),
		ShortShare: share(sum.short, sum.answered), FalseShare: share(sum.unheard, sum.answered),
		DelayP50: sum.delay(0.5), DelayP95: sum.delay(0.95),
	}
	if sum.answered > 0 {
		f.ACD = sum.talk / time.Duration(sum.answered)
	}
	for code, n := range maps.All(sum.codes) {
		f.Codes = append(f.Codes, Code{code, n})
	}
	slices.SortFunc(f.Codes, func(a, b Code) int { return cmp.Or(b.Calls-a.Calls, a.Code-b.Code) })
	f.Codes = f.Codes[:min(len(f.Codes), topCodes)]
	return f
}

func (m *minute) add(o *minute) {
	m.calls += o.calls
	m.answered += o.answered
	m.effective += o.effective
	m.short += o.short
	m.quick += o.quick
	m.unheard += o.unheard
	m.talk += o.talk
	for i, n := range o.delays {
		m.delays[i] += n
	}
	for code, n := range o.codes {
		m.codes[code] += n
	}
}

// delay is within what a share of the calls rang.
func (m *minute) delay(part float64) time.Duration {
	total := 0
	for _, n := range m.delays {
		total += int(n)
	}
	if total == 0 {
		return 0
	}
	left := int(math.Ceil(part * float64(total)))
	for i, n := range m.delays {
		if left -= int(n); left <= 0 {
			return delayOf(i)
		}
	}
	return delayOf(delaySteps - 1)
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return min(1, float64(part)/float64(whole))
}
