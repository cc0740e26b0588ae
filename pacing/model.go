package pacing

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

const (
	callsEvery     = 5 * time.Second  // between rebuilds of the dial hazards
	callsFresh     = 10               // ended dials that make a rebuild worth while
	handlingEvery  = 15 * time.Second // between rebuilds of the handling tables
	handlingFresh  = 25               // ended talks that make a rebuild worth while
	talkBins       = 900
	wrapBins       = 300
	priorTalk      = 90.0 // seconds
	priorWrap      = 20.0 // seconds
	minAnswer      = 0.01 // believed chance of a live answer never falls below
	leastCounted   = 0.5  // share of the answers that count, see model.counted: where most answer late, surplus calls are not all given up first
	usualSetup     = 1.5  // seconds from dial to ringing, before it is known
	readyMemory    = 40   // ends of talk or wrap-up
	handlingMemory = 400  // talks, and three more for each operator
	ownEstimates   = 32   // segments
	likeOthers     = 40   // dials of the others that a new segment begins with
	talkChance     = 2.0  // standard deviations of the level of talks that may be chance
	levelStep      = 0.05 // of that level, which the tables follow
	talksYoung     = 100  // talks, before which those that go on tell as much as those that ended
	talksKnown     = 10   // of a segment, before they count for themselves
)

// model is what was learnt, and the tables made of it. It serves all modes, so
// that a change of mode loses nothing.
type model struct {
	dials    *estimate.Dials
	health   estimate.Level // early failures, all segments together
	life     life
	segments []segment
	byName   map[string]int
	leads    *estimate.Answers
	delays   *estimate.Delays
	offsets  chances // seconds from dial to live answer, quantiles of those that count
	// counted is the share of the live answers that come before a call has rung the legal
	// minimum. Who would answer later and find nobody is given up before.
	counted  float64
	callsAt  time.Time
	followed time.Time

	talk, wrap *estimate.Duration
	stages     stages
	ready      estimate.Share // comes back ready after the work is done
	verdict    estimate.Mean  // seconds from pick-up to verdict, live answers
	talks      float64        // ended since the start
	freshTalks float64        // ended since handlingAt
	paces      paces
	talkLength estimate.UsualLength // where the segment is not known
	talkEnds   estimate.Ends
	talkLevel  estimate.Level // talks that end, of those expected
	levelled   float64        // talkLevel as the tables have it
	handling   *handling
	handlingAt time.Time
}

// segment is what is known of the answers of one segment.
type segment struct {
	dials   *estimate.Dials // of all segments while there is one
	level   estimate.Level
	answer  float64 // chance that a fresh dial is answered live
	usual   float64 // answer as it was for long
	poorer  float64 // seconds of a silence with signs of life, see life
	mute    bool    // the pulse was gone too in this silence
	back    bool    // and has come back
	accrued float64 // scratch of accrue
	// within are the chances of a dial to be placed, and then by age, see firstAge.
	within [firstAge + estimate.DialBins]row

	talk     *estimate.Duration
	talks    float64
	length   estimate.UsualLength // of its talks
	talkEnds estimate.Ends
	handling *handling // nil until its talks are known
}

// firstAge is where in segment.within age 0 is. Before come the ages of dials on a
// trunk that lags behind, and at 0 a dial whose trunk is not known yet.
const firstAge = 1 + estimate.LagBins

func newModel(now time.Time, s Settings) *model {
	m := &model{
		dials:   estimate.NewDials(s.RingTimeout.Seconds()),
		delays:  estimate.NewDelays(usualSetup),
		health:  estimate.NewFailureLevel(),
		life:    newLife(s),
		byName:  map[string]int{},
		leads:   estimate.NewAnswers(),
		stages:  stages{byName: map[stageName]*stage{}},
		paces:   newPaces(),
		talk:    estimate.NewDuration(talkBins, priorTalk),
		wrap:    estimate.NewDuration(wrapBins, priorWrap),
		ready:   estimate.NewShare(12, 0.2, readyMemory),
		verdict: estimate.NewMean(0, 200),
		callsAt: now, followed: now,
		talkLevel: estimate.NewTalkLevel(),
	}
	m.talkEnds = estimate.NewEnds(m.talk.Law(nil))
	m.tabulateCalls(s)
	m.rebuildHandling(now, s, &floor{})
	return m
}

