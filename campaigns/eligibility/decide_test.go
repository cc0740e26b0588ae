package eligibility

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/outpace-dialer/outpace/campaigns"
	"pgregory.net/rapid"
)

func newYork(regions ...string) campaigns.Number {
	if len(regions) == 0 {
		regions = []string{"US-FED", "US-NY"}
	}
	return campaigns.Number{E164: "+12125550123", Kind: campaigns.Home, Zones: []string{"America/New_York"}, Regions: regions, Basis: "area code 212"}
}

// TestDecideTwice: a claim that was open when it was leased is refused when the
// INVITE would leave after the window.
func TestDecideTwice(t *testing.T) {
	r := shipped(t)
	cl := campaigns.Claim{Number: newYork()}
	for _, tt := range []struct {
		at    string
		open  bool
		opens string
	}{
		{"2026-11-23 20:59:29", true, "2026-11-23 20:59:29"},
		{"2026-11-23 20:59:59", false, "2026-11-24 08:00:00"},
		{"2026-11-23 21:00:00", false, "2026-11-24 08:00:00"},
	} {
		now := local(t, "America/New_York", tt.at)
		d, open, opens := r.Decide(cl, noWindows, now)
		if open != tt.open || !opens.Equal(local(t, "America/New_York", tt.opens)) {
			t.Errorf("%s: open %v, opens %v; want %v, %s", tt.at, open, opens, tt.open, tt.opens)
		}
		if open == d.Closes.IsZero() {
			t.Errorf("%s: decision %+v", tt.at, d)
		}
	}
	now := local(t, "America/New_York", "2026-11-23 12:00:00")
	want := campaigns.Decision{
		RulePack: "2026-11-22", Regions: []string{"US-FED", "US-NY"}, Zones: []string{"America/New_York"}, Basis: "area code 212",
		Window: "US-FED America/New_York 08:00-21:00; US-NY America/New_York 08:00-21:00",
		Closes: local(t, "America/New_York", "2026-11-23 21:00:00"), At: now,
	}
	got, _, _ := r.Decide(cl, noWindows, now)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

func TestDecideRefuses(t *testing.T) {
	r := shipped(t)
	now := local(t, "Europe/London", "2026-11-23 12:00:00")
	london := campaigns.Number{E164: "+442079460123", Zones: []string{"Europe/London"}, Regions: []string{"UK"}}
	bad := london
	bad.Bad = true
	nowhere := london
	nowhere.Zones = nil
	progressive := campaigns.Campaign{Pacing: campaigns.Pacing{Mode: campaigns.Progressive}}
	for _, tt := range []struct {
		name  string
		claim campaigns.Claim
		c     campaigns.Campaign
		open  bool
		opens string
	}{
		{"fresh", campaigns.Claim{Number: london}, noWindows, true, "2026-11-23 12:00:00"},
		{"bad number", campaigns.Claim{Number: bad}, noWindows, false, ""},
		{"no zone", campaigns.Claim{Number: nowhere}, noWindows, false, ""},
		{"72 h after abandoned", campaigns.Claim{Number: london, LastOutcome: campaigns.Abandoned, LastAt: now.Add(-71 * time.Hour)}, noWindows, false, "2026-11-23 13:00:00"},
		{"then into the next window", campaigns.Claim{Number: london, LastOutcome: campaigns.Abandoned, LastAt: now.Add(-62 * time.Hour)}, noWindows, false, "2026-11-24 08:00:00"},
		{"72 h are over", campaigns.Claim{Number: london, LastOutcome: campaigns.Abandoned, LastAt: now.Add(-72 * time.Hour)}, noWindows, true, "2026-11-23 12:00:00"},
		{"an operator is sure", campaigns.Claim{Number: london, LastOutcome: campaigns.Abandoned, LastAt: now.Add(-time.Hour)}, progressive, true, "2026-11-23 12:00:00"},
		{"24 h after a machine", campaigns.Claim{Number: london, LastOutcome: campaigns.MachineHeard, LastAt: now.Add(-4 * time.Hour)}, noWindows, false, "2026-11-24 08:00:00"},
		{"busy has no quiet time", campaigns.Claim{Number: london, LastOutcome: campaigns.Busy, LastAt: now}, noWindows, true, "2026-11-23 12:00:00"},
	} {
		_, open, opens := r.Decide(tt.claim, tt.c, now)
		if open != tt.open || tt.opens == "" && !opens.IsZero() || tt.opens != "" && !opens.Equal(local(t, "Europe/London", tt.opens)) {
			t.Errorf("%s: open %v, opens %v; want %v, %q", tt.name, open, opens, tt.open, tt.opens)
		}
		if got := r.Allows(tt.claim, tt.c, now); got != tt.open {
			t.Errorf("%s: allowed %v, want %v", tt.name, got, tt.open)
		}
	}
}

// BenchmarkAsked is what each call asks: with the record of why, and again before the INVITE.
func BenchmarkAsked(b *testing.B) {
	r := shipped(b)
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	cl := campaigns.Claim{Number: newYork()}
	b.ReportAllocs()
	for b.Loop() {
		if _, open, _ := r.Decide(cl, noWindows, now); !open || !r.Allows(cl, noWindows, now) {
			b.Fatal("closed")
		}
	}
}

func TestCapUse(t *testing.T) {
	start := time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC)
	day := campaigns.Cap{N: 3, Period: 24 * time.Hour}
	three := []time.Time{start, start.Add(8 * time.Hour), start.Add(16 * time.Hour)}
	for _, tt := range []struct {
		name     string
		attempts []time.Time
		at       time.Duration
		used     int
		next     time.Duration // 0: room now
	}{
		{"none", nil, 0, 0, 0},
		{"two", three[:2], 9 * time.Hour, 2, 0},
		{"23:59:59", three, 24*time.Hour - time.Second, 3, 24 * time.Hour},
		{"24:00:00", three, 24 * time.Hour, 2, 0},
		{"over the cap", append(slices.Clone(three), start.Add(17*time.Hour)), 18 * time.Hour, 4, 32 * time.Hour},
		{"any order", []time.Time{three[2], three[0], three[1]}, 20 * time.Hour, 3, 24 * time.Hour},
	} {
		used, next := CapUse(day, tt.attempts, start.Add(tt.at))
		var want time.Time
		if tt.next != 0 {
			want = start.Add(tt.next)
		}
		if used != tt.used || !next.Equal(want) {
			t.Errorf("%s: used %d, next %v; want %d, %v", tt.name, used, next, tt.used, want)
		}
	}
}

