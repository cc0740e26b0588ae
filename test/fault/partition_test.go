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

	"github.com/outpace-dialer/outpace/campaigns/redis/redistest"
)

// A partition (F-6): node 1 is alone with the old master on one side, on the other
// side the replica becomes the master, and node 2 goes on there.
//
//	node 1 ─ proxy ─► old master ─ link (cut) ─► replica ◄─ proxy ─ node 2

const (
	partitionLasts = 30 * time.Second
	// stopsWithin is how long a node may go on that no replica confirms anything.
	stopsWithin = 3500 * time.Millisecond
)

// kinds of cut: which streams of the link between the servers carry nothing. A replica
// opens the link, so upstream is what it says to its master, its confirmations.
var cuts = []struct {
	name    string
	streams []string
	closed  bool // the connections end too
}{
	{"both ways", []string{"upstream", "downstream"}, false},
	{"confirmations only", []string{"upstream"}, false},
	{"writes only", []string{"downstream"}, false},
	{"connections end", nil, true},
}

// pair is a master and its replica, with the link between them.
type pair struct {
	master, replica *redistest.Server
	link            *toxiproxy.Proxy
	server          *toxiproxy.ApiServer
}

// replicate gives the server of a floor a replica and makes it ask for one, as the
// documents of the store say.
func (f *floor) replicate(t *testing.T) *pair {
	t.Helper()
	p := &pair{master: f.redis, server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
	p.replica = redistest.Start(t, "--appendfsync", "always", "--repl-diskless-sync-delay", "0")
	for _, s := range []*redistest.Server{p.master, p.replica} {
		s.Ask("CONFIG SET min-replicas-max-lag 5")
		s.Ask("CONFIG SET repl-diskless-sync-delay 0")
	}
	p.follow(t)
	return p
}

// follow makes the replica one of the master, through a new link, and waits until it
// confirms.
func (p *pair) follow(t *testing.T) {
	t.Helper()
	p.link = toxiproxy.NewProxy(p.server, "link", "127.0.0.1:0", p.master.Addr)
	if err := p.link.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.link.Stop)
	host, port, _ := net.SplitHostPort(p.link.Listen)
	p.replica.Ask("CONFIG SET min-replicas-to-write 0")
	p.replica.Ask("REPLICAOF " + host + " " + port)
	until(t, 30*time.Second, "the replica follows", func() bool {
		return strings.Contains(p.master.Ask("INFO replication"), "state=online")
	})
	p.master.Ask("CONFIG SET min-replicas-to-write 1")
}

// cut cuts the link.
func (p *pair) cut(t *testing.T, streams []string, closed bool) {
	t.Helper()
	if closed {
		p.link.Stop()
		return
	}
	for _, stream := range streams {
		toxic := fmt.Sprintf(`{"name": %q, "type": "timeout", "stream": %q, "attributes": {"timeout": 0}}`, stream, stream)
		if _, err := p.link.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
}

// lead has a node reach another server, as a changed name or address does.
func (n *floorNode) lead(t *testing.T, to *redistest.Server) {
	t.Helper()
	n.proxy.Stop()
	n.proxy.Upstream = to.Addr
	if err := n.proxy.Start(); err != nil {
		t.Fatal(err)
	}
}

// partition is one round; it returns when the link was cut and until when it was.
func (f *floor) partition(t *testing.T, p *pair, streams []string, closed bool) (from, to time.Time) {
	t.Helper()
	alone, other := f.nodes[0], f.nodes[1]
	p.cut(t, streams, closed)
	from = time.Now()
	pass(2 * time.Second) // somebody sees it
	p.replica.Ask("CONFIG SET min-replicas-to-write 0")
	p.replica.Ask("REPLICAOF NO ONE")
	other.lead(t, p.replica)
	pass(time.Until(from.Add(partitionLasts)))
	to = time.Now()
	p.link.Stop()
	p.master, p.replica = p.replica, p.master
	p.follow(t)
	alone.lead(t, p.master)
	pass(3 * time.Second) // it hears of it: what was settled ends
	f.suffer(alone, from)
	return from, to
}

// TestPartition (F-6) parts node 1 with the old master from the rest, in every way
// that a network can, OUTPACE_ROUNDS times (default 4). It stops dialling within three
// and a half seconds, and after the partition nobody is dialled twice. The last kind
// of cut ends the connections, after which a master knows of no replica: there it is
// min-replicas-to-write that stops it.
func TestPartition(t *testing.T) {
	heavy(t)
	rounds := len(cuts)
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	rounds += rounds % 2 // after which the first server is the master again, as it is configured
	f := newFloor(t, 2, 100+100*rounds, 6)
	p := f.replicate(t)
	f.begin(t)
	f.during("calm", 10*time.Second, func() {})
	type span struct {
		cut      string
		from, to time.Time
	}
	var spans []span
	for i := range rounds {
		c := cuts[i%len(cuts)]
		f.during("partition, "+c.name, 12*time.Second, func() {
			from, to := f.partition(t, p, c.streams, c.closed)
			spans = append(spans, span{c.name, from, to})
		})
	}
	f.end(t)
	f.judge(t)
	store := f.open(t)
	defer store.Close()
	placed, before := map[string]int{}, 0
	for _, c := range f.townCalls(t, allAttempts(t, store)) {
		if c.attempt.Node == f.nodes[0].name && c.from.Before(spans[0].from) {
			before++
		}
		for i, s := range spans {
			if c.from.Before(s.from) || c.from.After(s.to) {
				continue
			}
			name := c.attempt.Node
			if name == f.nodes[0].name && c.from.After(s.from.Add(stopsWithin)) {
				t.Errorf("round %d, %s: node 1 dialled %s %v after it was alone", i+1, s.cut, c.number, c.from.Sub(s.from))
			}
			placed[name]++
		}
	}
	t.Logf("%d partitions: INVITEs meanwhile by node: %v; %d of node 1 before", rounds, placed, before)
	if placed[f.nodes[1].name] == 0 || before == 0 {
		t.Errorf("%d INVITEs of node 2 meanwhile, %d of node 1 before: hardly anything was tested", placed[f.nodes[1].name], before)
	}
}