// segment returns the index of a segment, making room for one not seen before.
// Beyond ownEstimates segments, they share the estimates of all.
func (m *model) segment(name string) int {
	if i, ok := m.byName[name]; ok {
		return i
	}
	i := len(m.segments)
	m.byName[name] = i
	s := segment{dials: m.dials, level: estimate.NewAnswerLevel()}
	if i == 1 {
		m.segments[0].dials = m.dials.Like(math.Inf(1))
		m.segments[0].talk = m.talk.Copy()
	}
	if i > 0 && i < ownEstimates {
		s.dials = m.dials.Like(likeOthers)
		s.talk = estimate.NewDuration(talkBins, priorTalk)
	}
	m.segments = append(m.segments, s)
	m.tabulate(i)
	m.segments[i].usual = m.segments[i].answer
	return i
}

// ended books the end of a dial at this moment.
func (m *model) ended(now time.Time, c *call, how fate) {
	age := seconds(now, c.dialled)
	s := &m.segments[c.segment]
	answers, failures := m.expected(c, age)
	seen, failed := 0.0, 0.0
	switch how {
	case wasHuman:
		seen = 1
		if !c.answered.IsZero() {
			m.verdict.Observe(seconds(now, c.answered))
		}
	case wasNobody, wasSilent:
		if m.dials.IsEarly(age) {
			failed = 1
		}
	}
	if c.answered.IsZero() { // else it was booked when they picked up
		m.life.ended(c, how, age)
	}
	book(m.dials, how, age)
	if s.dials != m.dials {
		book(s.dials, how, age)
	}
	s.level.Add(seen, answers-c.answers)
	if how != wasCancelled && c.record.knows() {
		m.leads.Observe(m.lead(c.record), how == wasHuman)
	}
	m.health.Add(failed, failures-c.failures)
}

// expected is what the hazards expect of a dial up to an age in seconds: live
// answers by those of its segment, early failures by those of all.
func (m *model) expected(c *call, age float64) (answers, failures float64) {
	s := &m.segments[c.segment]
	answers, failures = m.dials.Expected(age)
	if s.dials != m.dials {
		answers, _ = s.dials.Expected(age)
	}
	return answers * c.lift, failures
}

// fate is how a dial ended.
type fate int

const (
	wasHuman  fate = iota
	wasNobody      // busy, invalid, a machine: the network brought it to its end
	wasSilent      // rang out, or failed
	wasCancelled
)

func book(d *estimate.Dials, how fate, age float64) {
	switch how {
	case wasHuman:
		d.Human(age)
	case wasCancelled:
		d.Cancelled(age)
	default:
		d.Other(age)
	}
}

// accrue books what was expected of the dials in flight up to now. Booking it
// only at their end would show the answers of a burst first and the silence
// after, and look like two changes of the list.
func (m *model) accrue(now time.Time, f *floor) {
	expected := 0.0
	for _, c := range f.inFlight {
		answers, failures := m.expected(c, seconds(now, c.dialled))
		if d := answers - c.answers; d > 0 {
			m.segments[c.segment].accrued += d
			c.answers = answers
		}
		if d := failures - c.failures; d > 0 {
			expected += d
			c.failures = failures
		}
		m.life.accrue(c, seconds(now, c.dialled))
	}
	m.life.accrued()
	for i := range m.segments {
		s := &m.segments[i]
		if s.accrued > 0 {
			s.level.Add(0, s.accrued)
			s.accrued = 0
		}
	}
	if expected > 0 {
		m.health.Add(0, expected)
	}
}

// refresh rebuilds the tables that are due.
func (m *model) refresh(now time.Time, s Settings, f *floor) {
	m.accrue(now, f)
	if dt := seconds(now, m.followed); dt >= 1 {
		for i := range m.segments {
			m.segments[i].follow(&m.life, min(dt, 10))
		}
		m.life.follow(min(dt, 10))
		m.accrueTalks(now, f)
		m.followed = now
	}
	if now.Sub(m.callsAt) > callsEvery && m.dials.Fresh() >= callsFresh {
		m.rebuildCalls(now, s, f)
	}
	few := min(handlingFresh, 0.1*m.talks)
	due := now.Sub(m.handlingAt) > handlingEvery && m.freshTalks > 0 && m.freshTalks >= few
	young := m.talks < talksYoung && len(f.inFlight) > 0
	if due || now.Sub(m.handlingAt) > callsEvery && (young || math.Abs(m.lasting()/m.levelled-1) > levelStep) {
		m.rebuildHandling(now, s, f)
	}
}