// TestCapLaw: dialling whenever CapUse allows never puts more than N attempts
// into any period.
func TestCapLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cap := campaigns.Cap{N: rapid.IntRange(1, 4).Draw(t, "n"), Period: time.Duration(rapid.IntRange(1, 48).Draw(t, "hours")) * time.Hour}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var attempts []time.Time
		for range 60 {
			now = now.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "minutes")) * time.Minute)
			used, next := CapUse(cap, attempts, now)
			if !next.IsZero() {
				if _, blocked := CapUse(cap, attempts, next); !blocked.IsZero() || !next.After(now) {
					t.Fatalf("asked at %v: next %v is not open", now, next)
				}
				continue
			}
			if used >= cap.N {
				t.Fatalf("%d of %d used and allowed", used, cap.N)
			}
			attempts = append(attempts, now)
		}
		for i := range attempts {
			if j := i + cap.N; j < len(attempts) && attempts[j].Sub(attempts[i]) < cap.Period {
				t.Fatalf("%d attempts in %v", cap.N+1, attempts[j].Sub(attempts[i]))
			}
		}
	})
}

func TestRegionRules(t *testing.T) {
	r := shipped(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		regions       string
		limit         float64
		connect, ring time.Duration
		policy, want  campaigns.RecordingPolicy
		caps          string
	}{
		{"US-FED US-FL", 0.03, 2 * time.Second, 15 * time.Second, campaigns.RecordAlways, campaigns.RecordAnnounce, "3/24h0m0s US-FL"},
		{"CA", 0.03, 2 * time.Second, 15 * time.Second, "", campaigns.RecordAnnounce, ""},
		{"IT", 0.03, 2 * time.Second, 15 * time.Second, campaigns.RecordNever, campaigns.RecordNever, ""},
		{"DE", 0.03, 2 * time.Second, 15 * time.Second, campaigns.RecordAlways, campaigns.RecordNever, ""},
		{"FR", 0.03, 2 * time.Second, 15 * time.Second, campaigns.RecordAnnounce, campaigns.RecordAnnounce, "4/720h0m0s FR"},
		{"SE", 0.01, time.Second, 20 * time.Second, campaigns.RecordAlways, campaigns.RecordAnnounce, "1/24h0m0s SE, 3/168h0m0s SE, 4/720h0m0s SE"},
		{"US-FED-RND", 0.01, time.Second, 20 * time.Second, campaigns.RecordAlways, campaigns.RecordAnnounce, "1/24h0m0s STRICT, 3/168h0m0s STRICT, 4/720h0m0s STRICT"},
		{"DEMO", 0.03, 2 * time.Second, 15 * time.Second, campaigns.RecordAlways, campaigns.RecordAlways, ""},
		{"DEMO", 0.03, 2 * time.Second, 15 * time.Second, "", campaigns.RecordAnnounce, ""},
	} {
		regions := strings.Fields(tt.regions)
		limit, connect, ring := r.Abandonment(regions, now)
		if limit != tt.limit || connect != tt.connect || ring != tt.ring {
			t.Errorf("%s: abandonment %v %v %v, want %v %v %v", tt.regions, limit, connect, ring, tt.limit, tt.connect, tt.ring)
		}
		if got := r.Recording(regions, tt.policy, now); got != tt.want {
			t.Errorf("%s: recording %q with %q, want %q", tt.regions, got, tt.policy, tt.want)
		}
		var caps []string
		for _, c := range r.Caps(campaigns.NewWindowClass(nil, regions), noWindows, now) {
			caps = append(caps, capText(c))
		}
		if got := strings.Join(caps, ", "); got != tt.caps {
			t.Errorf("%s: caps %q, want %q", tt.regions, got, tt.caps)
		}
	}
	c := campaigns.Campaign{ID: "spring", Caps: []campaigns.Cap{{N: 2, Period: 24 * time.Hour}, {N: 9, Period: time.Hour}}}
	got := r.Caps("|US-FED,US-FL", c, now)
	want := []campaigns.Cap{{N: 9, Period: time.Hour, Source: "campaign spring"}, {N: 2, Period: 24 * time.Hour, Source: "campaign spring"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caps with the campaign's (-want +got):\n%s", diff)
	}
}

// The limit holds over the windows of every region at once, and always over the
// campaign, a day and 30 days.
func TestAbandonmentWindows(t *testing.T) {
	r, now := shipped(t), local(t, "America/New_York", "2026-11-23 12:00:00")
	const day = 24 * time.Hour
	for _, tt := range []struct {
		regions string
		want    []time.Duration
	}{
		{"", []time.Duration{0, day, 30 * day}},
		{"US-FED US-FL", []time.Duration{0, day, 30 * day}},
		{"CA", []time.Duration{0, day, 30 * day, 31 * day}},
		{"IT CA", []time.Duration{0, day, 30 * day, 31 * day}},
		{"SE", []time.Duration{0, time.Hour, day, 30 * day}}, // by STRICT
	} {
		if got := r.AbandonmentWindows(strings.Fields(tt.regions), now); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.regions, got, tt.want)
		}
	}
}

