package fault

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
	"github.com/outpace-dialer/outpace/test/redistest"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// Several nodes on one Redis, each behind a proxy of its own that can cut it off,
// over one carrier. What they did together is judged by the carrier's log.
//
//	operators ─► node 1 ─ proxy ─┐
//	operators ─► node 2 ─ proxy ─┼─► Redis
//	              └────┴─► carrier (judge)

const (
	spares = 4 // groups of operators that come when a node is back

	nodesCPS      = 10 // of the carrier, for all nodes
	nodesChannels = 60
	nodesCap      = 4 // calls to one person, in the whole test
	settleAfter   = 20 * time.Second
)

// nodeConfig is what differs from the configuration of a single product.
func nodeConfig(name, http string) *strings.Replacer {
	listen := fmt.Sprintf("http: {listen: %q", http)
	return strings.NewReplacer(
		listen, fmt.Sprintf("%s, node_url: %q", listen, "http://"+http),
		"node: fault", fmt.Sprintf("node: %s\n  settle_after: %v", name, settleAfter),
		"max_cps: 50", fmt.Sprintf("max_cps: %d", nodesCPS),
		"max_channels: 500", fmt.Sprintf("max_channels: %d", nodesChannels),
	)
}

// floor is the nodes with all that is around them.
type floor struct {
	*world // its product only fills the store
	redis  *redistest.Server
	each   int // operators of a group
	groups int // that have come so far
	nodes  []*floorNode
	faults []faultSpan
	phases []phase
}

// floorNode is one product and the operators that are signed in to it.
type floorNode struct {
	*product
	name  string
	proxy *toxiproxy.Proxy
	at    []group // who is signed in
}

// group are operators who work together.
type group struct {
	people []operators.Credential
	leave  func()
}

// faultSpan is a time in which a node was dead, asleep or settled by another: the
// calls that it had then are victims of the fault, not of a decision.
type faultSpan struct {
	node     string
	from, to time.Time
}

// phase is a stretch of the test: a fault, and the time after it.
type phase struct {
	name           string
	from, over, to time.Time // over: the fault is
}

// townsfolk are people who are quickly on and off the phone, so that some minutes see
// hundreds of talks.
func townsfolk(number string, attempt int) (carrier.Behaviour, bool) {
	h := fnv.New32a()
	fmt.Fprint(h, number, attempt)
	draw := rand.New(rand.NewPCG(killSeed, uint64(h.Sum32())))
	ring := 500*time.Millisecond + time.Duration(draw.IntN(1500))*time.Millisecond
	switch at := draw.IntN(100); {
	case at < 55:
		return carrier.Behaviour{Kind: carrier.Person, Ring: ring, Greeting: draw.IntN(1000), Talk: 2*time.Second + time.Duration(draw.IntN(4000))*time.Millisecond, Patience: 6 * time.Second}, true
	case at < 63:
		return carrier.Behaviour{Kind: carrier.NoAnswer}, true
	case at < 70:
		return carrier.Behaviour{Kind: carrier.Machine, Ring: ring, Greeting: draw.IntN(1000)}, true
	case at < 90:
		return carrier.Behaviour{Kind: carrier.Busy}, true
	}
	return carrier.Behaviour{Kind: carrier.Invalid}, true
}

// newFloor starts everything but the nodes.
func newFloor(t *testing.T, nodes, leads, operatorsEach int) *floor {
	t.Helper()
	// With everysec, what Redis acknowledges while a flush runs may be lost when it is
	// killed: this is about what must not be.
	f := &floor{redis: redistest.Start(t, "--appendfsync", "always"), each: operatorsEach}
	f.world = newWorldOn(t, f.redis.URL(), carrier.Config{Seed: killSeed, Behave: townsfolk}, leads, (nodes+spares)*operatorsEach)
	f.plan(t)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range nodes {
		n := &floorNode{name: fmt.Sprintf("node-%d", i+1)}
		n.proxy = toxiproxy.NewProxy(server, n.name, "127.0.0.1:0", f.redis.Addr)
		if err := n.proxy.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.proxy.Stop)
		n.product = newProductOn(t, "redis://"+n.proxy.Listen+"/0", f.carrier.Addr())
		text, err := os.ReadFile(n.config)
		if err == nil {
			err = os.WriteFile(n.config, []byte(nodeConfig(n.name, n.http).Replace(string(text))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), n.name+".log"), []byte(n.log.String()), 0o600); err != nil {
				t.Error(err)
			}
		})
		f.nodes = append(f.nodes, n)
	}
	return f
}