// rebuildCalls makes new hazards of the ended dials and hands back to the levels
// what the hazards have absorbed.
func (m *model) rebuildCalls(now time.Time, s Settings, f *floor) {
	m.callsAt = now
	m.delays.Rebuild()
	for _, c := range f.inFlight {
		m.date(c)
	}
	var all estimate.Ages
	for _, c := range f.inFlight {
		all.Add(seconds(now, c.dialled))
	}
	human, early := m.dials.Rebuild(all)
	m.health.Rescale(early)
	m.life.rebuild(now, f)
	for i := range m.segments {
		s := &m.segments[i]
		if s.dials == m.dials {
			s.level.Rescale(human)
			continue
		}
		var ages estimate.Ages
		for _, c := range f.inFlight {
			if c.segment == i {
				ages.Add(seconds(now, c.dialled))
			}
		}
		own, _ := s.dials.Rebuild(ages)
		s.level.Rescale(own)
	}
	for _, c := range f.inFlight { // booked already, now in the new measure
		c.answers, c.failures = m.expected(c, seconds(now, c.dialled))
	}
	m.tabulateCalls(s)
}

// tabulateCalls makes the tables of when dials are answered.
func (m *model) tabulateCalls(s Settings) {
	level := estimate.NewAnswerLevel()
	if len(m.segments) > 0 {
		level = m.segments[0].level
	}
	m.tabulateOffsets(s, level)
	for i := range m.segments {
		m.tabulate(i)
	}
}

// tabulateOffsets sets the moments at which the look-ahead stands, for answers at a level.
func (m *model) tabulateOffsets(s Settings, level estimate.Level) {
	curve := m.dials.Curve(level.Value(), m.health.Value())
	m.counted = 1
	if s.Cancel {
		delay := usualSetup + math.Round((m.delays.First()-usualSetup)/estimate.DialBin)*estimate.DialBin
		m.counted = max(leastCounted, curve.Within(0, delay+s.RingMin.Seconds())/curve.Answer())
	}
	mixed := m.delays.Mixed(curve)
	for k := range m.offsets {
		m.offsets[k] = mixed.Quantile(m.counted * (float64(k) + 0.5) / points)
	}
}

// date sets when a call would have been dialled on the first trunk.
func (m *model) date(c *call) {
	c.dialled = c.placed.Add(time.Duration(m.delays.Lag(c.trunk)) * dialBin)
}

const dialBin = time.Duration(estimate.DialBin * float64(time.Second))

// tabulate makes the chances of a live answer by age for one segment.
func (m *model) tabulate(i int) {
	s := &m.segments[i]
	curve := s.dials.Curve(s.level.Value(), m.health.Value())
	s.answer = curve.Answer()
	lift := 1.0
	if s.answer < minAnswer {
		lift = minAnswer / max(s.answer, 1e-6)
		s.answer = minAnswer
	}
	mixed := m.delays.Mixed(curve)
	for k, u := range m.offsets {
		s.within[0].chances[k] = math.Min(1, lift*mixed.Within(0, u))
		for i := 1; i < len(s.within); i++ {
			s.within[i].chances[k] = math.Min(1, lift*curve.Within(i-firstAge, u))
		}
	}
}

// talked books the end of the talk of an operator; wrapped that of a wrap-up. Both
// lasted so many seconds.
func (m *model) talked(o *operator, lasted float64) {
	length := &m.talkLength
	m.talk.Observe(lasted)
	m.talks++
	m.freshTalks++
	if o.segment >= 0 {
		s := &m.segments[o.segment]
		length = &s.length
		if s.talk != nil {
			s.talk.Observe(lasted)
			s.talks++
		}
	}
	o.pace.Observe(length.Observe(lasted))
	m.talkLevel.Add(1, m.endsOf(o).By(lasted)-o.ends)
}

// endsOf is how talks like that of an operator end.
func (m *model) endsOf(o *operator) *estimate.Ends {
	if o.segment >= 0 && m.segments[o.segment].handling != nil {
		return &m.segments[o.segment].talkEnds
	}
	return &m.talkEnds
}

