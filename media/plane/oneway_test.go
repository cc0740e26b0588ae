package plane

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// oneWays waits until what was told of a leg is what is wanted, and returns when the
// last was told. Other events are dropped.
func (r *rig) oneWays(id media.LegID, within time.Duration, want ...media.OneWayCause) time.Time {
	r.t.Helper()
	deadline := time.After(within)
	for i := 0; ; {
		select {
		case e := <-r.events:
			var cause media.OneWayCause
			var at time.Time
			switch e := e.(type) {
			case media.OneWay:
				if e.Leg != id {
					continue
				}
				cause, at = e.Cause, e.At
			case media.OneWayOver:
				if e.Leg != id {
					continue
				}
				at = e.At
			default:
				continue
			}
			if cause != want[i] {
				r.t.Fatalf("%s is told to be one-way by %q, want %q", id, cause, want[i])
			}
			if i++; i == len(want) {
				return at
			}
		case <-deadline:
			r.t.Fatalf("%s was not told to be one-way by %q within %v", id, want[i], within)
		}
	}
}

// A customer whose carrier sends nothing is found within 3 s of the bridge, by the
// plane's own clock, and so is that the audio comes after all.
func TestNothingComesFromTheCustomer(t *testing.T) {
	r := start(t, nil)
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	defer operator.keepTalking()()
	operator.await("the leg", func(got []heard) bool { return len(got) > 0 })
	began := time.Now()
	r.Bridge("c", "o")
	told := r.oneWays("c", 20*time.Second, media.NothingComes)
	if late := told.Sub(began); late > 3*time.Second && r.Stats().TicksLate == 0 {
		t.Errorf("found %v after the bridge, want within 3 s", late)
	}
	if n := r.Stats().OneWay; n != 1 {
		t.Errorf("one-way legs = %d, want 1", n)
	}
	defer customer.keepTalking()()
	r.oneWays("c", 20*time.Second, "")
}

// A customer whose audio comes from another port: behind a NAT it is learned and all is
// well, of a strict trunk it may not be taken, which has a name of its own.
func TestCustomerSendsFromAnotherPort(t *testing.T) {
	for name, tt := range map[string]struct {
		strict bool
		want   media.OneWayCause
	}{"behind a NAT": {}, "strict": {true, media.FromElsewhere}} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			customer, described, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 1), newFarEnd(t, media.ULaw, 700)
			spec := local
			spec.Strict = tt.strict
			offer, err := r.Offer("c", spec)
			if err != nil {
				t.Fatal(err)
			}
			customer.aim(offer)
			if err := r.Accept("c", described.describe(1, "")); err != nil {
				t.Fatal(err)
			}
			r.call("o", localOperator, operator)
			defer operator.keepTalking()()
			defer customer.keepTalking()()
			r.Bridge("c", "o")
			if tt.want != "" {
				r.oneWays("c", 20*time.Second, tt.want)
				return
			}
			operator.await("the customer", func(got []heard) bool { return len(relayed(got)) > int(oneWayAfter/media.FrameDuration) })
			select {
			case e := <-r.events:
				if one, is := e.(media.OneWay); is {
					t.Errorf("told %+v of a bridge in which both are heard", one)
				}
			default:
			}
		})
	}
}

// hush is a comfort noise packet of a level in -dBov.
func (f *farEnd) hush(level byte) {
	b := make([]byte, 13)
	b[12] = level
	f.stamp(b, 13, false)
	f.send(b)
}

// pauseBy lets time pass for the far end's timestamps, as a phone in DTX does.
func (f *farEnd) pauseBy(d time.Duration) {
	time.Sleep(d)
	f.timestamp += uint32(media.Samples(d))
}

