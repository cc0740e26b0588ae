package carrier

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// This file is people who call the dialer: somebody who missed a call, or answered one
// and got nobody, calls back the number that had called.

// CallsBack says who calls back. The zero value is a carrier whose people never do.
type CallsBack struct {
	Share    float64       // of the people who missed a call or got no operator, in [0, 1]; default 0
	After    time.Duration // mean time from that call until they do; lognormal, at least 1 s, divided by Speed; default 1 min
	Patience time.Duration // mean time that they wait for an operator; lognormal, at least 2 s; default 45 s
	To       string        // host:port of the dialer; default where its INVITE came from
}

func (b CallsBack) withDefaults() CallsBack {
	b.After = cmp.Or(b.After, time.Minute)
	b.Patience = cmp.Or(b.Patience, 45*time.Second)
	return b
}

// Why somebody calls.
const (
	Missed    = "missed"    // a call rang, or found the line busy, and they see it on their phone
	Abandoned = "abandoned" // they answered, and no operator was there
	Unasked   = "unasked"   // CallIn
)

// Caller is somebody who calls the dialer.
type Caller struct {
	Number   string // theirs
	Called   string // the dialer's
	To       string // host:port of the dialer
	Why      string // default Unasked
	Patience time.Duration
	Talk     time.Duration
}

// CallIn has somebody call now, and returns the Call-ID.
func (c *Carrier) CallIn(who Caller) (string, error) {
	if !c.enter() {
		return "", phone.ErrClosed
	}
	who.Why = cmp.Or(who.Why, Unasked)
	call, err := c.phone.Call(phone.Dial{To: who.To, Number: who.Called, Caller: who.Number})
	if err != nil {
		c.scripts.Done()
		return "", err
	}
	c.callbacks.Add(1)
	s := &script{Carrier: c, call: call, plan: Behaviour{Kind: Person, Patience: who.Patience, Talk: who.Talk, Greeting: int(phone.StreamID(call.ID) % 1024)}}
	s.ear = newEar(call.Audio, c.cfg.OperatorHz)
	s.note(Event{Event: "callback", Number: who.Called, Caller: who.Number, Kind: string(Person), Detail: who.Why})
	go func() {
		defer c.scripts.Done()
		s.callIn(who.Number)
		s.leave()
	}()
	return call.ID, nil
}

// callIn waits for the dialer to answer, then for an operator, and talks.
func (s *script) callIn(number string) {
	select {
	case <-s.call.Answered():
	case <-s.call.Done():
		return
	case <-s.ending:
		return
	}
	s.up = true
	s.note(Event{Event: "callback_up", Caller: number, Stream: s.call.Audio.Stream()})
	s.setOnLine(number, time.Now())
	defer s.setOnLine(number, time.Time{})
	s.call.Audio.Play(s.background())
	if s.awaitOperator(0) {
		s.served.Add(1)
		s.conversation()
		s.hangup()
	}
}

// onLineFor is how long somebody must be on the line with the dialer before a call of the
// dialer to them is its fault: until then both may be on their way.
const onLineFor = time.Second

// setOnLine notes since when somebody who called is on the line; zero: they are not.
func (c *Carrier) setOnLine(number string, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since.IsZero() {
		delete(c.onLine, number)
		return
	}
	c.onLine[number] = since
}

// onTheLine says whether a number is in a call that it made to the dialer, and whether the
// dialer must have known that.
func (c *Carrier) onTheLine(number string) (is, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	since, is := c.onLine[number]
	return is, is && time.Since(since) > onLineFor
}

// mayCallBack has the person of a call that is over call back, where they had reason to
// and are one of those who do.
func (s *script) mayCallBack() {
	why := s.reasonToCall()
	if why == "" {
		return
	}
	who, after, does := s.cfg.callsBack(s.call.Number, s.attempt)
	if !does || !s.enter() {
		return
	}
	who.Called, who.Why, who.To = s.call.Caller, why, cmp.Or(s.cfg.CallsBack.To, s.call.From)
	c := s.Carrier
	go func() {
		defer c.scripts.Done()
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.ending:
			return
		}
		if is, _ := c.onTheLine(who.Number); is {
			return // they call already
		}
		if _, err := c.CallIn(who); err != nil && err != phone.ErrClosed {
			c.fault(phone.Fault{Call: s.call.ID, What: "callback", Detail: err.Error()})
		}
	}()
}

// reasonToCall is why the person of a call that is over may call back; empty where nobody
// is there, they refused the call, or had an operator.
func (s *script) reasonToCall() string {
	switch s.plan.Kind {
	case Person, BusinessLine, HoldsPerson, OfferPerson, LateAnswer:
		switch {
		case s.talked:
			return ""
		case s.up:
			return Abandoned
		}
		return Missed
	case NoAnswer, Busy, Absent, Machine:
		return Missed
	}
	return ""
}

// callsBack draws whether the person at a number calls back after an attempt, when, and
// how they are then. It depends on nothing but the seed, the number and the attempt.
func (cfg Config) callsBack(number string, attempt int) (who Caller, after time.Duration, does bool) {
	cfg = cfg.withDefaults()
	draw := rand.New(rand.NewPCG(cfg.Seed, hashOf(number+" back", attempt)))
	does = draw.Float64() < cfg.CallsBack.Share
	after = max(time.Second, scaled(lognormal(draw, cfg.CallsBack.After, 0.7), cfg.Speed))
	return Caller{
		Number:   number,
		Patience: max(2*time.Second, lognormal(draw, cfg.CallsBack.Patience, 0.5)),
		Talk:     max(500*time.Millisecond, scaled(lognormal(draw, cfg.TalkMean, 0.6), cfg.Speed)),
	}, after, does
}
