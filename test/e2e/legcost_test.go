package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
)

// TestCostOfLegs measures what an operator's leg costs the product while nobody talks:
// audio comes from it and silence goes to it. OUTPACE_COST_LEGS is how many of each kind.
func TestCostOfLegs(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("OUTPACE_COST_LEGS"))
	if err != nil || n <= 0 {
		t.Skip("a measurement: set OUTPACE_COST_LEGS to a number of legs")
	}
	for _, kind := range []string{"none", "sip", "browser"} {
		t.Run(kind, func(t *testing.T) { costOfLegs(t, kind, n) })
	}
}

func costOfLegs(t *testing.T, kind string, n int) {
	far, _ := personsOnly(t, time.Minute)
	user := func(i int) string { return fmt.Sprintf("op%d", i) }
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		for i := range n {
			seedOperator(t, s, user(i), "")
		}
		seedCampaign(t, s, campaigns.Campaign{ID: "idle", Trunks: "line"})
	})
	p.serve(t)
	for i := range n {
		switch kind {
		case "sip":
			s := newSoftphone(t, p, user(i))
			d := p.sitDown(t, user(i))
			must(t, d.ask(t.Context(), "on-duty", nil))
			s.takeLeg(t).Audio.Play(&phone.Tone{Hz: operatorHz, Peak: 8000})
		case "browser":
			d := p.sitDown(t, user(i))
			d.openPage(t, operatorHz)
			must(t, d.ask(t.Context(), "on-duty", nil))
		}
	}
	if kind != "none" {
		p.wantMetric(t, 10*time.Second, fmt.Sprintf("dialer_operator_legs{kind=%q}", map[string]string{"sip": "sip", "browser": "webrtc"}[kind]), float64(n))
	}
	received := p.audioReceived(t)
	before, began := p.cpu(t), time.Now()
	const span = 15 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	<-ctx.Done()
	used, took := p.cpu(t)-before, time.Since(began)
	if kind != "none" {
		p.wantMetric(t, 10*time.Second, fmt.Sprintf("dialer_operator_legs{kind=%q}", map[string]string{"sip": "sip", "browser": "webrtc"}[kind]), float64(n))
	}
	lost, err := p.metric(t.Context(), "dialer_media_rtp_lost_packets_total")
	must(t, err)
	t.Logf("%d legs: %.1f %% of a core, %.0f packets a second came, %.0f were lost",
		n, 100*used.Seconds()/took.Seconds(), (p.audioReceived(t)-received)/took.Seconds(), lost)
}

func (p *product) audioReceived(t *testing.T) float64 {
	t.Helper()
	v, err := p.metric(t.Context(), "dialer_media_rtp_received_packets_total")
	must(t, err)
	return v
}

// cpu is what the product has used so far, user and system.
func (p *product) cpu(t *testing.T) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	must(t, err)
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	must(t, err)
	system, err := strconv.Atoi(fields[12])
	must(t, err)
	return time.Duration(user+system) * time.Second / 100 // ticks of USER_HZ
}
