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
