package metrics

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

const (
	number = "+48225557391"
	user   = "olga.kowalska"
)

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return began.Add(d) }

// story is one call from its begin to its disposition.
func story() []dialer.Notice {
	lead := &campaigns.Lead{Name: "Jan", Numbers: []campaigns.Number{{E164: number}}}
	view := func(s operator.State, at time.Duration) dialer.Notice {
		return dialer.OperatorChanged{Operator: dialer.OperatorView{User: user, State: s, Since: after(at), Campaign: "spring", Number: number, Lead: lead, Attempt: "a-77"}}
	}
	change := func(from, to call.State) dialer.Notice {
		return dialer.CallChanged{At: began, Attempt: "a-77", Campaign: "spring", Trunk: "main", From: from, To: to}
	}
	return []dialer.Notice{
		dialer.CampaignChanged{At: began, Campaign: campaigns.Campaign{ID: "spring", Pacing: campaigns.Pacing{MaxRatio: 4}}},
		view(operator.Ready, 0),
		dialer.Paced{At: began, Campaign: "spring", Limit: .03, Took: time.Millisecond, Bound: pacing.BoundCPS, Decision: pacing.Decision{}},
		dialer.Paced{At: began, Campaign: "spring", Limit: .03, Took: time.Millisecond, Bound: pacing.BoundFree, Decision: pacing.Decision{
			Dial: 1, Bound: pacing.BoundFree, Ratio: 1.5, Wanted: 2, AnswerProbability: .3, AbandonChance: .04, Threshold: .05, Credit: 2.5,
		}},
		dialer.Refused{At: began, Campaign: "spring", Rule: "cap"},
		change(call.Beginning, call.Dialling),
		dialer.AttemptBegan{At: began, Attempt: "a-77", Campaign: "spring", Trunk: "main", Number: number},
		change(call.Dialling, call.Ringing), change(call.Ringing, call.Detecting), change(call.Detecting, call.Queued),
		view(operator.Reserved, 11*time.Second),
		change(call.Queued, call.Bridged),
		dialer.AudioReached{Attempt: "a-77", Campaign: "spring", Since: 20 * time.Millisecond, Answer: 1200 * time.Millisecond},
		view(operator.Talking, 11*time.Second), view(operator.Wrapping, 71*time.Second),
		change(call.Bridged, call.Leaving), change(call.Leaving, call.Over),
		dialer.CallEnded{
			Campaign: "spring", Trunk: "main", Number: number, BeganAt: began, Lead: 5,
			Ending: campaigns.Ending{
				Attempt: "a-77", Outcome: campaigns.Connected, Operator: user, At: after(71 * time.Second), RingingAt: after(2 * time.Second),
				AnsweredAt: after(10 * time.Second), VerdictAt: after(11 * time.Second), BridgedAt: after(11 * time.Second),
			},
		},
		dialer.Disposed{Campaign: "spring", Lead: 5, Disposal: campaigns.Disposal{Attempt: "a-77", Disposition: "sale", By: user, Note: "call " + number}},
		dialer.RecordingDone{Attempt: "a-77", Path: "a-77.wav", Err: errors.New("disk full")},
		dialer.RestBroken{At: after(80 * time.Second), Campaign: "spring", Left: time.Second},
		dialer.OperatorChanged{Operator: dialer.OperatorView{User: user, State: operator.Ready, Since: after(81 * time.Second), Campaign: "spring", RestUntil: after(90 * time.Second)}},
	}
}

// scrape is what Prometheus reads.
func (m *Metrics) scrape(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status = %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// family is the values of one name, by its labels: "campaign=spring,trunk=main".
func (m *Metrics) family(t interface{ Fatal(...any) }, name string) map[string]float64 {
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, s := range f.GetMetric() {
			var labels []string
			for _, l := range s.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			values[strings.Join(labels, ",")] = s.GetGauge().GetValue() + s.GetCounter().GetValue()
		}
	}
	return values
}

