package load

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/media/webrtc"
	"github.com/outpace-dialer/outpace/test/browser"
)

func init() { browser.ServeIfAsked() }

// Many operators at browsers, each joined with another: what one says the other hears,
// and what a leg takes of a core is told. The pages are a process of their own. Without
// OUTPACE_LOAD it is a few for two seconds.
func TestBrowserLegs(t *testing.T) {
	legs, lasts := 6, 2*time.Second
	if os.Getenv("OUTPACE_LOAD") != "" {
		legs, lasts = asked(t, "OUTPACE_BROWSERS", 200, strconv.Atoi), 20*time.Second
	}
	exchange := startExchange(t)
	p := startPlane(t, plane.Config{Wire: func(owner string) media.Wire { return exchange.Phone(owner) }})
	pages, err := browser.StartMany(legs)
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Stop()
	before := now()
	answers := make([]string, legs)
	for i, offer := range pages.Offers {
		if answers[i], _, err = exchange.Connect(fmt.Sprint("u", i), offer); err != nil {
			t.Fatal(err)
		}
	}
	if err := pages.Accept(answers); err != nil {
		t.Fatal(err)
	}
	for i := range legs {
		id, user := media.LegID(fmt.Sprint("b", i)), fmt.Sprint("u", i)
		awaitConnected(t, exchange, user)
		if _, err := p.Offer(id, media.LegSpec{Kind: media.Operator, Owner: user}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			p.Bridge(media.LegID(fmt.Sprint("b", i-1)), id)
		}
	}
	time.Sleep(time.Second)
	first, err := pages.Count()
	if err != nil {
		t.Fatal(err)
	}
	used, began := processTime(), time.Now()
	time.Sleep(lasts)
	cost, took := processTime()-used, time.Since(began)
	here, stats := now(), p.Stats()
	last, err := pages.Count()
	if err != nil {
		t.Fatal(err)
	}
	var sent, heard, missing uint64
	for i := range last {
		said, came := last[i].Sent-first[i].Sent, last[i].Missing-first[i].Missing
		sent, missing = sent+said, missing+came
		got := last[i].Heard - first[i].Heard
		heard += got
		if peer := last[i^1].Sent - first[i^1].Sent; got < peer*9/10 || got == 0 {
			t.Errorf("page %d heard %d packets while its peer said %d", i, got, peer)
		}
	}
	t.Logf("%d browser legs, %v: said %d, heard %d, missing %d; %.3f%% of a core a leg, %.0f legs a core; %.0f kB and %.1f goroutines a leg; relayed %d",
		legs, took.Round(time.Millisecond), sent, heard, missing, 100*cost.Seconds()/took.Seconds()/float64(legs), float64(legs)*took.Seconds()/cost.Seconds(),
		float64(here.resident-before.resident)/1e3/float64(legs), float64(here.goroutines-before.goroutines)/float64(legs), stats.Relayed)
}

func startExchange(t *testing.T) *webrtc.Exchange {
	t.Helper()
	e, err := webrtc.New(webrtc.Config{Listen: "127.0.0.1:0"}, func(webrtc.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = e.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return e
}

// awaitConnected waits for our end of a connection whose other end is up already.
func awaitConnected(t *testing.T, e *webrtc.Exchange, user string) {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if state, ok := e.State(user); ok && state.Connected {
			return
		}
	}
	t.Fatalf("%s is not connected", user)
}

func processTime() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
