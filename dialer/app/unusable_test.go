package app

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// A trunk whose answers we hang up on for their audio takes no more calls, and its figures
// and the metrics say so, with the reason.
func TestUnusableTrunkIsSeen(t *testing.T) {
	far, err := carrier.New(carrier.Config{Behave: func(string, int) (carrier.Behaviour, bool) {
		return carrier.Behaviour{Kind: carrier.Person, Patience: time.Minute}, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	runs(t, far)
	a, _ := start(t, settings(t, far.Addr()))
	offer := sdp.Offer(1, netip.MustParseAddrPort("127.0.0.1:9"), []media.Law{media.ULaw}).Marshal()
	for n := range 3 {
		leg := sip.LegID(fmt.Sprint("call", n))
		eventually.So(t, patience, "a call may leave", func() bool {
			route, err := a.trunks.Reserve("default", "+9995550100", nil, string(leg))
			if err == nil {
				a.trunks.Dial(leg, route, offer)
			}
			return err == nil
		})
		eventually.So(t, patience, "it is answered", func() bool { return a.trunks.Stats()[0].Answers == uint64(n)+1 })
		a.trunks.Hangup(leg, sip.Cause{Code: 488, Text: "no usable audio: of a test", Result: sip.ResultMediaMismatch})
		eventually.So(t, patience, "it ends", func() bool { return a.trunks.Stats()[0].Channels == 0 })
	}
	f := trunkFigures(a.trunks, time.Now)[0]
	if !f.Unusable || !f.Up || f.Paused || !strings.Contains(f.Why, "3 answers in a row had no usable audio: of a test; see its media_networks") {
		t.Errorf("figures %+v, want a trunk that rests", f)
	}
	_, text := get(t, a.AdminAddr(), "/metrics")
	for _, want := range []string{`dialer_trunk_unusable{trunk="simulated"} 1`, `dialer_trunk_answers_refused_total{trunk="simulated"} 3`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}
