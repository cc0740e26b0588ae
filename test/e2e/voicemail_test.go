package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
)

// machine is an answering machine: a greeting, and most times a beep.
type machine struct {
	what  string
	sound []int16
	over  int // samples until the end of its beep, or of its greeting
	beeps bool
}

// noBusiness is a greeting that is too long for a business, in milliseconds.
const noBusiness = 7000

// machines are n of many kinds, each its own voice, beep and line; each eleventh has no beep.
//
// One without a beep whose greeting is as short as that of a business cannot be told from
// one: both say something and wait. Where no greeting is long they get longer ones.
func machines(n, longest int) (all []machine) {
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 0x6d616368))
		between := func(from, to int) int { return from + r.IntN(to-from) }
		span := func(from, to int) time.Duration { return time.Duration(between(from, to)) * time.Millisecond }
		greeting := carrier.Speech(uint64(1000+i), span(2500, longest), true)
		m := machine{beeps: i%11 != 10}
		if !m.beeps && longest < noBusiness {
			greeting = carrier.Speech(uint64(1000+i), span(noBusiness, noBusiness+1000), true)
		}
		rest, beep := between(100, 1200), []int16(nil)
		if i%4 == 1 {
			rest = 0 // speech right up to the beep
		}
		peak, length := 1000*float64(between(2, 12)), span(80, 1500)
		switch {
		case !m.beeps:
			m.what, rest = "no beep", 0
		case i%5 == 3:
			low, high := float64(between(400, 900)), float64(between(1000, 1900))
			m.what, beep = fmt.Sprintf("%.0f and %.0f Hz, %v", low, high, length), carrier.Tones(peak, length, low, high)
		case i%5 == 4:
			hz := float64(between(400, 1900))
			one := carrier.Tones(peak, span(80, 300), hz)
			m.what, beep = fmt.Sprintf("two of %.0f Hz", hz), slices.Concat(one, quiet(120), one)
		default:
			hz := float64(between(380, 2050))
			m.what, beep = fmt.Sprintf("%.0f Hz, %v", hz, length), carrier.Tones(peak, length, hz)
		}
		sound := slices.Concat(quiet(between(200, 700)), greeting, quiet(rest), beep)
		m.over = len(sound)
		m.what += fmt.Sprintf(", %d ms after the greeting, peak %.0f", rest, peak)
		m.sound = newClip("", "machine", 0, sound, quiet(40)).pcm
		all = append(all, m)
	}
	return all
}

// A message begins this long after the end of a beep; without one, after a quiet
// that is long enough to be no pause.
const (
	soonest, latest           = 100 * time.Millisecond, 600 * time.Millisecond
	quietAtLeast, quietAtMost = 3 * time.Second, 6 * time.Second
)

// messageLength is how long the message is that is left.
const messageLength = 1200 * time.Millisecond

// voicemail has the product leave its message on machines, and looks for it in what
// the far end heard: one message, in time, over none of the greeting.
func voicemail() part {
	all, operators := machines(22, 4500), 22
	if whole() {
		all, operators = machines(110, 12000), 10
	}
	line := lineup{campaign: "voicemail", detection: "before", voicemail: "message", operators: operators}
	for _, m := range all {
		// A machine does not hang up in its own greeting, whoever speaks.
		talks := 12*time.Second + time.Duration(len(m.sound))*time.Second/8000
		line.recordings = append(line.recordings, &carrier.Recording{Sound: m.sound, Stays: 12 * time.Second, Talks: talks})
	}
	return part{name: "voicemail", lineups: []lineup{line}, judge: func(t *testing.T, calls [][]wireCall) { judgeMessages(t, all, calls[0]) }}
}

// judgeMessages holds the undisturbed calls of machines that beep to what is wanted; it
// counts the others too. A machine without a beep that is held for a person is none that a
// later sound could take back.
func judgeMessages(t *testing.T, all []machine, calls []wireCall) {
	var beeping, silent messages
	for i, c := range calls {
		from, wrong := c.messageOn(all[i])
		calm := c.undisturbed(0, spokenUntil(all[i].over)+quietAtMost)
		if wrong != "" {
			t.Logf("machine %d (%s; undisturbed: %v): %s; heard %v", i, all[i].what, calm, wrong, c.heard)
		}
		of := &silent
		if all[i].beeps {
			of = &beeping
		}
		of.count(from, wrong == "", calm, !c.tone.IsZero())
	}
	t.Logf("with a beep: %v, from its end\nwithout: %v, from the end of the greeting", &beeping, &silent)
	if enough(t, "voicemail", beeping.undisturbed, beeping.all) && beeping.right < beeping.undisturbed*97/100 {
		t.Errorf("the message is in its place on %d of %d machines that beep, want 97 %%", beeping.right, beeping.undisturbed)
	}
	if lost := silent.all - silent.inAll; lost > silent.through+silent.all-silent.undisturbed {
		t.Errorf("no message on %d machines without a beep, of which only %d were put through", lost, silent.through)
	}
}

// messages are the counts of machines of one kind.
type messages struct {
	all, undisturbed int
	right, inAll     int // with their message in its place: of the undisturbed, of all
	through          int // to an operator before
	after            []time.Duration
}

func (m *messages) count(after time.Duration, right, undisturbed, through bool) {
	m.all++
	if undisturbed {
		m.undisturbed++
	}
	if through {
		m.through++
	}
	if right {
		m.inAll++
		m.after = append(m.after, after)
		if undisturbed {
			m.right++
		}
	}
}

func (m *messages) String() string {
	after := sortedTimes(m.after)
	return fmt.Sprintf("a message on %d of %d undisturbed machines, %d of %d in all, %d put through before; p5 %v, p50 %v, p95 %v",
		m.right, m.undisturbed, m.inAll, m.all, m.through, ms(percentile(after, 0.05)), ms(percentile(after, 0.5)), ms(percentile(after, 0.95)))
}

func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// messageOn tells when the message on a machine began, from the end of its beep or of
// its greeting, and what is wrong with it. A machine that stands still for a while
// makes two sounds of one message.
func (c *wireCall) messageOn(m machine) (after time.Duration, wrong string) {
	if len(c.sounds) == 0 {
		return 0, "no message"
	}
	from, to := soonest, latest
	if !m.beeps {
		from, to = quietAtLeast, quietAtMost
	}
	after = c.sounds[0].first.Sub(c.sentAt(m.over - 1))
	if after < from || after > to {
		return after, fmt.Sprintf("the message begins %v after the end, want %v to %v", ms(after), from, to)
	}
	length := time.Duration(0)
	for _, s := range c.sounds {
		length += s.last.Sub(s.first)
	}
	if length < messageLength*3/4 || length > messageLength*5/4 {
		return after, fmt.Sprintf("%v of a message of %v", ms(length), messageLength)
	}
	return after, ""
}
