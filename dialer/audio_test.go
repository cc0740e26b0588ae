package dialer_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// figure sets what the audio says of a leg.
func (a *audio) figure(leg media.LegID, stats media.LegStats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stats == nil {
		a.stats = map[media.LegID]media.LegStats{}
	}
	a.stats[leg] = stats
}

// ending is the one that was told.
func (f *floor) ending() campaigns.Ending {
	f.t.Helper()
	all := told[dialer.CallEnded](f.observer)
	if len(all) != 1 {
		f.t.Fatalf("%d endings, want 1", len(all))
	}
	return all[0].Ending
}

// The record of a talk has the figures of both sides: of the customer's leg all of it, of
// the operator's, which stays up, what is of this talk.
func TestAudioIsInTheRecord(t *testing.T) {
	for name, end := range map[string]func(f *floor, leg sip.LegID){
		"the customer hangs up":     func(f *floor, leg sip.LegID) { f.hangsUp(leg) },
		"the operator's leg breaks": func(f *floor, leg sip.LegID) { f.phoneLost("ann"); f.hangsUp(leg) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				phone := media.LegID("op:ann:1")
				f.audio.figure(phone, media.LegStats{Browser: true, Quality: media.Quality{Received: 5000, Expected: 5000, Sent: 5000, FarLost: 40}})
				leg := bridged(f)
				f.audio.figure(phone, media.LegStats{Browser: true, Quality: media.Quality{Received: 5990, Expected: 6000, Runs: 10, Sent: 6000, FarLost: 41}})
				f.audio.figure(media.LegID(leg), media.LegStats{Quality: media.Quality{
					Received: 1000, Expected: 1000, Reordered: 2, Pauses: 3, Paused: 6 * time.Second,
					Jitters: 10, JitterSum: 20 * time.Millisecond, RoundTrip: 50 * time.Millisecond,
				}})
				end(f, leg)
				a := f.ending().Audio
				if a == nil || a.Customer == nil || a.Operator == nil {
					t.Fatalf("audio = %+v, want that of both sides", a)
				}
				want := &campaigns.LegAudio{Received: 1000, Reordered: 2, Pauses: 3, PausedSeconds: 6, JitterSeconds: 0.002, RoundTrip: 0.05, MOS: a.Customer.MOS}
				if diff := cmp.Diff(want, a.Customer); diff != "" || a.Customer.MOS < 4.3 {
					t.Errorf("the customer's (-want +got):\n%s", diff)
				}
				want = &campaigns.LegAudio{Received: 990, Lost: 10, Loss: 0.01, FarLost: 1, Browser: true, MOS: a.Operator.MOS}
				if diff := cmp.Diff(want, a.Operator); diff != "" || a.Operator.MOS < 4 {
					t.Errorf("the operator's (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A call that nobody answered has no audio, and says so.
func TestNoAudioWithoutAnAnswer(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		f.run(progressive("spring"))
		f.ready("ann")
		f.fails(f.call(0), sip.ResultBusy, 486)
		if a := f.ending().Audio; a != nil {
			t.Errorf("audio = %+v, want none", a)
		}
	})
}

// One-way audio is said to the operator in words, told once for each cause, and kept
// with how long it lasted.
func TestOneWayAudio(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		customer, phone := media.LegID(leg), media.LegID(f.phones.leg("ann"))
		since := time.Now()
		one := func(leg media.LegID, cause media.OneWayCause) {
			f.sound(media.OneWay{Leg: leg, Cause: cause, Since: since, At: time.Now()})
		}
		wantLine := func(want string) {
			t.Helper()
			if got := f.view("ann").Line; got != want {
				t.Errorf("the line is said to be %q, want %q", got, want)
			}
		}
		f.wait(2500 * time.Millisecond)
		one(customer, media.NothingComes)
		wantLine("we hear nothing from the customer's carrier")
		f.wait(time.Second)
		one(phone, media.SilentAudio)
		wantLine("your microphone is silent: the customer does not hear you")
		f.wait(time.Second)
		f.sound(media.OneWayOver{Leg: phone, At: time.Now()})
		wantLine("we hear nothing from the customer's carrier")
		one(customer, media.FromElsewhere)
		wantLine("the customer's audio comes from an address that it may not come from")
		f.sound(media.OneWayOver{Leg: customer, At: time.Now()})
		f.sound(media.OneWayOver{Leg: customer, At: time.Now()})
		wantLine("")
		f.wait(time.Second)
		one(phone, media.NothingComes)
		wantLine("we hear nothing from your phone: the customer does not hear you")
		f.wait(time.Second)
		f.hangsUp(leg)
		wantLine("")
		one(phone, media.NothingComes) // on its way when the call ended
		one("nobody", media.NothingComes)
		wantLine("")

		want := []campaigns.OneWay{
			{Side: campaigns.CustomerSide, Cause: "nothing", After: 2.5, For: 2},
			{Side: campaigns.OperatorSide, Cause: "silent", After: 3.5, For: 1},
			{Side: campaigns.CustomerSide, Cause: "elsewhere", After: 4.5, For: 0.001},
			{Side: campaigns.OperatorSide, Cause: "nothing", After: 5.5},
		}
		if diff := cmp.Diff(want, f.ending().Audio.OneWay); diff != "" {
			t.Errorf("one way (-want +got):\n%s", diff)
		}
		var got []string
		for _, n := range told[dialer.AudioOneWay](f.observer) {
			got = append(got, string(n.Side)+" "+n.Cause+" "+n.Trunk+" "+string(n.Operator))
		}
		const trunk = "carrier"
		if diff := cmp.Diff([]string{"customer nothing " + trunk + " ann", "operator silent " + trunk + " ann",
			"customer elsewhere " + trunk + " ann", "operator nothing " + trunk + " ann"}, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// A call that we end because its RTP broke off has that as its reason, and so has the
// hang-up.
func TestReasonOfLostAudio(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.wait(20 * time.Second)
		f.sound(media.AudioLost{Leg: media.LegID(leg), For: 15 * time.Second, At: time.Now()})
		f.wait(time.Minute)
		if e := f.ending(); e.Reason != "no audio from the customer for 15 s" || e.Outcome != campaigns.Connected {
			t.Errorf("ended as %s: %q", e.Outcome, e.Reason)
		}
		f.trunks.mu.Lock()
		defer f.trunks.mu.Unlock()
		if why := f.trunks.goodbye; why.Q850 != 102 {
			t.Errorf("hung up with %+v, want Q.850 cause 102", why)
		}
	})
}