// In DTX nothing is lost and nobody is one-way. The other side hears the noise that was
// announced, in an unbroken stream, and a recording has the sound where it was.
func TestDTX(t *testing.T) {
	const pause = 2700 * time.Millisecond
	dir := t.TempDir()
	r := start(t, func(c *Config) { c.RecordDir = dir })
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	defer operator.keepTalking()()
	r.Bridge("c", "o")
	r.Record("c", "dtx.wav")
	began := time.Now()
	customer.talk(25)
	customer.hush(40)
	operator.forget()
	customer.pauseBy(pause)
	hushed := operator.packets()
	resumed := time.Since(began)
	customer.talk(25)
	r.StopRecord("c")
	recorded := next[media.Recorded](r)
	if recorded.Err != nil {
		t.Fatal(recorded.Err)
	}
	continuous(t, hushed)
	if n := len(hushed); n < 30 {
		t.Errorf("%d packets in a pause of %v", n, pause)
	}
	pcm := make([]int16, 160)
	codec.Decode(media.ULaw, pcm, hushed[len(hushed)/2].payload)
	power := 0.0
	for _, x := range pcm {
		power += float64(x) * float64(x)
	}
	if loud := math.Sqrt(power / 160); loud < 200 || loud > 450 {
		t.Errorf("the pause is heard at %.0f, want about 328: -40 dBov", loud)
	}
	stats, _ := r.LegStats("c")
	if q := stats.Quality; q.Lost() != 0 || q.Pauses != 1 || (q.Paused-pause).Abs() > 50*time.Millisecond || q.MOS() < 4 {
		t.Errorf("quality = %+v with MOS %.2f, want nothing lost and one pause of %v", q, q.MOS(), pause)
	}
	left, right := channels(t, filepath.Join(dir, recorded.Path))
	part := func(side []byte, from time.Duration) []byte {
		at := media.Samples(from)
		return side[at : at+4*media.SamplesPerFrame]
	}
	for name, tt := range map[string]struct {
		audio    []byte
		freq     float64
		from, to float64
	}{
		"the customer before the pause": {part(left, 200*time.Millisecond), 440, 0.5, 1.5},
		"the customer in the pause":     {part(left, resumed/2+250*time.Millisecond), 440, 0, 0.1},
		"the customer after the pause":  {part(left, resumed+200*time.Millisecond), 440, 0.5, 1.5},
		"the operator in the pause":     {part(right, resumed/2+250*time.Millisecond), 700, 0.3, 1.5},
	} {
		if l := level(tt.audio, media.ULaw, tt.freq); l < tt.from || l > tt.to {
			t.Errorf("%s at %.2f, want %v to %v", name, l, tt.from, tt.to)
		}
	}
	for len(r.events) > 0 {
		if e, is := (<-r.events).(media.OneWay); is {
			t.Errorf("told %+v of a leg in DTX", e)
		}
	}
}

// Digital silence counts as such after a while, and one sound ends it. A leg over a
// wire takes its time from who hands it packets, so nobody waits here.
func TestSilentAudio(t *testing.T) {
	page := newPageEnd(t, media.ULaw, 440)
	l := newWiredLeg("c", local, page, func(media.Event) {})
	since := time.Unix(1_800_000_000, 0)
	l.Follow(page.format(1))
	l.watch.expect(since, true, time.Minute, time.Minute)
	l.pairing.Store(&pairing{customer: l, since: since})
	look := func(after time.Duration, sound bool) media.Event {
		b := page.packet()
		if !sound {
			copy(b[12:], bytes.Repeat([]byte{0xFF}, 160))
		}
		l.HearRTP(b, since.Add(after))
		return l.oneWay.look(l, since.Add(after))
	}
	for _, after := range []time.Duration{0, time.Second, silentAfter - time.Second} {
		if e := look(after, false); e != nil {
			t.Errorf("told %+v after %v, too early", e, after)
		}
	}
	e, is := look(silentAfter+time.Second, false).(media.OneWay)
	if !is || e.Cause != media.SilentAudio || e.Leg != "c" || !e.Since.Equal(since) {
		t.Errorf("told %+v, want that the audio is silent", e)
	}
	if e, is := look(silentAfter+2*time.Second, true).(media.OneWayOver); !is {
		t.Errorf("told %+v after a sound, want that it is over", e)
	}
	look(silentAfter+3*time.Second, true)
	l.pairing.Store(&pairing{customer: l, since: since.Add(time.Minute)})
	if e := look(time.Minute+time.Second, false); e != nil {
		t.Errorf("told %+v of a new bridge", e)
	}
	if _, is := look(time.Minute+silentAfter+time.Second, false).(media.OneWay); !is {
		t.Error("not told of the silence in the new bridge")
	}
	l.pairing.Store(nil)
	if e, is := look(time.Minute+silentAfter+2*time.Second, false).(media.OneWayOver); !is {
		t.Errorf("told %+v at the end of the bridge, want that it is over", e)
	}
	l.pairing.Store(&pairing{customer: l, since: since.Add(time.Minute)})
	l.watch.expect(since, false, time.Minute, time.Minute)
	if e := l.oneWay.look(l, since.Add(5*time.Minute)); e != nil {
		t.Errorf("told %+v of a leg that holds us", e)
	}
}