// plan makes the campaign one that calls the same people again and again.
func (f *floor) plan(t *testing.T) {
	t.Helper()
	store := f.open(t)
	defer store.Close()
	c, err := store.Campaign(t.Context(), campaign)
	if err != nil {
		t.Fatal(err)
	}
	c.Pacing = campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.03, MaxRatio: 4}
	c.Caps = []campaigns.Cap{{N: nodesCap, Period: time.Hour}}
	c.Recording, c.Detection = campaigns.RecordNever, "before"
	c.Retry = nodesRetry
	c.Wrap = campaigns.Wrap{Timeout: 5 * time.Second, Default: "no_decision"}
	if _, err := store.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// nodesRetry calls people again soon, whatever became of the call.
var nodesRetry = []campaigns.RetryRule{
	{Outcome: campaigns.Busy, After: 3 * time.Second, Max: 100},
	{Outcome: campaigns.NoAnswer, After: 5 * time.Second, Max: 100},
	{Outcome: campaigns.MachineHeard, After: 5 * time.Second, Max: 100},
	{Outcome: campaigns.Abandoned, After: time.Hour, Max: 100},
	{Outcome: campaigns.HungUpEarly, After: 5 * time.Second, Max: 100},
	{Outcome: campaigns.Cancelled, After: 5 * time.Second, Max: 100},
	{Outcome: campaigns.Interrupted, After: 5 * time.Second, Max: 100},
	{Outcome: campaigns.NotPlaced, After: time.Second, Max: 1000},
}

// nodesRest is how long a number rests after an outcome there.
func nodesRest(o campaigns.Outcome) (time.Duration, bool) {
	for _, r := range nodesRetry {
		if r.Outcome == o {
			return r.After, true
		}
	}
	return restOf(o)
}

// begin lets every node serve, with its operators.
func (f *floor) begin(t *testing.T) {
	t.Helper()
	for _, n := range f.nodes {
		n.start(t)
		f.signIn(t, n, f.newcomers())
	}
}

// newcomers are operators who did not work yet.
func (f *floor) newcomers() []operators.Credential {
	from := f.groups * f.each
	f.groups++
	return f.people[from : from+f.each]
}