func capText(c campaigns.Cap) string {
	return string(rune('0'+c.N)) + "/" + c.Period.String() + " " + c.Source
}

func TestCheck(t *testing.T) {
	r := shipped(t)
	noon := local(t, "America/New_York", "2026-11-23 12:00:00")
	good := func() Subject {
		n := newYork("US-FED", "US-FL")
		return Subject{
			Lead: campaigns.Lead{ID: 1, Numbers: []campaigns.Number{n}}, Number: n,
			Campaign: campaigns.Campaign{ID: "spring", State: campaigns.Running, CallerIDs: []string{"+12125550100"}},
			List:     &campaigns.List{ID: "fair", ConsentBasis: "form of 2026-05-01"},
			Entry:    &campaigns.Entry{State: campaigns.EntryWaiting, Number: n.E164},
		}
	}
	at := func(text string) time.Time { return local(t, "America/New_York", text) }
	for _, tt := range []struct {
		name   string
		change func(*Subject)
		now    time.Time
		closed string // gates that refuse
		next   time.Time
	}{
		{"nothing in the way", func(*Subject) {}, noon, "", noon},
		{"night", func(*Subject) {}, at("2026-11-23 22:00:00"), "hours hours window", at("2026-11-24 08:00:00")},
		{"one region closed", func(*Subject) {}, at("2026-11-23 20:30:00"), "hours window", at("2026-11-24 08:00:00")},
		{"closes while it rings", func(*Subject) {}, at("2026-11-23 19:59:45"), "window", at("2026-11-24 08:00:00")},
		{"campaign window", func(s *Subject) { s.Campaign.Windows = []campaigns.Hours{{From: "14:00", To: "16:00"}} }, noon, "hours window", at("2026-11-23 14:00:00")},
		{"bad number", func(s *Subject) { s.Number.Bad = true }, noon, "number", time.Time{}},
		{"do not call", func(s *Subject) { s.Suppressed = &campaigns.Suppression{At: noon, Source: "operator"} }, noon, "do_not_call", time.Time{}},
		{"campaign paused", func(s *Subject) { s.Campaign.State = campaigns.Paused }, noon, "campaign", time.Time{}},
		{"no caller id", func(s *Subject) { s.Campaign.CallerIDs = nil }, noon, "caller_id", time.Time{}},
		{"caller id of the trunk", func(s *Subject) { s.Campaign.CallerIDs, s.TrunkID = nil, "+12125550199" }, noon, "", noon},
		{"not in the campaign", func(s *Subject) { s.Entry = nil }, noon, "queue", time.Time{}},
		{"being called", func(s *Subject) { s.Entry.State = campaigns.EntryCalling }, noon, "queue", time.Time{}},
		{"claimed", func(s *Subject) { s.Entry.State = campaigns.EntryClaimed }, noon, "queue", time.Time{}},
		{"held elsewhere", func(s *Subject) { s.HeldBy = "autumn" }, noon, "queue", time.Time{}},
		{"done", func(s *Subject) { s.Entry.State = campaigns.EntryDone }, noon, "queue", time.Time{}},
		{"no segment", func(s *Subject) { s.Entry.State = campaigns.EntryNone }, noon, "queue", time.Time{}},
		{"other number next", func(s *Subject) { s.Entry.Number = "+13055550123" }, noon, "queue", time.Time{}},
		{"waits", func(s *Subject) { s.Entry.DueAt, s.Entry.LastOutcome = noon.Add(2*time.Hour), campaigns.NoAnswer }, noon, "due", noon.Add(2 * time.Hour)},
		{"waits past the window", func(s *Subject) { s.Entry.DueAt = noon.Add(9 * time.Hour) }, noon, "due", at("2026-11-24 08:00:00")},
		{"cap", func(s *Subject) {
			s.Attempts = []time.Time{noon.Add(-23 * time.Hour), noon.Add(-2 * time.Hour), noon.Add(-time.Hour)}
		}, noon, "cap", noon.Add(time.Hour)},
		{"conversation in debt collection", func(s *Subject) {
			s.Number.Regions = []string{"US-DEBT-REGF", "US-FED"}
			s.LastOutcome, s.LastAt = campaigns.Connected, noon.Add(-24*time.Hour)
		}, noon, "cooldown", noon.Add(144 * time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := good()
			tt.change(&s)
			report := r.Check(s, tt.now)
			var closed []string
			for _, g := range report.Gates {
				if g.Detail == "" {
					t.Errorf("gate %s has no detail", g.Name)
				}
				if !g.OK {
					closed = append(closed, g.Name)
				}
			}
			if got := strings.Join(closed, " "); got != tt.closed || report.Allowed != (tt.closed == "") {
				t.Errorf("closed gates %q, allowed %v; want %q", got, report.Allowed, tt.closed)
			}
			if !report.Next.Equal(tt.next) {
				t.Errorf("next = %v, want %v", report.Next, tt.next)
			}
		})
	}
}