// TestStory has one line for each series that a call leaves.
func TestStory(t *testing.T) {
	m := New("1.2.3")
	for _, n := range story() {
		m.Notice(n)
	}
	text := m.scrape(t)
	lines := map[string]bool{}
	for l := range strings.Lines(text) {
		lines[strings.TrimSpace(l)] = true
	}
	for _, want := range []string{
		`dialer_build_info{version="1.2.3"} 1`,
		`dialer_call_attempts_total{campaign="spring",trunk="main"} 1`,
		`dialer_call_attempts_finished_total{campaign="spring",outcome="connected",trunk="main"} 1`,
		`dialer_answers_total{campaign="spring",result="connected"} 1`,
		`dialer_amd_decisions_total{campaign="spring",verdict="person"} 1`,
		`dialer_amd_decision_seconds_sum{campaign="spring"} 1`,
		`dialer_post_dial_delay_seconds_sum{trunk="main"} 2`,
		`dialer_call_setup_seconds_sum{trunk="main"} 10`,
		`dialer_answer_to_bridge_seconds_sum{campaign="spring"} 1.2`,
		`dialer_talk_seconds_sum{campaign="spring"} 60`,
		`dialer_wrap_seconds_sum{campaign="spring"} 10`,
		`dialer_operator_wait_seconds_sum{campaign="spring"} 11`,
		`dialer_pacing_ratio{campaign="spring"} 1.5`,
		`dialer_pacing_ratio_target{campaign="spring"} 2`,
		`dialer_pacing_ratio_max{campaign="spring"} 4`,
		`dialer_pacing_answer_probability{campaign="spring"} 0.3`,
		`dialer_campaign_abandonment_limit_ratio{campaign="spring"} 0.03`,
		`dialer_pacing_decisions_total{bound="free",campaign="spring"} 1`,
		`dialer_pacing_tick_seconds_sum 0.002`,
		`dialer_pacing_abandon_chance{campaign="spring"} 0.04`,
		`dialer_pacing_abandon_threshold{campaign="spring"} 0.05`,
		`dialer_pacing_credit{campaign="spring"} 2.5`,
		`dialer_pacing_bound{bound="free",campaign="spring"} 1`,
		`dialer_pacing_bound{bound="cps",campaign="spring"} 0`,
		`dialer_pacing_bound{bound="fatigue",campaign="spring"} 0`,
		`dialer_pacing_bound{bound="store",campaign="spring"} 0`,
		`dialer_operators_resting{campaign="spring"} 1`,
		`dialer_rests_broken_total{campaign="spring"} 1`,
		`dialer_operators{campaign="spring",state="ready"} 1`,
		`dialer_operators{campaign="spring",state="talking"} 0`,
		`dialer_operators{campaign="spring",state="wrapping"} 0`,
		`dialer_leads_skipped_total{campaign="spring",rule="cap"} 1`,
		`dialer_dispositions_total{campaign="spring",disposition="sale"} 1`,
		`dialer_recording_failures_total 1`,
	} {
		if !lines[want] {
			t.Errorf("no line %s", want)
		}
	}
	for _, phase := range []string{"dialling", "ringing", "amd", "waiting", "bridged", "leaving"} {
		if want := fmt.Sprintf(`dialer_calls_active{campaign="spring",phase=%q} 0`, phase); !lines[want] {
			t.Errorf("after the call no line %s", want)
		}
	}
	for _, secret := range []string{number[1:], user, "a-77", "Jan"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the series", secret)
		}
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v (%v)", problems, err)
	}
}

// TestActiveDuring counts a call in one phase at a time.
func TestActiveDuring(t *testing.T) {
	m := New("x")
	for _, n := range story() {
		m.Notice(n)
		c, ok := n.(dialer.CallChanged)
		if !ok {
			continue
		}
		total := 0.0
		for _, v := range m.family(t, "dialer_calls_active") {
			total += v
		}
		want := 1.0
		if c.To == call.Over {
			want = 0
		}
		if total != want {
			t.Errorf("in %s: %v calls active, want %v", c.To, total, want)
		}
	}
}

// TestEveryStateHasItsPhase would miss a state that is added.
func TestEveryStateHasItsPhase(t *testing.T) {
	quiet := map[call.State]bool{call.Beginning: true, call.Arriving: true, call.Aborting: true, call.Over: true}
	for _, s := range call.States {
		if (phase(s) == "") != quiet[s] {
			t.Errorf("phase(%s) = %q", s, phase(s))
		}
	}
}

