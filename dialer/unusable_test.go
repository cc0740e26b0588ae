package dialer_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	logs "go.uber.org/zap/zaptest/observer"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

// A person who answers where we cannot use the audio is hung up on at once: the attempt
// failed and says why, its lead is called again by the rule for that, the caps of the
// number do not count it, and no operator has it. That the next lead is not called so, too,
// is for the trunk to see, which is told what was wrong.
func TestAnswerThatWeCannotUse(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.stop()
		core, logged := logs.New(zap.WarnLevel)
		f.with = func(d *dialer.Deps) { d.Log = zap.New(core) }
		f.start()
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		const unusable = "no usable audio: sdp: audio may not go to 10.1.2.3:4000 (private)"
		f.audio.refuse(errors.New("sdp: audio may not go to 10.1.2.3:4000 (private)"))
		for n := range 3 {
			leg := f.call(n)
			f.answer(leg)
			if f.trunks.hangups(leg) != 1 || f.trunks.isConfirmed(leg) {
				t.Errorf("call %d: hung up on %d times, confirmed %t; want once, not confirmed", n, f.trunks.hangups(leg), f.trunks.isConfirmed(leg))
			}
			f.wantState("ann", operator.Ready)
		}
		if why := f.trunks.goodbye; why.Code != 488 || why.Text != unusable || why.Result != sip.ResultMediaMismatch {
			t.Errorf("hung up with %+v, want 488 %s, a mismatch", why, unusable)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Failed: 3})
		for _, e := range f.store.endings {
			if e.Code != 488 || e.Reason != unusable || e.Count || e.Next.Done || e.Next.At.Sub(e.At) != 30*time.Minute || !e.AnsweredAt.IsZero() {
				t.Errorf("ended as %+v, want 488 and why, not counted, again in 30 min", e)
			}
		}
		refused := logged.FilterMessage("answer refused")
		if refused.Len() != 3 || refused.All()[0].ContextMap()["trunk"] != "carrier" {
			t.Errorf("logged %v, want each refusal with its trunk", logged.All())
		}
		if said := told[dialer.CallEnded](f.observer); len(said) != 3 || said[0].Trunk != "carrier" || said[0].Ending.Outcome != campaigns.Failed {
			t.Errorf("told %+v", said)
		}
	})
}

// What the far end wrote into its description does not make a long header.
func TestLongReasonIsCut(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.audio.refuse(errors.New("sdp: " + strings.Repeat("ż", 1000)))
		f.answer(f.call(0))
		if text := f.trunks.goodbye.Text; len(text) > 150 || !utf8.ValidString(text) || !strings.HasPrefix(text, "no usable audio: sdp: żż") {
			t.Errorf("told %q", text)
		}
	})
}
