package dialer_test

import (
	"errors"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

func TestListenIn(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		id := campaigns.AttemptID(leg)
		if err := f.engine.ListenIn(f.ctx, "boss", id, dialer.Listen); !errors.Is(err, dialer.ErrState) {
			t.Errorf("without a phone: %v", err)
		}
		f.do(f.engine.OnDuty(f.ctx, "boss", ""))
		boss := string(f.phones.leg("boss"))
		if err := f.engine.ListenIn(f.ctx, "boss", "a2", dialer.Listen); !errors.Is(err, dialer.ErrNoCall) {
			t.Errorf("no such call: %v", err)
		}
		f.do(f.engine.ListenIn(f.ctx, "boss", id, dialer.Listen))
		f.do(f.engine.ListenIn(f.ctx, "boss", id, dialer.Whisper))
		f.wantAudio(1, "monitor "+boss+" "+string(leg)+" listen")
		f.wantAudio(1, "monitor "+boss+" "+string(leg)+" whisper")
		if v := f.view("boss"); v.ListensTo != id || v.Presence != dialer.Whisper || v.State != operator.Paused {
			t.Errorf("on the screen: %+v", v)
		}
		f.do(f.engine.StopListening(f.ctx, "boss"))
		if err := f.engine.StopListening(f.ctx, "boss"); !errors.Is(err, dialer.ErrNoCall) {
			t.Errorf("stopped twice: %v", err)
		}
		f.do(f.engine.ListenIn(f.ctx, "boss", id, dialer.Barge))
		f.hangsUp(leg)
		if v := f.view("boss"); v.ListensTo != "" {
			t.Errorf("listens to %s, which is over", v.ListensTo)
		}
		f.wantState("boss", operator.Paused)
	})
	inBubble(t, func(f *floor) { // who is ready listens to nobody
		leg := bridged(f)
		f.do(f.engine.OnDuty(f.ctx, "boss", ""))
		f.do(f.engine.ListenIn(f.ctx, "boss", campaigns.AttemptID(leg), dialer.Listen))
		f.do(f.engine.Ready(f.ctx, "boss"))
		f.wantAudio(1, "unmonitor "+string(f.phones.leg("boss")))
		f.hangsUp(leg)
	})
}
