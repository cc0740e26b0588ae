package dialer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// Whatever the three do, in any order: when the customer and everybody asked have
// left, no leg is stuck, no channel taken, nobody is in a talk, and the attempt has
// one outcome.
func TestThreeCanLeaveAnyhow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var steps []string
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			steps = append(steps, rapid.SampledFrom([]string{
				"hold", "resume", "consult bob", "consult queue", "consult number", "blind bob", "blind queue", "blind number",
				"answer", "answer", "busy", "confer", "transfer", "return", "ann hangs up", "bob hangs up", "third hangs up",
				"ann's leg", "bob's leg", "third's audio", "a second", "a minute", "carl pauses", "carl ready",
				"ann says", "bob says", "ann back",
			}).Draw(rt, "step"))
		}
		synctest.Test(t, func(t *testing.T) {
			f := newFloor(t)
			leg := talking(f)
			for _, s := range steps {
				f.three(s)
			}
			if f.trunks.hangups(leg) == 0 {
				f.hangsUp(leg)
			}
			f.wait(3 * time.Minute) // wrap-ups, and phones that are lost, are over
			s, err := f.engine.Snapshot(f.ctx)
			f.do(err)
			for _, o := range s.Operators {
				if o.State == operator.Talking || o.State == operator.Reserved || o.Attempt != "" || o.Muted {
					t.Errorf("after %q: %s is %s in %q", steps, o.User, o.State, o.Attempt)
				}
			}
			if s.Calls != 0 || f.trunks.inUse() != 0 || f.store.stillOpen() != 0 {
				t.Errorf("after %q: %d calls, %d channels, %d attempts open", steps, s.Calls, f.trunks.inUse(), f.store.stillOpen())
			}
			f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
			if n := len(f.store.said()); n == 0 {
				t.Errorf("after %q: no disposition", steps)
			}
			for _, l := range f.trunks.legs() {
				f.wantAudio(1, "close "+string(l))
			}
			f.stop()
			if t.Failed() {
				rt.Fatalf("after %q", steps)
			}
		})
	})
}

// three does one thing that may or may not be possible now.
func (f *floor) three(step string) {
	third := sip.LegID("")
	for _, leg := range f.trunks.legs() {
		if strings.HasPrefix(string(leg), "third:") && f.trunks.hangups(leg) == 0 && f.audio.was("close "+string(leg)) == 0 {
			third = leg
		}
	}
	up := f.trunks.isConfirmed(third)
	bob, queue, number := toBob(), toAutumn(), toLawyer()
	what, to, _ := strings.Cut(step, " ")
	target := map[string]*dialer.Target{"bob": &bob, "queue": &queue, "number": &number}[to]
	switch {
	case what == "consult":
		_ = f.engine.Consult(f.ctx, "ann", *target)
	case what == "blind":
		_ = f.engine.Transfer(f.ctx, "ann", target)
	case step == "hold":
		_ = f.engine.Hold(f.ctx, "ann")
	case step == "resume":
		_ = f.engine.Resume(f.ctx, "ann")
	case step == "confer":
		_ = f.engine.Confer(f.ctx, "ann")
	case step == "transfer":
		_ = f.engine.Transfer(f.ctx, "ann", nil)
	case step == "return":
		_ = f.engine.Return(f.ctx, "ann")
	case step == "answer" && third != "" && !up:
		f.picksUp(third)
	case step == "busy" && third != "" && !up:
		f.fails(third, sip.ResultBusy, 486)
	case step == "third hangs up" && up:
		f.hangsUp(third)
	case step == "third's audio" && up:
		f.sound(media.AudioLost{Leg: media.LegID(third), For: 15 * time.Second, At: time.Now()})
	case step == "ann hangs up":
		_ = f.engine.HangUp(f.ctx, "ann")
	case step == "bob hangs up":
		_ = f.engine.HangUp(f.ctx, "bob")
	case step == "ann's leg":
		f.phoneLost("ann")
	case step == "bob's leg":
		f.phoneLost("bob")
	case step == "ann back":
		_ = f.engine.OnDuty(f.ctx, "ann", "")
	case step == "carl pauses":
		_ = f.engine.Pause(f.ctx, "carl", "x")
	case step == "carl ready":
		_ = f.engine.Ready(f.ctx, "carl")
	case step == "ann says":
		_ = f.engine.Dispose(f.ctx, "ann", said("sale"))
	case step == "bob says":
		_ = f.engine.Dispose(f.ctx, "bob", said("not_interested"))
	case step == "a second":
		f.wait(time.Second)
	case step == "a minute":
		f.wait(time.Minute)
	}
	synctest.Wait()
	f.wait(5 * time.Millisecond)
}
