package e2e

import (
	"net/http"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// wantSoundFigures wants that the record of a talk over loopback says of both sides
// what such a line is like.
func wantSoundFigures(t *testing.T, a campaigns.Attempt) {
	t.Helper()
	if a.Audio == nil || a.Audio.Customer == nil || a.Audio.Operator == nil {
		t.Errorf("attempt %s has the audio %+v, want that of both sides", a.ID, a.Audio)
		return
	}
	for side, l := range map[string]*campaigns.LegAudio{"customer": a.Audio.Customer, "operator": a.Audio.Operator} {
		// The talks are short. A busy machine may be late, but loses next to nothing.
		if l.Received == 0 || l.Loss > 0.05 || l.JitterSeconds < 0 || l.JitterSeconds > 0.5 || l.MOS < 2 || l.MOS > 4.42 || l.Browser {
			t.Errorf("attempt %s, the %s: %+v", a.ID, side, *l)
		}
	}
	for _, o := range a.Audio.OneWay {
		if o.Cause != "silent" {
			t.Errorf("attempt %s: one way: %+v", a.ID, o)
		}
	}
}

// wantTrunkFigures wants that managers see what calls over the one trunk came to.
func wantTrunkFigures(t *testing.T, manager *client, trunk string, answered int) {
	t.Helper()
	var all []api.TrunkFigures
	must(t, manager.do(t.Context(), http.MethodGet, "/api/v1/trunks/figures", nil, &all))
	if len(all) != 1 || all[0].Trunk != trunk || !all[0].Up || all[0].FullCPS != 20 || all[0].Registers || all[0].Hour.Answered < answered || all[0].Hour.ASR <= 0 ||
		len(all[0].Hour.Codes) == 0 || len(all[0].CallerIDs) == 0 || all[0].CallerIDs[0].Hour.Calls == 0 {
		t.Errorf("figures of the trunks = %+v, want %s up with %d answered calls", all, trunk, answered)
	}
}
