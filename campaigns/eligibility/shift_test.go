package eligibility

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config/rules"
)

func shifting(windows ...campaigns.Hours) campaigns.Campaign {
	return campaigns.Campaign{Windows: windows, Retry: []campaigns.RetryRule{{Outcome: campaigns.NoAnswer, After: 30 * time.Minute, Max: 5, Shift: true}}}
}

func TestShift(t *testing.T) {
	r, err := Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	warsaw := campaigns.Number{E164: "+48225550123", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}
	unsure := campaigns.Number{E164: "+12125550123", Zones: []string{"America/Chicago", "America/New_York"}, Regions: []string{"US-FED"}}
	all := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	at := func(zone, clock string) time.Time {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		local, err := time.ParseInLocation("2006-01-02 15:04", clock, loc)
		if err != nil {
			t.Fatal(err)
		}
		return local
	}
	const pl, us = "Europe/Warsaw", "America/New_York"
	for _, tt := range []struct {
		name        string
		number      campaigns.Number
		windows     []campaigns.Hours
		tried, want time.Time
	}{
		{"morning: afternoon", warsaw, nil, at(pl, "2026-11-23 09:00"), at(pl, "2026-11-23 12:00")},
		{"just before noon it is noon by then", warsaw, nil, at(pl, "2026-11-23 11:50"), at(pl, "2026-11-23 12:20")},
		{"afternoon: evening", warsaw, nil, at(pl, "2026-11-23 13:00"), at(pl, "2026-11-23 17:00")},
		{"evening: next morning, when it opens", warsaw, nil, at(pl, "2026-11-23 18:00"), at(pl, "2026-11-24 08:00")},
		{"Saturday afternoon: closed in the evening, closed on Sunday", warsaw, nil, at(pl, "2026-11-28 13:00"), at(pl, "2026-11-28 17:00")},
		{"Saturday at the end: Monday morning", warsaw, nil, at(pl, "2026-11-28 17:45"), at(pl, "2026-11-30 08:00")},
		{"hours that know no evening", warsaw, []campaigns.Hours{{Days: all, From: "09:00", To: "16:00"}}, at(pl, "2026-11-23 13:00"), at(pl, "2026-11-24 09:00")},
		{"hours that know but one part: as the rule says", warsaw, []campaigns.Hours{{Days: all, From: "09:00", To: "11:00"}}, at(pl, "2026-11-23 09:30"), at(pl, "2026-11-23 10:00")},
		{"both plausible zones: not noon in New York only", unsure, nil, at(us, "2026-11-23 10:30"), at(us, "2026-11-23 13:00")},
		{"over the change to summer time", warsaw, nil, at(pl, "2026-03-28 17:45"), at(pl, "2026-03-30 08:00")},
	} {
		cl := campaigns.Claim{Lead: campaigns.Lead{Numbers: []campaigns.Number{tt.number}}, Number: tt.number}
		c := shifting(tt.windows...)
		next, _, _ := Retry(c, cl, campaigns.NoAnswer, tt.tried)
		if got := r.Shift(c, cl, campaigns.NoAnswer, next, tt.tried); !got.At.Equal(tt.want) || got.Number != next.Number {
			t.Errorf("%s: next at %v, want %v", tt.name, got.At.In(tt.want.Location()), tt.want)
		}
	}
	tried := at(pl, "2026-11-23 09:00")
	cl := campaigns.Claim{Lead: campaigns.Lead{Numbers: []campaigns.Number{warsaw}}, Number: warsaw}
	for name, next := range map[string]campaigns.Next{
		"done": {Done: true}, "promised": {At: tried, Callback: &campaigns.Callback{At: tried}}, "moved": {At: tried, MoveTo: "d"},
	} {
		if got := r.Shift(shifting(), cl, campaigns.NoAnswer, next, tried); got != next {
			t.Errorf("%s: next = %+v, want it as it was", name, got)
		}
	}
	if got := r.Shift(shifting(), cl, campaigns.Busy, campaigns.Next{At: tried}, tried); !got.At.Equal(tried) {
		t.Errorf("another outcome was shifted to %v", got.At)
	}
}

// Whenever it was tried: the next time is open, in another part of the day for
// everybody it may be, and not before its delay.
func TestShiftIsToAnotherDaypart(t *testing.T) {
	r, err := Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom([]campaigns.Number{
			{Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}},
			{Zones: []string{"America/Chicago", "America/New_York"}, Regions: []string{"US-FED"}},
			{Zones: []string{"Australia/Lord_Howe"}, Regions: []string{"AU"}},
		}).Draw(t, "number")
		tried := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "minutes")) * time.Minute)
		cl := campaigns.Claim{Lead: campaigns.Lead{Numbers: []campaigns.Number{number}}, Number: number}
		c := shifting()
		next := campaigns.Next{At: tried.Add(30 * time.Minute)}
		got := r.Shift(c, cl, campaigns.NoAnswer, next, tried)
		if got.At.Before(next.At) {
			t.Fatalf("at %v, before %v", got.At, next.At)
		}
		if open, _, _ := r.Open(number.Window(), c, got.At); !open {
			t.Fatalf("at %v, which is closed", got.At)
		}
		for _, zone := range r.zonesOf(number.Window()) {
			before, _ := daypartAt(tried.In(zone))
			if after, _ := daypartAt(got.At.In(zone)); after == before {
				t.Fatalf("tried at %v, next at %v: the same part of the day in %v", tried.In(zone), got.At.In(zone), zone)
			}
		}
	})
}