// TestUnansweredLeavesNoTalk counts neither answer nor talk.
func TestUnansweredLeavesNoTalk(t *testing.T) {
	m := New("x")
	m.Notice(dialer.CallEnded{Campaign: "spring", Trunk: "main", BeganAt: began, Ending: campaigns.Ending{Outcome: campaigns.Busy, At: after(time.Second)}})
	text := m.scrape(t)
	if !strings.Contains(text, `outcome="busy"`) {
		t.Error("no outcome busy")
	}
	for _, absent := range []string{"dialer_answers_total{", "dialer_talk_seconds_count{", "dialer_call_setup_seconds_count{", "dialer_post_dial_delay_seconds_count{"} {
		if strings.Contains(text, absent) {
			t.Errorf("%s after a busy line", absent)
		}
	}
}

// TestGaugesReturnToZero walks operators and calls of many campaigns, more than
// have series of their own, in any order, and ends them all.
func TestGaugesReturnToZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New("x")
		m.campaigns.limit = 3
		campaign := rapid.SampledFrom([]campaigns.CampaignID{"a", "b", "c", "d", "e"})
		type live struct {
			campaign campaigns.CampaignID
			state    call.State
		}
		calls := make([]live, rapid.IntRange(1, 6).Draw(t, "calls"))
		for i := range calls {
			calls[i] = live{campaign.Draw(t, "campaign"), call.Beginning}
		}
		step := func(i int, to call.State) {
			m.Notice(dialer.CallChanged{Campaign: calls[i].campaign, From: calls[i].state, To: to})
			calls[i].state = to
		}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			step(rapid.IntRange(0, len(calls)-1).Draw(t, "call"), rapid.SampledFrom(call.States).Draw(t, "to"))
		}
		for i := range calls {
			step(i, call.Over)
		}
		for labels, v := range m.family(t, "dialer_calls_active") {
			if v != 0 {
				t.Fatalf("%s = %v after all calls are over", labels, v)
			}
		}
	})
}

// TestBounded counts the series of more campaigns, trunks and dispositions than
// have their own.
func TestBounded(t *testing.T) {
	m := New("x")
	for i := range 3 * maxCampaigns {
		c := campaigns.CampaignID(fmt.Sprint("c", i))
		m.Notice(dialer.AttemptBegan{Campaign: c, Trunk: "main"})
		m.Notice(dialer.AttemptBegan{Campaign: "c0", Trunk: fmt.Sprint("t", i)})
		m.Notice(dialer.Disposed{Campaign: "c0", Disposal: campaigns.Disposal{Disposition: fmt.Sprint("d", i)}})
	}
	attempts := m.family(t, "dialer_call_attempts_total")
	if got, most := len(attempts), maxCampaigns+1+maxTrunks+1; got > most {
		t.Errorf("series of attempts = %d, want at most %d", got, most)
	}
	if got := len(m.family(t, "dialer_dispositions_total")); got != maxCodes+1 {
		t.Errorf("series of dispositions = %d, want %d", got, maxCodes+1)
	}
	if got := attempts["campaign=other,trunk=main"]; got != 2*maxCampaigns {
		t.Errorf("attempts of other campaigns = %v, want %v", got, 2*maxCampaigns)
	}
}

func TestRooms(t *testing.T) {
	m := New("x")
	value := 1.0
	m.Add(NewRooms(func() []Sample {
		return []Sample{
			{Name: "trunk_up", Help: "Up.", Value: value, Labels: []string{"trunk", "main"}},
			{Name: "sip_parse_errors_total", Help: "Errors.", Counter: true, Value: 7},
		}
	}))
	for _, want := range []string{"dialer_trunk_up{trunk=\"main\"} 1\n", "# TYPE dialer_trunk_up gauge\n", "# TYPE dialer_sip_parse_errors_total counter\n", "dialer_sip_parse_errors_total 7\n"} {
		if text := m.scrape(t); !strings.Contains(text, want) {
			t.Errorf("no %q in the scrape", want)
		}
	}
	value = 0
	if text := m.scrape(t); !strings.Contains(text, "dialer_trunk_up{trunk=\"main\"} 0\n") {
		t.Error("a second scrape shows the old value")
	}
}

