package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// The process of the product: what it is told on standard input, and what it answers
// on a pipe of its own.

// order is what the product's process is to do. One at a time.
type order struct {
	Leads   int           // write so many new leads
	Calls   int           // place so many calls
	AtOnce  int           // of them at most so many in flight
	Until   string        // wait until they "ended", or until so many are in this state
	Figures bool          // answer with figures
	GC      bool          // collect garbage before
	Heap    string        // write what is held to this file, with the figures
	Profile string        // write a processor profile to this file from now on; "-" ends it, and writes the allocations so far beside it
	Within  time.Duration // how long it may take
}

// answer is what came of an order.
type answer struct {
	Admin   string // address of /metrics, in the first answer
	HTTP    string // of the API, likewise
	Phones  string // where phones register, likewise
	Error   string
	Figures figures
	Ended   map[campaigns.Outcome]int // calls so far
}

// figures are what the process holds and has used.
type figures struct {
	CPU        time.Duration
	Mallocs    uint64
	Allocated  uint64 // bytes, ever
	Heap       uint64 // bytes in use
	Live       uint64 // bytes that the last collection found in use: garbage made since is not in it
	Stacks     uint64 // bytes in use
	RSS        uint64
	Goroutines int
	Files      int
}

const (
	productEnv = "OUTPACE_LOAD_PRODUCT" // path of the product's configuration
	ordersFile = 3                      // file descriptor that answers go to
)

// TestProductProcess is no test but the process that the others measure.
func TestProductProcess(t *testing.T) {
	path := os.Getenv(productEnv)
	if path == "" {
		t.Skip("the process that the benchmarks start")
	}
	cfg, err := config.Load(path, nil)
	must(t, err)
	p := &process{inState: map[call.State]int{}, ended: map[campaigns.Outcome]int{}}
	p.changed = sync.NewCond(&p.mu)
	log, err := productLog(filepath.Join(cfg.DataDir, "serve.log"))
	must(t, err)
	app.EaseCollector() // as serve does
	p.app, err = app.Open(t.Context(), cfg, app.Options{Version: "load", Log: log, Observer: p, Pacing: p.pacing})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.app.Run(ctx, ctx) }() // ends with ctx
	<-p.app.Ready()
	answers, orders := json.NewEncoder(os.NewFile(ordersFile, "answers")), json.NewDecoder(os.Stdin)
	must(t, answers.Encode(answer{Admin: p.app.AdminAddr(), HTTP: p.app.HTTPAddr(), Phones: p.app.PhonesAddr()}))
	for {
		var o order
		if err := orders.Decode(&o); err != nil { // whoever started us is gone, or done
			break
		}
		must(t, answers.Encode(p.carryOut(t.Context(), o)))
	}
	stop()
	must(t, <-ended)
}

// productLog writes what `outpace serve` does, to a file.
func productLog(path string) (*zap.Logger, error) {
	c := zap.NewProductionConfig()
	c.Sampling, c.DisableStacktrace, c.DisableCaller = nil, true, true
	c.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.OutputPaths = []string{path}
	return c.Build()
}

// process is the product with who orders calls of it.
type process struct {
	app     *app.App
	profile string // file of the last one

	mu      sync.Mutex
	changed *sync.Cond
	left    int // calls that are still to be placed
	atOnce  int
	leads   int
	inState map[call.State]int
	ended   map[campaigns.Outcome]int
	total   int // of ended
}

// Notice implements dialer.Observer.
func (p *process) Notice(n dialer.Notice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch n := n.(type) {
	case dialer.CallChanged:
		if n.From != call.Beginning {
			p.inState[n.From]--
		}
		p.inState[n.To]++
	case dialer.CallEnded:
		p.ended[n.Ending.Outcome]++
		p.total++
	default:
		return
	}
	p.changed.Broadcast()
}

// pacing is the product's own, whose answer is replaced.
func (p *process) pacing(s pacing.Settings, now time.Time) pacing.Controller {
	return &ordered{Controller: pacing.New(s, now), process: p, flying: map[string]bool{}}
}

// ordered places as many calls as are ordered.
type ordered struct {
	pacing.Controller
	process *process
	flying  map[string]bool
}

