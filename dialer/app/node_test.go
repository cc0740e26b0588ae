package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// onRedis is a product on a store that others share.
func onRedis(t *testing.T, url, node string) config.Config {
	cfg := settings(t, "127.0.0.1:1")
	cfg.Store.URL, cfg.Engine.Node = url, node
	return cfg
}

// ghost is a process that took a name and died.
func ghost(t *testing.T, cfg config.Config, lease time.Duration) (Store, campaigns.Nodes, campaigns.Member) {
	t.Helper()
	store, err := OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	nodes, ok := campaigns.As[campaigns.Nodes](store)
	if !ok {
		t.Fatal("a store on Redis knows no nodes")
	}
	m := campaigns.Member{Node: cfg.Engine.Node, Term: "ghost", About: "a ghost"}
	if err := nodes.Join(t.Context(), m, lease); err != nil {
		t.Fatal(err)
	}
	return store, nodes, m
}

// Two living processes of one name are one too many; names that differ are not.
func TestSecondProcessOfANodeIsRefused(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	first := onRedis(t, url, "n1")
	a, stop := start(t, first)
	began := time.Now()
	_, err := Open(t.Context(), onRedis(t, url, "n1"), Options{Version: "test", Log: zap.NewNop()})
	if _, is := errors.AsType[takenError](err); !is || !strings.Contains(err.Error(), `another process is node "n1" on this store: process `) {
		t.Errorf("a second process opened: %v", err)
	}
	if took := time.Since(began); took > nodeLease {
		t.Errorf("it was refused after %v", took)
	}
	same := onRedis(t, url, "n3")
	same.DataDir = first.DataDir
	if _, err := Open(t.Context(), same, Options{Version: "test", Log: zap.NewNop()}); err == nil || !strings.Contains(err.Error(), "data_dir: another process has "+first.DataDir) {
		t.Errorf("a second process in one folder: %v", err)
	}
	_, stopOther := start(t, onRedis(t, url, "n2"))
	if a.node.Term(time.Now()) != 1 {
		t.Error("the first is not node n1 any more")
	}
	if err := errors.Join(stop(), stopOther()); err != nil {
		t.Error(err)
	}
	began = time.Now()
	start(t, onRedis(t, url, "n1"))
	if took := time.Since(began); took > nodeLease/2 {
		t.Errorf("after a process that gave its name back, the next took %v", took)
	}
}