// TestCheckAgreesWithDecide: what people are told is what the engine does.
func TestCheckAgreesWithDecide(t *testing.T) {
	r := shipped(t)
	var regions []string
	for region := range packZones {
		regions = append(regions, region)
	}
	slices.Sort(regions)
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom(regions).Draw(t, "region")
		n := campaigns.Number{E164: "+12125550123", Zones: packZones[region], Regions: []string{region}}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*24*3600).Draw(t, "second")) * time.Second)
		last := rapid.SampledFrom([]campaigns.Outcome{"", campaigns.Abandoned, campaigns.MachineHeard, campaigns.Connected}).Draw(t, "last")
		lastAt := now.Add(-time.Duration(rapid.IntRange(1, 200).Draw(t, "hours")) * time.Hour)
		c := campaigns.Campaign{ID: "c", State: campaigns.Running, CallerIDs: []string{"+12125550100"}}
		_, open, opens := r.Decide(campaigns.Claim{Number: n, LastOutcome: last, LastAt: lastAt}, c, now)
		report := r.Check(Subject{Number: n, Campaign: c, Entry: &campaigns.Entry{State: campaigns.EntryWaiting}, LastOutcome: last, LastAt: lastAt}, now)
		if report.Allowed != open || !report.Next.Equal(opens) {
			t.Fatalf("%s at %v: Decide %v %v, Check %v %v", region, now, open, opens, report.Allowed, report.Next)
		}
		if !open && !opens.IsZero() {
			if _, again, _ := r.Decide(campaigns.Claim{Number: n, LastOutcome: last, LastAt: lastAt}, c, opens); !again {
				t.Fatalf("%s at %v: opens %v, closed then", region, now, opens)
			}
		}
	})
}