// accrueTalks books what was expected of the talks that go on up to now: that
// talks have become longer shows in those that do not end.
func (m *model) accrueTalks(now time.Time, f *floor) {
	expected := 0.0
	for _, o := range f.staff {
		if o.state == Talking {
			ends := m.endsOf(o).By(seconds(now, o.since))
			if d := ends - o.ends; d > 0 {
				expected += d
				o.ends = ends
			}
		}
	}
	if expected > 0 {
		m.talkLevel.Add(0, expected)
	}
}

// lasting is the level of talks that end, as far as it is not chance.
func (m *model) lasting() float64 { return m.talkLevel.Beyond(talkChance) }

func (m *model) wrapped(o *operator, lasted float64) {
	m.wrap.Observe(lasted)
	if lasted > 0 {
		o.pace.Observe(m.paces.wrap.Observe(lasted))
	}
}

// rebuildHandling makes the tables of when operators come free.
func (m *model) rebuildHandling(now time.Time, s Settings, f *floor) {
	m.handlingAt = now
	keep := math.Exp(-m.freshTalks / (handlingMemory + 3*float64(len(f.staff))))
	m.freshTalks = 0
	m.talk.Forget(keep)
	m.wrap.Forget(keep)
	talking, wrapping := f.running(now, allSegments)
	horizons := make([]float64, points)
	for k, u := range m.offsets {
		horizons[k] = u + m.patience(s)
	}
	wrap := m.wrap.Law(wrapping)
	talk := m.talk.Law(talking)
	before := m.talkEnds
	m.talkEnds = estimate.NewEnds(talk)
	m.talkLevel.Rescale(m.talk.Shift(before, m.talkEnds, talking))
	m.levelled = m.lasting()
	m.handling = newHandling(estimate.Faster(talk, m.levelled), wrap, horizons)
	for i := range m.segments {
		s := &m.segments[i]
		if s.talk == nil || s.talks < talksKnown {
			continue
		}
		s.talk.Forget(keep)
		talking, _ := f.running(now, i)
		law := s.talk.LawOf(talk, talking)
		s.talkEnds = estimate.NewEnds(law)
		s.handling = newHandling(estimate.Faster(law, m.levelled), wrap, horizons)
	}
	for _, o := range f.staff { // booked already, now in the new measure
		if o.state == Talking {
			o.ends = m.endsOf(o).By(seconds(now, o.since))
		}
	}
	m.stages.rebuild(wrap, horizons, keep)
}

// patience is how long after the verdict an operator may still come, in seconds,
// less a margin for the connection.
func (m *model) patience(s Settings) float64 {
	const margin = 0.25
	left := s.ConnectWithin.Seconds() - margin
	if s.Clock == FromAnswer {
		left -= m.verdict.Value()
	}
	return max(margin, left)
}

// comesFree returns the chances that a busy operator is through with their work at
// each point, before the chance that they go on pause; nil where they do not come.
func (m *model) comesFree(now time.Time, o *operator) *row {
	if o.pauseRequested {
		return nil
	}
	if known := m.stages.row(now, o); known != nil {
		return known
	}
	switch {
	case o.state == Talking && o.segment >= 0 && m.segments[o.segment].handling != nil:
		return after(m.segments[o.segment].handling.talk, seconds(now, o.since))
	case o.state == Talking:
		return after(m.handling.talk, seconds(now, o.since))
	case o.state == Wrapping:
		return after(m.handling.wrap, seconds(now, o.since))
	}
	return nil
}

// rested returns the chances that an operator who rests is ready at each point.
func (m *model) rested(now time.Time, o *operator) *chances {
	var free chances
	for k, u := range m.offsets {
		if !now.Add(time.Duration(u * float64(time.Second))).Before(o.restUntil) {
			free[k] = 1
		}
	}
	return &free
}

// answers returns the chances that a call in flight is answered live by each point,
// before what lifts them.
func (m *model) answers(now time.Time, c *call) *row {
	within := &m.segments[c.segment].within
	if bin := estimate.DialAgeBin(seconds(now, c.dialled)); bin > 0 {
		return &within[firstAge+bin]
	}
	behind := math.Ceil(seconds(c.dialled, now) / estimate.DialBin)
	return &within[max(1, firstAge-int(behind))]
}
