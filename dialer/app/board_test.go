package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// busyFloor is a snapshot of a node with operators, most of them in talks.
func busyFloor(node string, n int) dialer.Snapshot {
	now := time.Now().UTC()
	s := dialer.Snapshot{At: now, Node: node, Calls: 2 * n}
	for c := range 4 {
		s.Campaigns = append(s.Campaigns, dialer.CampaignView{
			ID: campaigns.CampaignID(fmt.Sprint("campaign-", c)), Name: fmt.Sprint("Campaign ", c), State: campaigns.Running, Limit: 0.03,
			Calls: map[call.State]int{call.Ringing: n, call.Bridged: n / 2}, Live: 10_000 + c, Abandoned: 200, Attempts: 41_000 + c,
			Outcomes: map[campaigns.Outcome]int{campaigns.Connected: 9_800, campaigns.Busy: 4_711 + c, campaigns.NoAnswer: 20_000},
			Bound:    pacing.BoundAbandonment, Why: "nodes share the budget: this one has 25% of it; 3.1 calls may still be abandoned",
			Decision: pacing.Decision{Ratio: 1.7312 + float64(c), Wanted: 2.25, AbandonChance: 0.0113, Credit: 3.1},
		})
	}
	for i := range n {
		s.Operators = append(s.Operators, dialer.OperatorView{
			User: campaigns.UserID(fmt.Sprintf("operator-%03d", i)), State: operator.Talking, Since: now.Add(-time.Duration(i*37) * time.Second),
			Campaign: campaigns.CampaignID(fmt.Sprint("campaign-", i%4)), Attempt: campaigns.AttemptID(fmt.Sprintf("0192e4a1-77%02x-7d3c-9a41-%012x", i, i*7919)),
			CallID: fmt.Sprintf("%x-%x@203.0.113.10", i*104729, i*1299709), Number: fmt.Sprintf("+999100%05d", i*37),
			Lead:      &campaigns.Lead{ID: campaigns.LeadID(i * 31), Name: fmt.Sprintf("Person Number %d", i*31), Fields: map[string]string{"note": "long and nobody's business"}},
			VerdictAt: now, BridgedAt: now, Script: "Good morning, ...", Dispositions: campaigns.DefaultDispositions(),
		})
	}
	return s
}

// What a node shows is small, and what comes out is what went in, without what is big
// or nobody's business.
func TestBoardIsSmall(t *testing.T) {
	s := busyFloor("n1", 50)
	s.Operators[7].State = operator.Offline
	state, err := packState(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes for %d operators and %d campaigns", len(state), len(s.Operators), len(s.Campaigns))
	if len(state) > 4096 {
		t.Errorf("%d bytes: the costs in the docs of campaigns/redis are of 4096", len(state))
	}
	got, err := unpackState(state)
	if err != nil {
		t.Fatal(err)
	}
	if s.Operators[0].Script == "" || s.Operators[0].Lead.Fields == nil {
		t.Error("the snapshot itself was changed")
	}
	var want []dialer.OperatorView
	for i, o := range s.Operators {
		if i != 7 {
			o.Script, o.Dispositions, o.Lead = "", nil, &campaigns.Lead{ID: o.Lead.ID, Name: o.Lead.Name}
			want = append(want, o)
		}
	}
	s.Operators = want
	if diff := cmp.Diff(s, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-shown +seen):\n%s", diff)
	}
	for _, bad := range []string{"", "not packed", string(state[:40])} {
		if _, err := unpackState([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Each node sees what is live on the others, until they end or die.
func TestNodesSeeEachOther(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, _ := start(t, onRedis(t, server.URL(), "n1"))
	b, stop := start(t, onRedis(t, server.URL(), "n2"))
	ctx := t.Context()
	if err := AddUser(ctx, a.store, NewUser{ID: "mia", Name: "Mia", Role: campaigns.RoleManager, Password: "long enough it is"}); err != nil {
		t.Fatal(err)
	}
	token, err := newToken(ctx, a.store, "mia", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	// A third one that is only seen: its process is not one of ours.
	_, nodes, m := ghost(t, onRedis(t, server.URL(), "n3"), time.Minute)
	state, err := packState(busyFloor("n3", 2))
	if err == nil {
		err = errors.Join(nodes.Show(ctx, m.Node, state, time.Minute), nodes.Show(ctx, "nobody", state, time.Minute))
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := func(from *App) (all struct {
		Node   string
		Others []dialer.Snapshot
	}) {
		t.Helper()
		res, body := ask(t, from, "GET", "/api/v1/live", http.Header{"Authorization": {"Bearer " + token}})
		if err := json.Unmarshal([]byte(body), &all); err != nil || res.StatusCode != 200 {
			t.Fatalf("%s %s: %v", res.Status, body, err)
		}
		return all
	}
	names := func(from *App) string {
		t.Helper()
		all := seen(from)
		said := all.Node
		for _, o := range all.Others {
			said += " " + o.Node
		}
		return said
	}
	eventually.So(t, patience, "both nodes see all", func() bool { return names(a) == "n1 n2 n3" && names(b) == "n2 n1 n3" })
	third := seen(a).Others[1]
	if o := third.Operators[1]; o.Number != "+9991***0037" || o.User != "operator-001" || third.Campaigns[0].Calls[call.Bridged] != 1 {
		t.Errorf("of the third node: %+v", third)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "a node that ended is not seen", func() bool { return names(a) == "n1 n3" })
	if err := nodes.Show(ctx, m.Node, state, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "a node that shows nothing any more is not seen", func() bool { return names(a) == "n1" })

	if err := nodes.Show(ctx, m.Node, state, time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "it is back", func() bool { return names(a) == "n1 n3" })
	server.Freeze()
	defer server.Thaw()
	frozen, worst := time.Now(), time.Duration(0)
	for { // who asks is known to the store alone, so the board is asked itself
		began := time.Now()
		others := a.board.Others(ctx)
		worst = max(worst, time.Since(began))
		if len(others) == 0 {
			break
		}
		if time.Since(frozen) > 2*showFor {
			t.Fatal("what is old is still shown")
		}
		time.Sleep(100 * time.Millisecond) // a real server: no clock of ours
	}
	if worst > 5*lookWithin { // without that bound it was 4 s
		t.Errorf("a page waited %v for a store that does not answer", worst)
	}
}

// newToken signs a user in without a password.
func newToken(ctx context.Context, records campaigns.Records, user campaigns.UserID, lasts time.Duration) (string, error) {
	token, hash := api.NewToken()
	now := time.Now()
	return token, records.SaveToken(ctx, campaigns.Token{Hash: hash, User: user, Name: "test", CreatedAt: now, ExpiresAt: now.Add(lasts)})
}
