package estimate

import "math"

// Level is the running ratio of events seen to events expected, with a gamma
// prior around 1. It keeps a long and a short memory; when the short one
// disagrees beyond chance the world has changed and replaces the long one. After a
// rise the freshest part of it does: the rest is from before.
// The zero Level is not usable; see NewAnswerLevel and NewFailureLevel.
type Level struct {
	tuning
	slow, fast, quick evidence
	prior             float64 // weight of the prior now, in events
}

// evidence is a discounted count beside what was expected of it.
type evidence struct{ seen, expected float64 }

// tuning says how long a Level remembers, in expected events, and how many
// standard deviations of disagreement count as a change.
type tuning struct {
	slowMemory, fastMemory float64
	up, down               float64
	minExpected, minSeen   float64 // evidence before a change is believed; either suffices
}

// The weight of the prior at level 1, in events; after a sudden rise the old level
// means little.
const (
	priorEvents = 6
	priorAfter  = 1
)

// quickShare is the memory after a sudden rise, in short memories: most of the
// short one is from before.
const quickShare = 0.3

// NewAnswerLevel returns the level of live answers of one segment. It is quick
// to believe in more answers, which cost abandonments, and slower in fewer.
func NewAnswerLevel() Level {
	return Level{prior: priorEvents, tuning: tuning{slowMemory: 250, fastMemory: 20, up: 2.7, down: 3, minExpected: 3, minSeen: math.Inf(1)}}
}

// NewFailureLevel returns the level of early failures of all segments together:
// the health of the carrier. It notices the end of an outage within seconds.
func NewFailureLevel() Level {
	return Level{prior: priorEvents, tuning: tuning{slowMemory: 100, fastMemory: 12, up: 3.5, down: 2.5, minExpected: 1.5, minSeen: 8}}
}

// NewTalkLevel returns the level of talks that end: below 1 where they last longer
// than they used to.
func NewTalkLevel() Level {
	return Level{prior: priorEvents, tuning: tuning{slowMemory: 250, fastMemory: 40, up: 2.7, down: 2.4, minExpected: 5, minSeen: math.Inf(1)}}
}

// NewPulseLevel returns the level of the signs of life in the first seconds of calls.
func NewPulseLevel() Level {
	return Level{prior: priorEvents, tuning: tuning{slowMemory: 60, fastMemory: 5, up: 1.8, down: 1.6, minExpected: 2, minSeen: 3}}
}

// Add books events seen and events that the hazards had expected meanwhile.
func (l *Level) Add(seen, expected float64) {
	expected = math.Max(0, expected)
	l.slow.add(seen, expected, l.slowMemory)
	l.fast.add(seen, expected, l.fastMemory)
	l.quick.add(seen, expected, l.fastMemory*quickShare)
	if l.fast.expected <= l.minExpected && l.fast.seen <= l.minSeen {
		return
	}
	want := l.Value() * l.fast.expected
	switch z := (l.fast.seen - want) / math.Sqrt(want+0.5); {
	case z > l.up:
		l.slow, l.fast, l.prior = l.quick, l.quick, priorAfter
	case z < -l.down:
		l.slow = l.fast
	}
}

func (e *evidence) add(seen, expected, memory float64) {
	keep := math.Exp(-expected / memory)
	e.seen = e.seen*keep + seen
	e.expected = e.expected*keep + expected
}

// Value is the level: 1 when events come as expected, 2 when twice as many. > 0.
func (l *Level) Value() float64 {
	return (l.prior + l.slow.seen) / (l.prior + l.slow.expected)
}

// Beyond is the level less what may be chance: Value drawn towards 1 by so many
// standard deviations. > 0.
func (l *Level) Beyond(deviations float64) float64 {
	value := l.Value()
	chance := deviations / math.Sqrt(l.prior+l.slow.expected)
	if value > 1 {
		return math.Max(1, value-chance)
	}
	return math.Min(1, value+chance)
}

// Spread is the relative standard deviation of Value, in (0, 0.41].
func (l *Level) Spread() float64 { return 1 / math.Sqrt(priorEvents+l.slow.seen) }

// Rescale multiplies what was expected by ratio. It is called when the hazards
// that made the expectation have absorbed the evidence: else the same answers
// count twice, once in the hazards and once in the level.
func (l *Level) Rescale(ratio float64) {
	l.slow.expected *= ratio
	l.fast.expected *= ratio
	l.quick.expected *= ratio
}