// signIn has operators work on a node.
func (f *floor) signIn(t *testing.T, n *floorNode, people []operators.Credential) {
	t.Helper()
	room, err := operators.New(operators.Config{
		API: "http://" + n.http, SIP: n.phones, Users: people, Seed: 7,
		TalkMean: 4 * time.Second, WrapMean: 500 * time.Millisecond, FormMean: 200 * time.Millisecond, PauseProbability: -1, Log: f.journal,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.at = append(n.at, group{people, testbed.RunUntilCleanup(t, "operators", room.Run)})
}

// during runs a fault and lets time pass after it.
func (f *floor) during(name string, after time.Duration, fault func()) {
	p := phase{name: name, from: time.Now()}
	fault()
	p.over = time.Now()
	testbed.Pass(after)
	p.to = time.Now()
	f.phases = append(f.phases, p)
}

// suffer notes that the calls of a node are victims between two times.
func (f *floor) suffer(n *floorNode, from time.Time) {
	f.faults = append(f.faults, faultSpan{n.name, from, time.Now()})
}

// killNode ends a node for a while; its operators go on at the next one.
func (f *floor) killNode(t *testing.T, i int, dead time.Duration) {
	t.Helper()
	n, next := f.nodes[i], f.nodes[(i+1)%len(f.nodes)]
	n.kill()
	died := n.died
	homeless := n.at
	n.at = nil
	for _, g := range homeless {
		go g.leave() // nobody answers them; the end of the test waits for it
		f.signIn(t, next, g.people)
	}
	testbed.Pass(time.Until(died.Add(dead)))
	n.start(t)
	f.suffer(n, died)
	f.signIn(t, n, f.newcomers())
}

// freeze stops a node for a while without ending it.
func (f *floor) freeze(t *testing.T, i int, d time.Duration) {
	t.Helper()
	n := f.nodes[i]
	from := time.Now()
	n.signal(t, syscall.SIGSTOP)
	testbed.Pass(d)
	n.signal(t, syscall.SIGCONT)
	testbed.Pass(3 * time.Second) // it wakes: what was lost ends
	f.suffer(n, from)
}

func (p *product) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// cut keeps everything between a node and Redis from arriving, without an end of
// the connections; undo lets it through again.
func (n *floorNode) cut(t *testing.T) (undo func()) {
	t.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		toxic := fmt.Sprintf(`{"name": %q, "type": "timeout", "stream": %q, "attributes": {"timeout": 0}}`, stream, stream)
		if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, stream := range []string{"upstream", "downstream"} {
			if err := n.proxy.Toxics.RemoveToxic(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// cutOff cuts some nodes off for a while.
func (f *floor) cutOff(t *testing.T, nodes []*floorNode, d time.Duration) {
	t.Helper()
	from := time.Now()
	var undo []func()
	for _, n := range nodes {
		undo = append(undo, n.cut(t))
	}
	testbed.Pass(d)
	for _, do := range undo {
		do()
	}
	if d > settleAfter && len(nodes) < len(f.nodes) { // the others settled them
		testbed.Pass(3 * time.Second)
		for _, n := range nodes {
			f.suffer(n, from)
		}
	}
}

// killCutOff kills a node while Redis answers nobody: the outcomes that it could not
// write are written by the next process.
func (f *floor) killCutOff(t *testing.T, i int) {
	t.Helper()
	var undo []func()
	for _, n := range f.nodes {
		undo = append(undo, n.cut(t))
	}
	testbed.Pass(10 * time.Second)
	n := f.nodes[i]
	n.kill()
	died := n.died
	testbed.Pass(4 * time.Second)
	for _, do := range undo {
		do()
	}
	n.start(t)
	f.suffer(n, died.Add(-onItsWay)) // the first outcome that a node cannot write waits for three seconds
}

// end stops every node as an operating system does.
func (f *floor) end(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	for _, n := range f.nodes {
		all.Go(func() { n.stop(t) })
	}
	all.Wait()
}

// TestNodes is two nodes through one fault of each kind; TestManyNodes is more of it.
func TestNodes(t *testing.T) {
	t.Parallel()
	f := newFloor(t, 2, 60, 6)
	f.begin(t)
	f.during("calm", 3*time.Second, func() {})
	f.during("kill -9, restart", time.Second, func() { f.killNode(t, 0, time.Second) })
	f.during("SIGSTOP 6 s", time.Second, func() { f.freeze(t, 1, 6*time.Second) })
	f.during("Redis kill -9, back after 1 s", 4*time.Second, func() { f.redis.Kill(); testbed.Pass(time.Second); f.redis.Run() })
	f.during("blackhole 5 s", 4*time.Second, func() { f.cutOff(t, f.nodes, 5*time.Second) })
	f.end(t)
	f.judge(t)
}

// TestManyNodes puts two and four nodes through everything that may happen to them
// and their Redis. The table that it prints is the measure: what the carrier saw in
// each fault and after it, and how soon somebody was dialled again.
func TestManyNodes(t *testing.T) {
	heavy(t)
	for _, nodes := range []int{2, 4} {
		t.Run(fmt.Sprint(nodes, "_nodes"), func(t *testing.T) {
			f := newFloor(t, nodes, 900, 20/nodes)
			f.begin(t)
			last := nodes - 1
			f.during("calm", 25*time.Second, func() {})
			f.during("kill -9, restart after 2 s", 10*time.Second, func() { f.killNode(t, 0, 2*time.Second) })
			f.during("kill -9, dead for 30 s, settled", 10*time.Second, func() { f.killNode(t, last, settleAfter+10*time.Second) })
			f.during("SIGSTOP 4 s", 8*time.Second, func() { f.freeze(t, 0, 4*time.Second) })
			f.during("SIGSTOP 8 s, lease over", 8*time.Second, func() { f.freeze(t, last, 8*time.Second) })
			f.during("SIGSTOP 35 s, settled", 10*time.Second, func() { f.freeze(t, 0, settleAfter+15*time.Second) })
			f.during("one node cut off 15 s", 8*time.Second, func() { f.cutOff(t, f.nodes[:1], 15*time.Second) })
			f.during("one node cut off 35 s, settled", 10*time.Second, func() { f.cutOff(t, f.nodes[last:], settleAfter+15*time.Second) })
			for i := range 3 {
				f.during(fmt.Sprintf("Redis kill -9, back after %d s", 1+i*3), 10*time.Second, func() {
					f.redis.Kill()
					testbed.Pass(time.Second + time.Duration(i)*3*time.Second)
					f.redis.Run()
				})
			}
			f.during("Redis SIGSTOP 10 s", 10*time.Second, func() { f.redis.Freeze(); testbed.Pass(10 * time.Second); f.redis.Thaw() })
			f.during("blackhole 60 s", 15*time.Second, func() { f.cutOff(t, f.nodes, time.Minute) })
			f.during("blackhole 14 s, a node killed in it", 15*time.Second, func() { f.killCutOff(t, 0) })
			f.end(t)
			f.judge(t)
		})
	}
}
