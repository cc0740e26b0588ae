package simulator

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/pacing"
)

func runNodes(t *testing.T, s *Scenario, p Policy, seed uint64, n int) (Run, *Nodes) {
	t.Helper()
	d, err := NewNodes(s, p, seed, n)
	if err != nil {
		t.Fatal(err)
	}
	for to := time.Minute; d.Advance(to); to += time.Minute {
	}
	return d.Result(), d
}

// The same seed gives the same day, however many nodes there are, and one node is
// what a simulation without nodes is.
func TestNodesAreRepeatable(t *testing.T) {
	s := steady(30, 0.3, 0.25)
	s.Agents.PauseProb, s.Agents.SpeedSpread = 0.02, 0.2
	s.Trunks = Trunks{Channels: 90, CPS: 20}
	pooled, _, _ := run(t, s, predictive, 7)
	alone, _ := runNodes(t, s, predictive, 7, 1)
	if diff := cmp.Diff(pooled, alone); diff != "" {
		t.Errorf("one node is not the pool (-pool +node):\n%s", diff)
	}
	split, _ := runNodes(t, s, predictive, 7, 3)
	again, _ := runNodes(t, s, predictive, 7, 3)
	if diff := cmp.Diff(split, again); diff != "" {
		t.Errorf("the second time:\n%s", diff)
	}
	if cmp.Equal(pooled, split) || split.Utilisation >= pooled.Utilisation {
		t.Errorf("three nodes: utilisation %v, one: %v", split.Utilisation, pooled.Utilisation)
	}
}

// Nodes deal out the same operators and dial no record twice.
func TestNodesShareOperatorsAndRecords(t *testing.T) {
	s := steady(50, 0.3, 0.1)
	s.Agents.Schedule = append(s.Agents.Schedule, Staff{At: 180, N: 17})
	_, d := runNodes(t, s, predictive, 1, 4)
	people, signedIn, dialled := map[string]int{}, 0, 0
	for _, n := range d.nodes {
		for _, o := range n.operators {
			people[o.id]++
			if o.state != pacing.Off && !o.leaving {
				signedIn++
			}
		}
		for _, m := range n.tally.minutes {
			dialled += m.dials
		}
		if *n.records != *d.nodes[0].records {
			t.Error("the nodes have lists of their own")
		}
	}
	if len(people) != 50 || signedIn != 17 {
		t.Errorf("%d operators, %d of them signed in; want 50, 17", len(people), signedIn)
	}
	if looked := int(*d.nodes[0].records); looked != dialled+4 { // each looks at its next
		t.Errorf("%d records looked at, %d dialled", looked, dialled)
	}
}

// The limit holds over all nodes together: at any time each knows what all did, a
// second late, and what they may spend never adds up to more than there is.
func TestNodesKeepTheLimitTogether(t *testing.T) {
	for seed, nodes := range []int{2, 5} {
		d, err := NewNodes(steady(40, 0.35, 1), withCancel, uint64(seed), nodes)
		if err != nil {
			t.Fatal(err)
		}
		apart, asked := 0.0, 0.0
		for to := time.Second; d.Advance(to); to += time.Second {
			parts, left, seen := creditOf(d)
			if parts > left+1e-6 {
				t.Fatalf("%d nodes, %v: they may spend %v of %v", nodes, to, parts, left)
			}
			for _, credit := range seen {
				apart, asked = apart+math.Abs(credit-left), asked+1
			}
		}
		if apart > 0.3*asked {
			t.Errorf("%d nodes: what they hold for the credit is %v calls from it", nodes, apart/asked)
		}
		if r := d.Result(); r.Over || r.Abandoned == 0 {
			t.Errorf("%d nodes: %d of %d live answers abandoned", nodes, r.Abandoned, r.Live)
		}
	}
}

// creditOf is what the nodes may spend, below zero where one lost more than it had;
// what there is; and what each holds for that.
func creditOf(d *Nodes) (parts, left float64, seen []float64) {
	for _, n := range d.nodes {
		b := n.controller.Balance(n.moment(n.now))
		parts += b.Mine
		left += d.scenario.Limit.MaxAbandon*float64(b.Live) - float64(b.Abandoned)
		seen = append(seen, b.Credit)
	}
	return parts, left, seen
}

func TestNodesRefused(t *testing.T) {
	s := steady(5, 0.3, 0.1)
	for _, n := range []int{0, -1, 6} {
		if _, err := NewNodes(s, predictive, 1, n); err == nil {
			t.Errorf("%d nodes for 5 operators: no error", n)
		}
	}
	s.Trunks.Channels = 3
	if _, err := NewNodes(s, predictive, 1, 4); err == nil {
		t.Error("three channels for four nodes: no error")
	}
}