// A process that died holds its name for some seconds, unless it is plain that it
// is dead.
func TestNodeFollowsADeadOne(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	cfg := onRedis(t, url, "n1")
	ghost(t, cfg, 2*time.Second)
	began := time.Now()
	_, stop := start(t, cfg)
	if took := time.Since(began); took < 1900*time.Millisecond || took > nodeLease {
		t.Errorf("it took %v to follow a process with a lease of 2s", took)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	h, err := openHome(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	name := h.name()
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	if name == "" {
		t.Skip("left out: following a dead process at once: this system does not tell when it was started")
	}
	_, nodes, _ := ghost(t, onRedis(t, url, "n2"), time.Millisecond)
	if err := nodes.Join(t.Context(), campaigns.Member{Node: "n1", Term: "dead", Home: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	start(t, cfg)
	if took := time.Since(began); took > nodeLease/2 {
		t.Errorf("it took %v to follow a process that died in the same folder", took)
	}
}

// A process that slept until another one had its name ends; until then, and while
// its store is gone, it has no term.
func TestTermEndsBeforeTheLease(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cfg := onRedis(t, server.URL(), "n1")
	a, err := Open(t.Context(), cfg, Options{Version: "test", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ctx) }() // ends below
	eventually.Comes(t, patience, "the product serves", a.Ready())
	server.Freeze()
	frozen := time.Now()
	eventually.So(t, patience, "the term ends", func() bool { return a.node.Term(time.Now()) == 0 })
	if took := time.Since(frozen); took > nodeLease-nodeMargin+100*time.Millisecond {
		t.Errorf("the term went on for %v without a store", took)
	}
	time.Sleep(time.Until(frozen.Add(nodeLease + 500*time.Millisecond))) // a real server: no clock of ours
	server.Thaw()
	eventually.So(t, patience, "a new term begins", func() bool { return a.node.Term(time.Now()) == 2 })

	// Somebody takes the name while this process sleeps.
	_, nodes, _ := ghost(t, onRedis(t, server.URL(), "n2"), time.Minute)
	if err := nodes.Leave(t.Context(), a.node.present()); err != nil {
		t.Fatal(err)
	}
	if err := nodes.Join(t.Context(), campaigns.Member{Node: "n1", Term: "other", About: "somebody else"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "somebody else") {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("it goes on under a name that is somebody else's")
	}
}

// What a node leaves is settled by another one, and not before it has been gone
// for long.
func TestNeighbourSettles(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	store, _, _ := ghost(t, onRedis(t, url, "dead"), 10*time.Millisecond)
	ctx := t.Context()
	number := campaigns.Number{E164: "+9991000001", Kind: campaigns.Mobile, Zones: []string{"Asia/Tokyo"}, Regions: []string{"DEMO"}}
	other := number
	other.E164 = "+9991000002"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(store.SaveList(ctx, campaigns.List{ID: "l", CreatedAt: time.Now()}))
	_, err := store.SaveCampaign(ctx, campaigns.Campaign{ID: "c", State: campaigns.Stopped, Lists: []campaigns.ListID{"l"}, CreatedAt: time.Now()})
	must(err)
	_, err = store.AddLeads(ctx, "l", []campaigns.Lead{
		{ExternalID: "1", Numbers: []campaigns.Number{number}}, {ExternalID: "2", Numbers: []campaigns.Number{other}},
	})
	must(err)
	queues, err := store.Queues(ctx, "c", time.Now())
	must(err)
	claims, err := store.Claim(ctx, campaigns.ClaimRequest{Queues: []campaigns.QueueID{queues[0].QueueID}, Limit: 2, Node: "dead", Lease: time.Hour, Now: time.Now()})
	must(err)
	if len(claims) != 2 {
		t.Fatalf("%d claims", len(claims))
	}
	must(store.Begin(ctx, campaigns.Intent{Attempt: "a-1", Claim: claims[0], At: time.Now(), Dialog: []byte(`{}`)}))
	cfg := onRedis(t, url, "alive")
	cfg.Engine.SettleAfter = 6 * time.Second // not by a file
	start(t, cfg)
	ready := time.Now()
	eventually.So(t, patience, "the lead that was only claimed is back", func() bool {
		queues, err := store.Queues(ctx, "c", time.Now())
		return err == nil && len(queues) == 1 && queues[0].Ready == 1
	})
	if open, err := store.Open(ctx, "dead"); err != nil || len(open) != 1 || time.Since(ready) > cfg.Engine.SettleAfter {
		t.Errorf("%d attempts are open after %v, %v", len(open), time.Since(ready), err)
	}
	eventually.So(t, patience, "the attempt is settled", func() bool {
		all, err := store.Attempts(ctx, campaigns.AttemptQuery{ID: "a-1"})
		return err == nil && len(all) == 1 && all[0].Outcome == campaigns.Interrupted
	})
	if took := time.Since(ready); took < cfg.Engine.SettleAfter-time.Second {
		t.Errorf("it was settled after %v", took)
	}
	nodes, _ := campaigns.As[campaigns.Nodes](store)
	eventually.So(t, patience, "the dead node is forgotten", func() bool {
		all, err := nodes.Members(ctx)
		return err == nil && len(all) == 1 && all[0].Node == "alive"
	})
}

// Two nodes have an operator one after the other: by going off duty, by the end of the
// node, and by its death, some seconds after it.
func TestOperatorGoesToAnotherNode(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, stop := start(t, onRedis(t, server.URL(), "n1"))
	b, _ := start(t, onRedis(t, server.URL(), "n2"))
	here, there := a.node.duty(a.store), b.node.duty(b.store)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(here(ctx, "ann", 1, true))
	if e, is := errors.AsType[*campaigns.OnDutyElsewhere](there(ctx, "ann", 1, true)); !is || e.Node != "n1" {
		t.Errorf("on duty at two nodes: %v", e)
	}
	must(here(ctx, "ann", 2, false))
	must(there(ctx, "ann", 2, true))
	must(there(ctx, "ann", 3, false))
	must(here(ctx, "ann", 3, true))
	must(stop())
	must(there(ctx, "ann", 4, true))

	store, _, m := ghost(t, onRedis(t, server.URL(), "dead"), nodeLease)
	must(store.SaveDuty(ctx, campaigns.Duty{User: "bob", Node: m.Node, Term: m.Term, Nth: 1, On: true}))
	died := time.Now()
	if err := there(ctx, "bob", 5, true); err == nil {
		t.Error("a dead node does not keep its operators while its lease runs")
	}
	eventually.So(t, patience, "the operator of a dead node signs in", func() bool { return there(ctx, "bob", 6, true) == nil })
	if took := time.Since(died); took > nodeLease+time.Second {
		t.Errorf("that took %v", took)
	}
}
