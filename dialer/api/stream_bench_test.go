package api

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// desks is how many operators' pages read the stream, and how often what each shows
// changes: a call of half a minute changes it some six times.
const (
	desks      = 200
	deskPeriod = 5 * time.Second
)

// BenchmarkDesks tells 200 desks over WebSockets what their operators do. The readers are
// another process, so that what is counted is the server's. Run it with -benchtime 20s.
func BenchmarkDesks(b *testing.B) {
	if at := os.Getenv("OUTPACE_DESKS"); at != "" {
		readDesks(b, at, strings.Split(os.Getenv("OUTPACE_TOKENS"), ","))
		return
	}
	w := newWorld(b)
	var tokens []string
	for i := range desks {
		u := campaigns.User{ID: campaigns.UserID(fmt.Sprintf("op-%d", i)), Role: campaigns.RoleOperator}
		if err := w.store.SaveUser(b.Context(), u); err != nil {
			b.Fatal(err)
		}
		tokens = append(tokens, w.signIn(b, u.ID, time.Hour))
	}
	readers := exec.Command(os.Args[0], "-test.run", "^$", "-test.bench", "^BenchmarkDesks$", "-test.benchtime", "1x")
	readers.Env = append(os.Environ(), "OUTPACE_DESKS="+w.URL, "OUTPACE_TOKENS="+strings.Join(tokens, ","))
	stop, err := readers.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := readers.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := readers.Start(); err != nil {
		b.Fatal(err)
	}
	for w.hub.Streams() < desks {
		time.Sleep(10 * time.Millisecond)
	}
	used, began := processor(b), time.Now()
	tick := time.NewTicker(deskPeriod / desks)
	defer tick.Stop()
	states := []operator.State{operator.Ready, operator.Talking, operator.Wrapping}
	n := 0
	b.ResetTimer()
	for b.Loop() { // one event a tick
		<-tick.C
		v := talking(campaigns.UserID(fmt.Sprintf("op-%d", n%desks)))
		v.State, v.Since, v.Reason = states[n/desks%len(states)], time.Now(), "event"
		w.hub.Notice(dialer.OperatorChanged{Operator: v})
		n++
	}
	b.StopTimer()
	b.ReportMetric(100*(processor(b)-used).Seconds()/time.Since(began).Seconds(), "%core")
	time.Sleep(500 * time.Millisecond)
	_ = stop.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		for _, name := range []string{"p50_ms", "p99_ms", "events"} {
			if text, ok := strings.CutPrefix(lines.Text(), "desks "+name+" "); ok {
				v, _ := strconv.ParseFloat(text, 64)
				b.ReportMetric(v, name)
			}
		}
	}
	if err := readers.Wait(); err != nil {
		b.Fatal(err)
	}
}

// readDesks reads every desk until standard input ends, and says how old events were.
func readDesks(b *testing.B, at string, tokens []string) {
	var mu sync.Mutex
	var ages []time.Duration
	var all sync.WaitGroup
	var conns []*websocket.Conn
	for _, token := range tokens {
		c, _, err := websocket.Dial(b.Context(), "ws"+strings.TrimPrefix(at, "http")+"/api/v1/events", nil)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, c)
		if err := wsjson.Write(b.Context(), c, subscription{Token: token, Topics: []string{"operator", "phone"}}); err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			for {
				var m struct{ Data dialer.OperatorView }
				if err := wsjson.Read(b.Context(), c, &m); err != nil {
					return
				}
				if m.Data.Reason == "event" {
					mu.Lock()
					ages = append(ages, time.Since(m.Data.Since))
					mu.Unlock()
				}
			}
		})
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString(0) // until the other end closes it
	for _, c := range conns {
		c.CloseNow()
	}
	all.Wait()
	slices.Sort(ages)
	if len(ages) == 0 {
		b.Fatal("no event came")
	}
	ms := func(share float64) float64 {
		return float64(ages[int(share*float64(len(ages)-1))].Microseconds()) / 1000
	}
	fmt.Printf("desks p50_ms %g\ndesks p99_ms %g\ndesks events %d\n", ms(0.5), ms(0.99), len(ages))
}

// processor is the time that this process has had of processors.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
