package carrier

import (
	"bytes"
	"context"
	"flag"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
)

// The tests wait for people more than they work: run them side by side.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "16") //nolint:errcheck // the flag exists
	goleak.VerifyTestMain(m)
}

const within = 15 * time.Second

// far is a carrier under test with a phone in the place of the dialer.
type far struct {
	*Carrier
	dialer *phone.Phone
	stop   func() []Event // closes both and reads the journal
}

func start(t *testing.T, cfg Config, dialer phone.Config) *far {
	t.Helper()
	var log bytes.Buffer
	cfg.Log = &log
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d, err := phone.New(dialer)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	closed := make(chan struct{})
	wg.Go(func() {
		defer close(closed)
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	dialerCtx, stopDialer := context.WithCancel(context.Background())
	wg.Go(func() { d.Run(dialerCtx) }) //nolint:errcheck // always nil
	stop := sync.OnceValue(func() []Event {
		cancel()
		wait(t, closed, "the carrier to end")
		stopDialer()
		eventually.Ends(t, within, "the phone ends", wg.Wait)
		events, err := ReadLog(&log)
		if err != nil {
			t.Error(err)
		}
		return events
	})
	t.Cleanup(func() { stop() })
	return &far{c, d, stop}
}

func (f *far) call(t *testing.T, number string) *phone.Call {
	t.Helper()
	return f.dial(t, phone.Dial{Number: number})
}

// callPerson calls a person and hears them from their first packet on.
func (f *far) callPerson(t *testing.T, number string) (*phone.Call, *personEar) {
	t.Helper()
	l := &personEar{greeted: make(chan struct{}), talked: make(chan struct{})}
	return f.dial(t, phone.Dial{Number: number, Listen: l.hear}), l
}

func (f *far) dial(t *testing.T, d phone.Dial) *phone.Call {
	t.Helper()
	d.To, d.Caller = f.Addr(), "+15559990000"
	c, err := f.dialer.Call(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wait is for the next of a channel, or its end.
func wait[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	return eventually.Comes(t, within, what, ch)
}

// of are the events of a call with a name, in order.
func of(events []Event, call, name string) []Event {
	var out []Event
	for _, e := range events {
		if e.Call == call && e.Event == name {
			out = append(out, e)
		}
	}
	return out
}

func behave(b Behaviour) func(string, int) (Behaviour, bool) {
	return func(string, int) (Behaviour, bool) { return b, true }
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for kind, code := range map[Kind]int{Busy: 486, Absent: 480, Invalid: 404, Congestion: 503, Declined: 603, Redirect: 302, SIT: 404} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := start(t, Config{Behave: behave(Behaviour{Kind: kind, Ring: 100 * time.Millisecond})}, phone.Config{})
			c := f.call(t, "+15550001")
			wait(t, c.Done(), "refusal")
			if got := c.End().Code; got != code {
				t.Errorf("code = %d, want %d", got, code)
			}
			events := f.stop()
			if got := of(events, c.ID, "final"); len(got) != 1 || got[0].Code != code {
				t.Errorf("final = %+v", got)
			}
			if got := of(events, c.ID, "invite"); len(got) != 1 || got[0].Number != "+15550001" || got[0].Caller != "+15559990000" || got[0].Kind != string(kind) {
				t.Errorf("invite = %+v", got)
			}
			if got := of(events, c.ID, "fault"); len(got) != 0 {
				t.Errorf("faults = %+v", got)
			}
		})
	}
}

func TestUnansweredKindsWaitForTheCancel(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{NoAnswer, Announcement, LateAnswer} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := start(t, Config{Behave: behave(Behaviour{Kind: kind})}, phone.Config{})
			ringing := make(chan bool, 4)
			c, err := f.dialer.Call(phone.Dial{To: f.Addr(), Number: "+15550001", Progress: func(_ int, early bool) { ringing <- early }})
			if err != nil {
				t.Fatal(err)
			}
			if early := wait(t, ringing, "1xx"); early != (kind == Announcement) {
				t.Errorf("early media = %v", early)
			}
			c.Hangup()
			wait(t, c.Done(), "end")
			events := f.stop()
			if len(of(events, c.ID, "cancel")) != 1 {
				t.Errorf("no cancel in %+v", events)
			}
			if late := len(of(events, c.ID, "late_answer")); late == 1 != (kind == LateAnswer) {
				t.Errorf("late answers = %d", late)
			}
			if kind == LateAnswer {
				if bye := of(events, c.ID, "bye"); len(bye) != 1 || bye[0].By != "dialer" {
					t.Errorf("bye = %+v", bye)
				}
			}
			if faults := of(events, c.ID, "fault"); len(faults) != 0 {
				t.Errorf("faults = %+v", faults)
			}
		})
	}
}

// TestPersonGreetsWaitsAndTalks plays the dialer and the operator in one: it
// hears the greeting, answers with the operator's tone once the person is
// silent, and reads every mark of the conversation.
func TestPersonGreetsWaitsAndTalks(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Person, HoldsPerson, OfferPerson} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := start(t, Config{Behave: behave(Behaviour{Kind: kind, Talk: 4 * time.Second})}, phone.Config{})
			c, l := f.callPerson(t, "+15550001")
			wait(t, c.Answered(), "answer")
			wait(t, l.greeted, "greeting")
			c.Audio.Play(&phone.Tone{Hz: 1100, Peak: 8000})
			wait(t, l.talked, "tone of the customer")
			wait(t, c.Done(), "end by the customer")
			events := f.stop()
			if bye := of(events, c.ID, "bye"); len(bye) != 1 || bye[0].By != "carrier" {
				t.Errorf("bye = %+v", bye)
			}
			tone, marks := of(events, c.ID, "first_tone"), of(events, c.ID, "marks")
			if len(tone) != 1 || tone[0].Hz != 1100 || tone[0].Mark == 0 || len(of(events, c.ID, "greeting_end")) != 1 {
				t.Errorf("first tone = %+v", tone)
			}
			if len(marks) != 1 || marks[0].Stream != phone.StreamID(c.ID) || marks[0].Last != marks[0].Sent {
				t.Fatalf("marks = %+v", marks)
			}
			if first, gaps, last := l.marks(); first != 1 || gaps != 0 || last+25 < marks[0].Last { // some may wait in the socket at the BYE
				t.Errorf("heard marks %d to %d with %d gaps, sent 1 to %d", first, last, gaps, marks[0].Last)
			}
			if faults := of(events, c.ID, "fault"); len(faults) != 0 {
				t.Errorf("faults = %+v", faults)
			}
		})
	}
}

