package redis

import (
	"context"
	"fmt"
	"math"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// counter counts the commands that a client sends.
type counter struct{ sent atomic.Int64 }

func (c *counter) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *counter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		c.sent.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		c.sent.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// shift is a few hundred leads that are called, step by step, by the first of the
// nodes that share a store.
type shift struct {
	*testing.T
	s       *Store
	counter counter
	claims  []campaigns.Claim
	members []campaigns.Member
	books   []string
	now     time.Time
}

const shiftCalls, shiftNodes, halfHopper = 400, 20, 100

func newShift(t *testing.T) *shift {
	x := &shift{T: t, s: openTest(t, redistest.Start(t).URL()), now: start}
	fill(t, x.s, 4000)
	x.s.db.AddHook(&x.counter)
	for i := range shiftNodes {
		m := campaigns.Member{Node: "n" + strconv.Itoa(i), Term: "t" + strconv.Itoa(i), Home: strconv.Itoa(i)}
		x.ok(x.s.Join(t.Context(), m, time.Minute))
		state, _, err := x.s.OpenLive(t.Context(), "camp", m.Node, func() ([]campaigns.LiveCount, error) { return nil, nil })
		x.ok(err)
		x.members, x.books = append(x.members, m), append(x.books, state.Book)
	}
	return x
}

func (x *shift) ok(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// executed is how many commands the server has executed, those in scripts included.
func (x *shift) executed() float64 {
	info, err := x.s.db.Info(x.Context(), "stats").Result()
	x.ok(err)
	n, err := strconv.ParseFloat(infoField(info, "total_commands_processed"), 64)
	x.ok(err)
	return n
}

// busy is how long the server has computed.
func (x *shift) busy() time.Duration {
	info, err := x.s.db.Info(x.Context(), "cpu").Result()
	x.ok(err)
	var sum float64
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(infoField(info, field), 64)
		x.ok(err)
		sum += seconds
	}
	return time.Duration(sum * float64(time.Second))
}

// measure is what one of n times asks of Redis.
func (x *shift) measure(n int, do func(i int)) cost {
	busy := x.busy()
	executed, sent := x.executed(), x.counter.sent.Load()
	for i := range n {
		do(i)
	}
	sent = x.counter.sent.Load() - sent
	executed = x.executed() - executed - 1 // without the question itself
	x.Logf("the server computed %v for each", (x.busy()-busy)/time.Duration(n))
	return cost{float64(sent) / float64(n), executed / float64(n)}
}

func (x *shift) attempt(i int) campaigns.AttemptID {
	return campaigns.AttemptID(fmt.Sprintf("%016d", i))
}

// claim refills a hopper that is down to its half.
func (x *shift) claim(int) {
	x.look()
	claims, err := x.s.Claim(x.Context(), claimRequest(halfHopper, x.now))
	x.ok(err)
	if len(claims) != halfHopper {
		x.Fatalf("%d claims, want %d", len(claims), halfHopper)
	}
	x.claims = append(x.claims, claims...)
}

// call is one that nobody answers; of what is said of one that somebody does, End
// has no more.
func (x *shift) call(i int) {
	x.now = x.now.Add(10 * time.Millisecond)
	in := campaigns.Intent{Attempt: x.attempt(i), Claim: x.claims[i], Caps: []campaigns.Cap{{N: 3, Period: 24 * time.Hour}}, At: x.now}
	x.ok(x.s.Begin(x.Context(), in))
	if i%4 == 0 { // somebody answers, and stays on the line
		return
	}
	x.end(i, campaigns.NoAnswer)
}

func (x *shift) end(i int, o campaigns.Outcome) {
	next := campaigns.Next{At: x.now.Add(time.Hour)}
	x.ok(x.s.End(x.Context(), campaigns.Ending{Attempt: x.attempt(i), Outcome: o, Count: true, Next: next, At: x.now}))
}

func (x *shift) dispose(i int) {
	d := campaigns.Disposal{Attempt: x.attempt(4 * i), Disposition: "later", By: "ann", Next: campaigns.Next{At: x.now.Add(24 * time.Hour)}, At: x.now}
	x.ok(x.s.Dispose(x.Context(), d))
}

// renew is what a node does each second: it counts what was answered, and asks for
// its part of the budget and of a trunk.
func (x *shift) renew(i int) {
	n, nth := i%shiftNodes, int64(i/shiftNodes+1)
	m := x.members[n]
	state, err := x.s.CountLive(x.Context(), "camp", campaigns.LiveRun{Run: m.Term, Book: x.books[n], Live: int(nth), At: x.now})
	x.ok(err)
	shares, err := x.s.Renew(x.Context(), m, nth, time.Minute, []campaigns.Want{
		{Limit: campaigns.BudgetLimit("camp"), Total: 30, Need: 500, Lasts: true, Credit: "camp", AsOf: state.Version},
		{Limit: "cps", Total: 500, Need: 17},
		{Limit: "channels", Total: 20_000, Need: 800, Whole: true, Lasts: true},
	})
	x.ok(err)
	if len(shares) != 3 || shares[0].Stale {
		x.Fatalf("shares %+v", shares)
	}
}

func (x *shift) look() {
	_, err := x.s.Queues(x.Context(), "camp", x.now)
	x.ok(err)
}

// looks is what else a node does each second: the hopper looks what there is, and
// changes of campaigns are looked for, and each other second dead neighbours, and it
// shows what is live on it.
func (x *shift) looks(i int) {
	x.look()
	_, err := x.s.Campaigns(x.Context())
	x.ok(err)
	if i%2 == 0 {
		_, err = x.s.Members(x.Context())
		x.ok(err)
		x.show(i)
	}
}

// shownBytes is what a node with fifty operators shows, packed, and a little more
// (TestBoardIsSmall of dialer/app).
const shownBytes = 4096

func (x *shift) show(i int) {
	x.ok(x.s.Show(x.Context(), x.members[i%shiftNodes].Node, make([]byte, shownBytes), time.Minute))
}

// watch looks at what all nodes show, as one of them does each second while somebody
// has a live page open there.
func (x *shift) watch(int) {
	shown, err := x.s.Shown(x.Context())
	x.ok(err)
	if len(shown) != shiftNodes {
		x.Fatalf("%d nodes show something, want %d", len(shown), shiftNodes)
	}
}

// The costs that Work.Load reckons with are those of this store. Where Redis is asked
// for more or less than they say, they are to be measured again.
func TestLoad(t *testing.T) {
	x := newShift(t)
	check := func(name string, got, want cost) {
		t.Helper()
		t.Logf("%s: %.2f messages, %.2f commands", name, got.messages, got.commands)
		if math.Abs(got.messages-want.messages) > 0.05*want.messages || math.Abs(got.commands-want.commands) > 0.05*want.commands {
			t.Errorf("%s: %.2f messages, %.2f commands; Load reckons with %+v", name, got.messages, got.commands, want)
		}
	}
	claim := x.measure(shiftCalls/halfHopper, x.claim)
	check("claim of a lead", cost{claim.messages / halfHopper, claim.commands / halfHopper}, costOfClaim)
	begun := x.measure(shiftCalls, x.call)
	answered := shiftCalls / 4
	check("dialog", x.measure(answered, func(i int) {
		x.ok(x.s.SaveDialog(t.Context(), x.attempt(4*i), []byte("a dialog")))
	}), costOfDialog)
	ended := x.measure(answered, func(i int) { x.end(4*i, campaigns.Connected) })
	check("call", cost{begun.messages + ended.messages/4, begun.commands + ended.commands/4}, costOfCall)
	check("disposition", x.measure(answered, x.dispose), costOfDispose)
	check("renewal", x.measure(20*shiftNodes, x.renew), costOfRenewal)
	check("looks of a second", x.measure(40, x.looks), costOfLooks)
	x.measure(shiftNodes, x.show)
	check("a live page", x.measure(200, x.watch), cost{1, 2 + shiftNodes})
}
