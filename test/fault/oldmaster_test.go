package fault

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/outpace-dialer/outpace/test/redistest"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// TestOldMaster (F-6): node 1 is cut off together with the old master; on the other
// side a replica becomes the master, by which node 2 goes on. Whoever has the failover
// done (Sentinel, a person) also has each node's address of Redis lead to the master:
// here the proxies do.
//
//	operators ─► node 1 ─ proxy ─► old master ╳ link ╳ replicas, one of them promoted ◄─ proxy ─ node 2 ◄─ operators
//
// After the cut node 1 places nothing more, as the carrier saw it; when all is one
// again, the old master takes the data of the new one, and node 1 goes on by that. No
// node is settled by another meanwhile, so no outcome may be lost. With one replica
// Redis has its defaults, and it is the store that remembers that there was one.
// OUTPACE_ROUNDS times each (default 1).
func TestOldMaster(t *testing.T) {
	heavy(t)
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	advised := []string{"--min-replicas-to-write", "1", "--min-replicas-max-lag", "5"}
	for _, c := range []struct {
		name     string
		replicas int
		settings []string
		cut      []string // streams of the links in which nothing arrives; nil: connections are reset
	}{
		{"reset, one replica", 1, nil, nil},
		{"silent, one replica", 1, nil, []string{"upstream", "downstream"}},
		{"silent towards the master, one replica", 1, nil, []string{"upstream"}},
		{"silent towards the replica, one replica", 1, nil, []string{"downstream"}},
		{"reset, two replicas as advised", 2, advised, nil},
		{"silent, two replicas as advised", 2, advised, []string{"upstream", "downstream"}},
	} {
		for round := range rounds {
			t.Run(fmt.Sprint(c.name, "/", round+1), func(t *testing.T) {
				newParted(t, c.replicas, c.settings).run(t, c.cut)
			})
		}
	}
}

const (
	cutLasts      = 30 * time.Second
	promotedAfter = 3 * time.Second
	// placesWithin is how long after the cut node 1 may place calls: F-6.
	placesWithin = 3500 * time.Millisecond
	// shortestRest is the least between two calls to one person (see nodesRest), by the
	// clock of the carrier.
	shortestRest = 2800 * time.Millisecond
)

// parted is two nodes on a master with replicas, and what may be cut between them.
type parted struct {
	*floor
	replicas []*redistest.Server // the first is promoted
	links    []*toxiproxy.Proxy  // from each of them to the old master
}