// personEar hears a person: greeted when speech of at least 200 ms is followed
// by 400 ms of silence, talked at the customer's tone.
type personEar struct {
	greeted, talked chan struct{}

	mu                 sync.Mutex
	speech, quiet      int
	tone               int
	first, last, count uint32
}

func (l *personEar) hear(p *phone.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.Marked {
		if l.count++; l.count == 1 {
			l.first = p.Mark.Number
		}
		l.last = p.Mark.Number
	}
	switch {
	case phone.Level(p.PCM) < 150:
		if l.quiet++; l.quiet == 20 && l.speech >= 10 {
			close(l.greeted)
		}
	case phone.ToneShare(p.PCM, 700) > 0.95:
		if l.tone++; l.tone == 10 {
			close(l.talked)
		}
	default:
		l.speech++
		l.quiet = 0
	}
}

func (l *personEar) marks() (first, gaps, last uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first, l.last - l.first + 1 - l.count, l.last
}

func TestImpatientPersonHangsUp(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: Person, Patience: 300 * time.Millisecond})}, phone.Config{})
	c := f.call(t, "+15550001")
	wait(t, c.Done(), "end")
	events := f.stop()
	if bye := of(events, c.ID, "bye"); len(bye) != 1 || bye[0].By != "carrier" {
		t.Errorf("bye = %+v", bye)
	}
	if tone := of(events, c.ID, "first_tone"); len(tone) != 0 {
		t.Errorf("first tone = %+v", tone)
	}
}

func TestVoiceThatIsNoOperatorIsNoted(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: Person})}, phone.Config{})
	c, l := f.callPerson(t, "+15550001")
	wait(t, l.greeted, "greeting")
	c.Audio.Play(&phone.Clip{Samples: f.voices.message[:2*rate]})
	said := c.Audio.Sent().Count
	wait(t, sentBy(c.Audio, said+60), "message")
	c.Hangup()
	wait(t, c.Done(), "end")
	if got := of(f.stop(), c.ID, "voice_heard"); len(got) != 1 {
		t.Errorf("voice_heard = %+v", got)
	}
}

// sentBy is closed when the phone has sent a number of packets.
func sentBy(a *phone.Audio, count uint32) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for a.Sent().Count < count {
			<-time.After(20 * time.Millisecond)
		}
	}()
	return done
}

func TestMachineGreetsAndBeeps(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: Machine})}, phone.Config{})
	c := f.call(t, "+15550001")
	beep := make(chan struct{})
	voiced, tone := 0, 0
	c.Audio.Listen(func(p *phone.Packet) {
		switch {
		case phone.Level(p.PCM) < 150:
		case phone.ToneShare(p.PCM, 1000) > 0.9:
			if tone++; tone == 10 {
				close(beep)
			}
		default:
			voiced++
		}
	})
	wait(t, beep, "beep")
	if voiced < 150 {
		t.Errorf("greeting of %d frames, want at least 3 s", voiced)
	}
	c.Hangup()
	wait(t, c.Done(), "end")
}

func TestTwoAnswersAreOneCallForAGoodDialer(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: TwoAnswers, Patience: 300 * time.Millisecond})}, phone.Config{})
	c := f.call(t, "+15550001")
	wait(t, c.Done(), "end")
	events := f.stop()
	if got := of(events, c.ID, "answer"); len(got) != 2 || got[0].Fork == got[1].Fork {
		t.Errorf("answers = %+v", got)
	}
	if got := of(events, c.ID, "bye"); len(got) != 2 {
		t.Errorf("byes = %+v", got)
	}
	if faults := of(events, c.ID, "fault"); len(faults) != 0 {
		t.Errorf("faults = %+v", faults)
	}
}

func TestDigestAndCongestion(t *testing.T) {
	t.Parallel()
	for _, sha := range []bool{false, true} {
		f := start(t, Config{Username: "trunk", Password: "secret", SHA256: sha, Behave: behave(Behaviour{Kind: Busy})},
			phone.Config{User: "trunk", Password: "secret", Transport: "tcp"})
		c := f.call(t, "+15550001")
		wait(t, c.Done(), "refusal")
		if got := c.End().Code; got != 486 {
			t.Errorf("sha256 %v: code = %d, want 486", sha, got)
		}
		f.Congest(time.Minute)
		c = f.call(t, "+15550001")
		wait(t, c.Done(), "refusal")
		if got := c.End().Code; got != 503 {
			t.Errorf("congested: code = %d, want 503", got)
		}
	}
}

func TestCallLeftUpIsAFault(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: Machine})}, phone.Config{})
	c := f.call(t, "+15550001")
	wait(t, c.Answered(), "answer")
	wait(t, sentBy(c.Audio, 5), "audio")
	events := f.stop()
	if got := of(events, c.ID, "fault"); len(got) != 1 || got[0].What != "bye_missing" {
		t.Errorf("faults = %+v of %+v", got, events)
	}
}