// TestConnectedLate counts who was abandoned in the law's sense and talked.
func TestConnectedLate(t *testing.T) {
	m := New("x")
	late := campaigns.Ending{Outcome: campaigns.Abandoned, AnsweredAt: began, BridgedAt: after(4 * time.Second), At: after(time.Minute)}
	lost := late
	lost.BridgedAt = time.Time{}
	for _, e := range []campaigns.Ending{late, lost} {
		m.Notice(dialer.CallEnded{Campaign: "spring", Trunk: "main", BeganAt: began, Ending: e})
	}
	text := m.scrape(t)
	for _, want := range []string{`dialer_connected_late_total{campaign="spring"} 1`, `dialer_answers_total{campaign="spring",result="abandoned"} 2`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
}

// People who call us are counted apart from calls of ours.
func TestInbound(t *testing.T) {
	m := New("test")
	for _, n := range []dialer.Notice{
		dialer.CallerRefused{Campaign: "c", Trunk: "t", Reason: "full"},
		dialer.CallerArrived{Campaign: "c", Trunk: "t"},
		dialer.CallChanged{Campaign: "c", Trunk: "t", From: call.Arriving, To: call.Accepting},
		dialer.CallerServed{Campaign: "c", Waited: 12 * time.Second},
		dialer.CallChanged{Campaign: "c", Trunk: "t", From: call.Accepting, To: call.Over},
		dialer.CallEnded{Campaign: "c", Trunk: "t", Inbound: true, Ending: campaigns.Ending{
			Outcome: campaigns.CallerServed, AnsweredAt: time.Unix(1, 0), BridgedAt: time.Unix(13, 0), At: time.Unix(60, 0),
		}},
	} {
		m.Notice(n)
	}
	for family, want := range map[string]float64{
		"dialer_inbound_calls_total": 1, "dialer_inbound_refused_total": 1, "dialer_inbound_finished_total": 1, "dialer_calls_active": 0,
		"dialer_answers_total": 0, "dialer_call_attempts_finished_total": 0,
	} {
		total := 0.0
		for _, v := range m.family(t, family) {
			total += v
		}
		if total != want {
			t.Errorf("%s = %v, want %v", family, total, want)
		}
	}
}

// Audio is counted by trunk and by what operators talk with; a call without an answer,
// and a leg from which nothing came, leave no figure.
func TestAudio(t *testing.T) {
	m := New("v")
	end := func(trunk string, a *campaigns.Audio) {
		m.Notice(dialer.CallEnded{Campaign: "spring", Trunk: trunk, BeganAt: began, Ending: campaigns.Ending{
			Outcome: campaigns.Connected, AnsweredAt: after(time.Second), BridgedAt: after(2 * time.Second), At: after(time.Minute), Audio: a,
		}})
	}
	end("main", &campaigns.Audio{
		Customer: &campaigns.LegAudio{Received: 100, Loss: 0.02, MOS: 4, JitterSeconds: 0.004, RoundTrip: 0.03},
		Operator: &campaigns.LegAudio{Received: 100, MOS: 4.4, Browser: true},
	})
	end("main", &campaigns.Audio{Customer: &campaigns.LegAudio{}, Operator: &campaigns.LegAudio{Received: 7, MOS: 3}})
	end("main", nil)
	m.Notice(dialer.AudioOneWay{Trunk: "main", Side: campaigns.CustomerSide, Cause: "nothing"})
	m.Notice(dialer.AudioOneWay{Trunk: "main", Side: campaigns.OperatorSide, Cause: "silent", Browser: true})
	text := m.scrape(t)
	for _, want := range []string{
		`dialer_audio_mos_count{trunk="main"} 1`, `dialer_audio_loss_ratio_sum{trunk="main"} 0.02`,
		`dialer_audio_jitter_seconds_sum{trunk="main"} 0.004`, `dialer_audio_round_trip_seconds_count{trunk="main"} 1`,
		`dialer_audio_operator_mos_sum{kind="browser"} 4.4`, `dialer_audio_operator_mos_sum{kind="phone"} 3`,
		`dialer_audio_one_way_total{cause="nothing",trunk="main"} 1`, `dialer_audio_operator_one_way_total{cause="silent",kind="browser"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(text, "dialer_audio_operator_round_trip_seconds_count{") {
		t.Error("a round trip that nobody reported was counted")
	}
}

// BenchmarkDecision is what one decision costs; there are several for each call.
func BenchmarkDecision(b *testing.B) {
	m := New("test")
	var n dialer.Notice = dialer.Paced{At: began, Campaign: "spring", Limit: .03, Took: time.Millisecond, Bound: pacing.BoundFree, Decision: pacing.Decision{Ratio: 1.5}}
	b.ReportAllocs()
	for b.Loop() {
		m.Notice(n)
	}
}
