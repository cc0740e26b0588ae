package app

import (
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// Two nodes have the limits of a carrier together; one that is left has them alone.
func TestNodesShareATrunk(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	a, stop := start(t, onRedis(t, url, "a"))
	have := func(x *App) (channels int, cps float64) {
		s := x.trunks.Stats()[0]
		return s.ShareChannels, s.ShareCPS
	}
	wants := func(what string, nodes []*App, each int) {
		t.Helper()
		eventually.So(t, patience, what, func() bool {
			for _, x := range nodes {
				if channels, cps := have(x); channels != each || cps < float64(each)-0.01 || cps > float64(each)+0.01 {
					return false
				}
			}
			return true
		})
	}
	wants("one node has everything", []*App{a}, 10)
	b, _ := start(t, onRedis(t, url, "b"))
	wants("two nodes have half of it each", []*App{a, b}, 5)
	for _, want := range []string{`dialer_trunk_channels_share{trunk="simulated"} 5`, `dialer_trunk_cps_share{trunk="simulated"} 5`} {
		if _, text := get(t, a.AdminAddr(), "/metrics"); !strings.Contains(text, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wants("the other one has everything", []*App{b}, 10)
}
