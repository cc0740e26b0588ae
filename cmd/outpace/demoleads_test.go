package main

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/config/rules"
)

// The demo must have somebody to call whenever it is started: at every hour of
// a week at least a third of the leads are open, in winter and in summer.
func TestDemoLeadsAreOpenAtEveryHour(t *testing.T) {
	r, err := eligibility.Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	plan := demoPlan(time.Time{}, demoMode{mode: campaigns.Predictive})
	leads := demoLeads(len(demoZones)*10, 7)
	for _, start := range []time.Time{
		time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC), time.Date(2027, 7, 4, 0, 30, 0, 0, time.UTC),
	} {
		for hour := range 168 {
			now, open := start.Add(time.Duration(hour)*time.Hour), 0
			for _, l := range leads {
				if ok, _, _ := r.Open(l.Numbers[0].Window(), plan, now); ok {
					open++
				}
			}
			if 3*open < len(leads) {
				t.Errorf("at %s %d of %d leads are open, want a third", now, open, len(leads))
			}
		}
	}
}

func TestDemoZonesCoverEveryOffset(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	hours := map[int]bool{}
	for _, name := range demoZones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		_, offset := at.In(zone).Zone()
		hours[offset/3600] = true
	}
	for h := -11; h <= 14; h++ {
		if !hours[h] {
			t.Errorf("no zone at UTC%+d", h)
		}
	}
}

func TestDemoPlanIsValid(t *testing.T) {
	modes, err := parseModes([]string{"predictive", "progressive", "ratio=2", "ratio=1.5"})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modes {
		if err := demoPlan(time.Now(), m).Validate(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

func TestDemoModesThatAreNone(t *testing.T) {
	for _, names := range [][]string{nil, {"preview"}, {"ratio"}, {"ratio=0.5"}, {"ratio=NaN"}, {"predictive=2"}, {"progressive", "progressive"}} {
		if modes, err := parseModes(names); err == nil {
			t.Errorf("%q is taken for %v", names, modes)
		}
	}
}