func TestSounds(t *testing.T) {
	for name, tt := range map[string]struct {
		law  media.Law
		peak int16
		want bool
	}{
		"µ-law silence": {media.ULaw, 0, false}, "A-law silence": {media.ALaw, 0, false}, "a line's noise": {media.ULaw, 90, false},
		"a quiet voice": {media.ULaw, 400, true}, "a quiet voice, A-law": {media.ALaw, 400, true},
	} {
		pcm, payload := make([]int16, 160), make([]byte, 160)
		for i := range pcm {
			pcm[i] = int16(float64(tt.peak) * math.Sin(float64(i)))
		}
		codec.Encode(tt.law, payload, pcm)
		p := &media.Packet{Law: tt.law, Payload: payload}
		if got := sounds(p); got != tt.want {
			t.Errorf("%s: sounds = %v, want %v", name, got, tt.want)
		}
		if n := testing.AllocsPerRun(100, func() { sounds(p) }); n != 0 {
			t.Errorf("allocations = %v, want 0", n)
		}
	}
}

// Who announced their pause may be quiet for longer before they count as lost.
func TestQuietIsLostLater(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	for name, tt := range map[string]struct {
		quiet bool
		after time.Duration
		want  bool
	}{
		"a stream that broke off":       {false, 16 * time.Second, true},
		"a pause":                       {true, 16 * time.Second, false},
		"a pause that is none any more": {true, 61 * time.Second, true},
	} {
		var w watch
		w.expect(begin, true, 30*time.Second, 15*time.Second)
		heard := begin.Add(time.Second)
		if _, got := w.look("c", heard.Add(tt.after), heard, tt.quiet).(media.AudioLost); got != tt.want {
			t.Errorf("%s: lost = %v, want %v", name, got, tt.want)
		}
	}
}

// Loss and disorder on the way show in the figures of a leg, and only they.
func TestQualityOverALossyPath(t *testing.T) {
	r := start(t, nil)
	customer := newFarEnd(t, media.ULaw, 440)
	r.call("c", local, customer)
	const sent, lost = 200, 10
	var held []byte
	for i := range sent {
		b := customer.packet()
		switch {
		case i%20 == 7: // lost
		case i%50 == 30: // overtaken
			held = b
		default:
			customer.send(b)
			if held != nil {
				customer.send(held)
				held = nil
			}
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	stats, _ := r.LegStats("c")
	for stats.Received < sent-lost && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
		stats, _ = r.LegStats("c")
	}
	q := stats.Quality
	if q.Lost() != lost || q.Runs != lost || q.Reordered != 4 || q.Repeated != 0 || q.Loss() != 0.05 || stats.Browser {
		t.Errorf("quality = %+v, want %d lost in as many runs, 4 reordered", q, lost)
	}
	if mos := q.MOS(); mos < 3.5 || mos > 4.1 {
		t.Errorf("MOS = %.2f, want that of 5 %% loss", mos)
	}
	r.Close("c")
	if closed := next[media.Closed](r); closed.Stats.Quality != q {
		t.Errorf("closed with %+v, want %+v", closed.Stats.Quality, q)
	}
}
