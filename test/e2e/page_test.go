package e2e

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/browser"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// tones notes when a tone was last heard, and wakes who waits for it.
type tones struct {
	mu   sync.Mutex
	last map[float64]time.Time
	more chan struct{} // closed and made anew with each
}

func newTones() *tones { return &tones{last: map[float64]time.Time{}, more: make(chan struct{})} }

// hear takes 20 ms of audio and says whether it is one of the tones.
func (s *tones) hear(pcm []int16, among ...float64) bool {
	for _, hz := range among {
		if !isTone(pcm, hz) {
			continue
		}
		s.mu.Lock()
		s.last[hz] = time.Now()
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
		return true
	}
	return false
}

// await waits until a tone is heard after a moment, and says how long after.
func (s *tones) await(t *testing.T, who string, hz float64, since time.Time) time.Duration {
	t.Helper()
	over := time.After(15 * time.Second)
	for {
		s.mu.Lock()
		last, more := s.last[hz], s.more
		s.mu.Unlock()
		if last.After(since) {
			return last.Sub(since)
		}
		select {
		case <-more:
		case <-over:
			t.Fatalf("%s: no tone of %v Hz within 15 s", who, hz)
		}
	}
}

// customer is a person in the test's hand at the end of a trunk: they say hello, wait
// for somebody's tone and answer with their own.
type customer struct {
	*phone.Phone
	*tones
	calls chan *phone.Call
}

func newCustomer(t *testing.T, hears ...float64) *customer {
	t.Helper()
	c := &customer{tones: newTones(), calls: make(chan *phone.Call, 4)}
	answer := func(call *phone.Call) {
		talks := false // of the goroutine that hears
		call.Audio.Listen(func(p *phone.Packet) {
			if c.hear(p.PCM, hears...) && !talks {
				talks = true
				call.Audio.Play(&phone.Tone{Hz: customerHz, Peak: 8000})
			}
		})
		if call.Answer() != nil {
			return // the dialer was faster to leave
		}
		call.Audio.Play(&phone.Clip{Samples: append(quiet(200), hello()...)})
		<-call.Done()
		c.calls <- call
	}
	var err error
	c.Phone, err = phone.New(phone.Config{OnCall: answer, OnFault: func(f phone.Fault) { t.Errorf("the dialer broke protocol: %+v", f) }})
	must(t, err)
	testbed.RunUntilCleanup(t, "the customer", c.Run)
	return c
}

// ended waits until a call is over that nobody asked for yet, and says how it ended.
func (c *customer) ended(t *testing.T) phone.End {
	t.Helper()
	select {
	case call := <-c.calls:
		return call.End()
	case <-time.After(15 * time.Second):
		t.Fatal("no call has ended within 15 s")
		return phone.End{}
	}
}

// page is an operator's browser: its tone says which one it is.
type page struct {
	*browser.Browser
	*tones
	hz      float64
	session string
}

// phoneView is what the API says about an operator's phone.
type phoneView struct {
	Kind      string  `json:"kind"`
	Connected bool    `json:"connected"`
	Session   string  `json:"session"`
	OnLeg     bool    `json:"on_leg"`
	Lost      uint64  `json:"packets_lost"`
	Jitter    float64 `json:"jitter_seconds"`
}

// openPage connects a page as the desk's phone, and waits until it is.
func (d *desk) openPage(t *testing.T, hz float64) *page {
	t.Helper()
	p := &page{tones: newTones(), hz: hz}
	var err error
	p.Browser, err = browser.Open(browser.Config{Hz: hz, Hear: func(got browser.Packet) { p.hear(got.PCM, customerHz) }})
	must(t, err)
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { must(t, p.Close()) }) })
	offer, err := p.Offer()
	must(t, err)
	var answer struct{ SDP, Session string }
	must(t, d.do(t.Context(), http.MethodPost, "/api/v1/operator/phone", map[string]string{"sdp": offer}, &answer))
	p.session = answer.Session
	must(t, p.Accept(answer.SDP))
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	must(t, p.Await(ctx))
	return p
}

// state asks what the operator does, and their phone.
func (d *desk) state(t *testing.T) (v struct {
	view
	Away  bool      `json:"phone_away"`
	Phone phoneView `json:"phone"`
}) {
	t.Helper()
	must(t, d.do(t.Context(), http.MethodGet, "/api/v1/operator", nil, &v))
	return v
}

// stalls is for how long the machine stood still: what a test that measures must allow
// for where other work takes its cores.
type stalls struct {
	mu    sync.Mutex
	total time.Duration
}

// watchStalls measures until the test is over.
func watchStalls(t *testing.T) *stalls {
	s := &stalls{}
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		const step, slack = 10 * time.Millisecond, 20 * time.Millisecond
		timer := time.NewTimer(step)
		defer timer.Stop()
		for last := time.Now(); ; {
			select {
			case <-timer.C:
				now := time.Now()
				if late := now.Sub(last) - step; late > slack {
					s.mu.Lock()
					s.total += late
					s.mu.Unlock()
				}
				last = now
				timer.Reset(step)
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); watching.Wait() })
	return s
}

// moment is a time, and for how long the machine had stood still until then.
type moment struct {
	at    time.Time
	stood time.Duration
}

func (s *stalls) now() moment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return moment{time.Now(), s.total}
}