// Observe implements pacing.Controller.
func (o *ordered) Observe(now time.Time, ev pacing.Event) {
	switch ev := ev.(type) {
	case pacing.Dialed:
		o.flying[ev.Call] = true
		o.process.mu.Lock()
		o.process.left--
		o.process.mu.Unlock()
	case pacing.Ended:
		delete(o.flying, ev.Call)
	}
	o.Controller.Observe(now, ev)
}

// Decide implements pacing.Controller.
func (o *ordered) Decide(now time.Time, v pacing.View) pacing.Decision {
	d := o.Controller.Decide(now, v)
	o.process.mu.Lock()
	defer o.process.mu.Unlock()
	d.Dial, d.Cancel = max(0, min(o.process.left, o.process.atOnce-len(o.flying), v.Room)), nil
	return d
}

func (p *process) carryOut(ctx context.Context, o order) answer {
	if err := p.try(ctx, o); err != nil {
		return answer{Error: err.Error()}
	}
	a := answer{}
	if o.Figures {
		if o.GC {
			runtime.GC()
			runtime.GC() // what finalizers and pools kept through the first
		}
		a.Figures = ownFigures()
		if err := writeProfile("heap", o.Heap); err != nil {
			return answer{Error: err.Error()}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Ended = maps.Clone(p.ended)
	return a
}

func (p *process) try(ctx context.Context, o order) error {
	switch {
	case o.Profile == "-":
		pprof.StopCPUProfile()
		return writeProfile("allocs", p.profile+".allocs")
	case o.Profile != "":
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		p.profile = o.Profile
	}
	if o.Leads > 0 {
		if err := p.addLeads(ctx, o.Leads); err != nil {
			return err
		}
	}
	if o.Calls > 0 {
		return p.place(o)
	}
	return nil
}

// writeProfile writes what was allocated since the process began ("allocs"), or what is
// held ("heap"); no file, nothing.
func writeProfile(of, path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(of).WriteTo(f, 0), f.Close())
}

// leadsAtOnce is how many leads are written in one step.
const leadsAtOnce = 2000

func (p *process) addLeads(ctx context.Context, n int) error {
	zone := testbed.DayZone(time.Now())
	for n > 0 {
		some := make([]campaigns.Lead, min(n, leadsAtOnce))
		for i := range some {
			p.leads++
			some[i] = campaigns.Lead{
				List: listID, ExternalID: fmt.Sprint(p.leads), Name: fmt.Sprint("Lead ", p.leads),
				Grades:  campaigns.Grades{Stage: campaigns.StageAcquire, Temperature: campaigns.Warm},
				Numbers: []campaigns.Number{{E164: fmt.Sprintf("+999%08d", p.leads), Kind: campaigns.Mobile, Zones: []string{zone}, Regions: []string{"DEMO"}}},
			}
		}
		if _, err := p.app.Records().AddLeads(ctx, listID, some); err != nil {
			return err
		}
		n -= len(some)
	}
	return nil
}

// place orders calls and waits for what was asked for.
func (p *process) place(o order) error {
	late := false
	timer := time.AfterFunc(o.Within, func() {
		p.mu.Lock()
		late = true
		p.mu.Unlock()
		p.changed.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	goal := p.total + p.left + o.Calls
	p.left += o.Calls
	p.atOnce = o.AtOnce
	for {
		if o.Until == "ended" && p.total >= goal || o.Until != "ended" && p.inState[call.State(o.Until)] >= o.Calls {
			return nil
		}
		if late {
			return fmt.Errorf("not within %v: %d calls %s: %d not placed, ended %v, now %v", o.Within, o.Calls, o.Until, p.left, p.ended, p.inState)
		}
		p.changed.Wait()
	}
}

func ownFigures() figures {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := figures{
		CPU: ownTime(), Mallocs: m.Mallocs, Allocated: m.TotalAlloc, Heap: m.HeapAlloc, Stacks: m.StackInuse,
		Goroutines: runtime.NumGoroutine(),
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	f.Live = live[0].Value.Uint64()
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		f.Files = len(files)
	}
	if b, err := os.ReadFile("/proc/self/status"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "VmRSS:"); ok {
			_, _ = fmt.Sscan(rest, &f.RSS)
			f.RSS <<= 10
		}
	}
	return f
}