func newParted(t *testing.T, replicas int, settings []string) *parted {
	t.Helper()
	settings = append([]string{"--repl-diskless-sync-delay", "0"}, settings...)
	p := &parted{floor: newFloor(t, 2, 80, 6)}
	for _, n := range p.nodes { // by default, so that nobody settles node 1
		text, err := os.ReadFile(n.config)
		if err == nil {
			err = os.WriteFile(n.config, []byte(strings.Replace(string(text), fmt.Sprintf("  settle_after: %v\n", settleAfter), "", 1)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range replicas {
		link := toxiproxy.NewProxy(server, fmt.Sprint("link-", i+1), "127.0.0.1:0", p.redis.Addr)
		if err := link.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(link.Stop)
		host, port, _ := net.SplitHostPort(link.Listen)
		p.links = append(p.links, link)
		p.replicas = append(p.replicas, redistest.Start(t, append([]string{"--appendfsync", "always", "--replicaof", host, port}, settings...)...))
	}
	testbed.Until(t, readyWithin, "the replicas have everything", func() bool {
		return strings.Count(p.redis.Ask("INFO replication"), "state=online") == replicas
	})
	for i := 0; i+1 < len(settings); i += 2 { // the master was needed before there was a replica
		p.redis.Ask("CONFIG SET " + strings.TrimPrefix(settings[i], "--") + " " + settings[i+1])
	}
	return p
}

// run cuts, promotes and heals, and judges.
func (p *parted) run(t *testing.T, streams []string) {
	t.Helper()
	alone, other, promoted := p.nodes[0], p.nodes[1], p.replicas[0]
	p.begin(t)
	p.during("calm", 15*time.Second, func() {})
	var cut, goesOn, heal time.Time
	p.during("partition", 20*time.Second, func() {
		for _, link := range p.links {
			sever(t, link, streams)
		}
		sever(t, other.proxy, streams)
		cut = time.Now()
		testbed.Pass(promotedAfter)
		promoted.Ask("REPLICAOF NO ONE")
		for _, r := range p.replicas[1:] {
			follow(r, promoted)
		}
		lead(t, other.proxy, promoted)
		goesOn = time.Now()
		testbed.Pass(time.Until(cut.Add(cutLasts)))
		follow(p.redis, promoted)
		testbed.Pass(time.Second) // for that long node 1 is by one that takes no writes
		heal = time.Now()
		lead(t, alone.proxy, promoted)
	})
	p.end(t)
	p.judgeCut(t, cut, goesOn, heal)
	p.storeAt(t, promoted)
	p.judge(t)
}

// sever keeps what is on the way through a proxy from arriving: in some streams, while
// the connections stay, or all of it, while they are reset. One-way cuts are of the
// link; whoever is to reach nobody through a proxy is cut both ways.
func sever(t *testing.T, proxy *toxiproxy.Proxy, streams []string) {
	t.Helper()
	if streams == nil {
		proxy.Stop()
		return
	}
	if !strings.HasPrefix(proxy.Name, "link") {
		streams = []string{"upstream", "downstream"}
	}
	for _, stream := range streams {
		toxic := fmt.Sprintf(`{"name": %q, "type": "timeout", "stream": %q, "attributes": {"timeout": 0}}`, stream, stream)
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
}

// lead has a proxy lead to another server. Nothing gets to the one before meanwhile.
func lead(t *testing.T, proxy *toxiproxy.Proxy, to *redistest.Server) {
	t.Helper()
	proxy.Stop()
	proxy.Toxics.ResetToxics(t.Context())
	if err := proxy.Update(&toxiproxy.Proxy{Listen: proxy.Listen, Upstream: to.Addr, Enabled: true}); err != nil {
		t.Fatal(err)
	}
}

// follow makes a server a replica of another.
func follow(s, master *redistest.Server) {
	host, port, _ := net.SplitHostPort(master.Addr)
	s.Ask("REPLICAOF " + host + " " + port)
}

// storeAt has the store opened at another server from now on.
func (p *parted) storeAt(t *testing.T, s *redistest.Server) {
	t.Helper()
	text, err := os.ReadFile(p.config)
	if err == nil {
		err = os.WriteFile(p.config, []byte(strings.ReplaceAll(string(text), p.redis.Addr, s.Addr)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sent is an INVITE as the carrier saw it: which node it came from is told by its
// address.
type sent struct {
	node string
	at   time.Time
}

// invites are all INVITEs. Nobody may be dialled while a call to them is up, or before
// any rest could be over: by the carrier's log alone, so that a call of which the store
// forgot counts too.
func (p *parted) invites(t *testing.T) (all []sent) {
	t.Helper()
	node := map[string]string{} // address → node
	for _, n := range p.nodes {
		node[n.trunk] = n.name
	}
	up, calls, over := map[string]string{}, map[string]string{}, map[string]time.Time{} // number → call, call → number, number → end
	for _, e := range p.events(t) {
		switch {
		case e.Event == "invite":
			if node[e.FromAddr] == "" {
				t.Errorf("an INVITE came from %q, which is no node", e.FromAddr)
			}
			all = append(all, sent{node[e.FromAddr], e.T})
			if up[e.Number] != "" || e.T.Before(over[e.Number].Add(shortestRest)) {
				t.Errorf("%s dialled %s at %s; the call before: up %q, over at %s", node[e.FromAddr], e.Number, clock(e.T), up[e.Number], clock(over[e.Number]))
			}
			up[e.Number], calls[e.Call] = e.Call, e.Number
		case e.User == "" && (e.Event == "bye" || e.Event == "final"):
			if number := calls[e.Call]; up[number] == e.Call {
				delete(up, number)
				over[number] = e.T
			}
		}
	}
	return all
}

// judgeCut judges what each node placed before the cut, in it and after it.
func (p *parted) judgeCut(t *testing.T, cut, goesOn, heal time.Time) {
	t.Helper()
	invites := p.invites(t)
	count := func(node *floorNode, from, to time.Time) (n int) {
		for _, s := range invites {
			if s.node == node.name && s.at.After(from) && s.at.Before(to) {
				n++
			}
		}
		return n
	}
	a, b, ever := p.nodes[0], p.nodes[1], heal.Add(time.Hour)
	before, late := count(a, time.Time{}, cut), count(a, cut.Add(placesWithin), heal)
	others, after := count(b, goesOn, heal), count(a, heal, ever)
	t.Logf("cut for %v: the node that was alone placed %d calls before it, %d within %v, %d later, %d when it was over; the other %d by the new master",
		heal.Sub(cut).Round(100*time.Millisecond), before, count(a, cut, cut.Add(placesWithin)), placesWithin, late, after, others)
	if late > 0 {
		t.Errorf("who was cut off with the old master placed %d calls more than %v after the cut", late, placesWithin)
	}
	if before == 0 || others == 0 || after == 0 {
		t.Errorf("%d calls before the cut, %d by the new master, %d when it was over: hardly anything was tested", before, others, after)
	}
}
