package trunk

import (
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

func TestFiguresOfTrunkAndCallerID(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.CallerIDs = 1000, []string{"+48221000001", "+48221000002"}
	f := newFloor(t, cfg)
	call := func(i int, callerID string, end sip.Ended) {
		t.Helper()
		id := fmt.Sprint("c", i)
		r, err := f.Reserve("default", "+48600100200", []string{callerID}, id)
		if err != nil {
			t.Fatal(err)
		}
		end.Leg = sip.LegID(id)
		f.Dial(end.Leg, r, nil)
		if end.AnsweredAt.Equal(epoch) {
			end.RingingAt, end.AnsweredAt, end.At = f.at.Add(2*time.Second), f.at.Add(5*time.Second), f.at.Add(65*time.Second)
			f.at = end.At
		}
		f.Handle(end)
	}
	up := sip.Ended{WasUp: true, AnsweredAt: epoch}
	call(1, cfg.CallerIDs[0], up)
	call(2, cfg.CallerIDs[0], sip.Ended{Cause: sip.Cause{Code: 486}})
	call(3, cfg.CallerIDs[1], sip.Ended{Cause: sip.Cause{Code: 404}})
	call(4, cfg.CallerIDs[1], sip.Ended{Cause: sip.Cause{Code: 608}})
	call(5, cfg.CallerIDs[0], sip.Ended{ByUs: true}) // given up at once: no figure
	f.FalseAnswer("alpha", cfg.CallerIDs[0])
	f.FalseAnswer("nobody", "")

	got := f.Figures()[0]
	if got.Calls != 4 || got.ASR != 0.25 || got.NER != 0.5 || got.ACD != time.Minute || got.FalseShare != 1 {
		t.Errorf("trunk: %+v", got.Figures)
	}
	if got.DelayP50 < 2*time.Second || got.DelayP50 > 2300*time.Millisecond {
		t.Errorf("delay %s, want 2 s", got.DelayP50)
	}
	if len(got.CallerIDs) != 2 {
		t.Fatalf("caller IDs %+v", got.CallerIDs)
	}
	first, second := got.CallerIDs[0], got.CallerIDs[1]
	if first.CallerID != cfg.CallerIDs[0] || first.Place != 1 || first.ASR != 0.5 || first.FalseShare != 1 {
		t.Errorf("first caller ID: %+v", first)
	}
	if second.Place != 2 || second.Calls != 2 || second.ASR != 0 || second.NER != 0 {
		t.Errorf("second caller ID: %+v", second)
	}
	f.at = f.at.Add(time.Hour)
	if got := f.Figures()[0]; got.Calls != 0 {
		t.Errorf("an hour later: %+v", got.Figures)
	}
}
