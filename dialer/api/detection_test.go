package api

import (
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/calibration"
)

// measured is a detector that took 2 of 200 people for machines.
func measured(c campaigns.CampaignID) calibration.Report {
	b := calibration.NewBook(0.005)
	for i := range 200 {
		s := calibration.Sample{Campaign: "spring", Trunk: "line", Verdict: "person", Chance: 0.9, Checked: true, Label: calibration.Person}
		if i < 2 {
			s.Verdict = "machine"
		}
		b.Add(s)
	}
	return b.Report(string(c), calibration.Sample{}.At)
}

// TestDetection shows a manager, and nobody below, how good the detector is.
func TestDetection(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	const path = "/api/v1/campaigns/spring/detection"
	var r calibration.Report
	w.as(t, "mia", "GET", path, nil).want(t, 200).into(t, &r)
	if r.Campaign != "spring" || r.Loss.People != 200 || r.Loss.Lost != 2 || r.People["machine"].K != 2 || len(r.Trunks) != 1 {
		t.Errorf("report %+v", r)
	}
	w.as(t, "mia", "GET", "/api/v1/campaigns/none/detection", nil).want(t, 404)
	w.as(t, "olga", "GET", path, nil).want(t, 403)
}
