package api

import "testing"

// Who asks why leads are not dialled hears what holds the dialling up, too: leads that are
// ready wait for an operator.
func TestHeldUp(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	var got Waterfall
	w.as(t, "mia", "GET", "/api/v1/campaigns/spring/explain", nil).want(t, 200).into(t, &got)
	if got.Now != "no operator is at work" || got.Campaign != "spring" {
		t.Errorf("held up: %+v", got)
	}
}
