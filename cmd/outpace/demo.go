package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
)

// demoFlags are what the demo can be told.
type demoFlags struct {
	duration   time.Duration
	noBrowser  bool
	seed       uint64
	speed      float64
	operators  int
	leads      int
	json       bool
	carrierLog string
	data       string
	http       string
	logLevel   string
}

func newDemoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use: "demo", Short: "Run the whole product on loopback with a simulated carrier and operators", Args: cobra.NoArgs,
		Long: `Run the whole product on loopback: the embedded store, a simulated carrier over
real SIP and RTP, simulated operators with real phones, and leads in every UTC
offset. Nothing can leave this machine: the only trunk is the simulated one.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.operators < 1 || f.operators > 200 || f.speed <= 0 || f.leads < 1 {
				return usageError{errors.New("--operators is 1 to 200, --speed above 0, --leads at least 1")}
			}
			return runDemo(cmd, f)
		},
	}
	fs := cmd.Flags()
	fs.DurationVar(&f.duration, "duration", 0, "stop after this long (default: until interrupted)")
	fs.BoolVar(&f.noBrowser, "no-browser", false, "do not open a browser")
	fs.Uint64Var(&f.seed, "seed", 1, "of everything random about the people")
	fs.Float64Var(&f.speed, "speed", 1, "divides people's times; not the protocol, the audio, ring timeouts, retry gaps or the law's 2 seconds")
	fs.IntVar(&f.operators, "operators", 12, "simulated operators")
	fs.IntVar(&f.leads, "leads", 6000, "sample leads")
	fs.BoolVar(&f.json, "json", false, "print the result as one JSON object, last on standard output")
	fs.StringVar(&f.carrierLog, "carrier-log", "", "file for what the far ends saw and heard, one JSON object a line")
	fs.StringVar(&f.data, "data", "", "folder to keep the store and recordings in (default: a temporary one)")
	fs.StringVar(&f.http, "http", "127.0.0.1:8080", "address of the page and the API; the next free port where it is taken")
	fs.StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn, error")
	return cmd
}

// demoRun is one demo while it runs.
type demoRun struct {
	flags   demoFlags
	out     io.Writer
	log     *zap.Logger
	journal *journal
	carrier *carrier.Carrier
	app     *app.App
	people  []operators.Credential
	watch   *app.Watch
	started time.Time
}

func runDemo(cmd *cobra.Command, f demoFlags) (err error) {
	log, err := newLogger(f.logLevel)
	if err != nil {
		return usageError{err}
	}
	d := &demoRun{flags: f, out: cmd.OutOrStdout(), log: log, watch: app.NewWatch()}
	cleanUp, err := d.open(cmd.Context())
	if err != nil {
		return err
	}
	defer cleanUp()
	return d.run(cmd.Context())
}

// open makes the far end, the product and its sample data.
func (d *demoRun) open(ctx context.Context) (cleanUp func(), err error) {
	dir, cleanUp, err := demoFolder(d.flags.data)
	if err != nil {
		return nil, err
	}
	if d.journal, err = newJournal(d.flags.carrierLog); err != nil {
		return nil, usageError{err}
	}
	if d.carrier, err = carrier.New(carrier.Config{Seed: d.flags.seed, Speed: d.flags.speed, Log: d.journal}); err != nil {
		return nil, err
	}
	cfg, err := demoConfig(dir, d.carrier.Addr(), freeAddress(d.flags.http))
	if err != nil {
		return nil, err
	}
	if d.people, err = seedDemo(ctx, cfg, d.flags); err != nil {
		return nil, err
	}
	d.app, err = app.Open(ctx, cfg, app.Options{Version: version, Log: d.log, Observer: d.watch})
	return cleanUp, err
}

func demoFolder(named string) (dir string, cleanUp func(), err error) {
	if named != "" {
		return named, func() {}, os.MkdirAll(named, 0o750)
	}
	dir, err = os.MkdirTemp("", "outpace-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// freeAddress is the wanted address, or one with a free port where another
// process has it.
func freeAddress(wanted string) string {
	l, err := net.Listen("tcp", wanted)
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return wanted
}

// demoYAML pins everything to loopback, in the words of a configuration file.
const demoYAML = `
data_dir: %q
http: {listen: %q}
admin: {listen: %q}
trunk_signalling: {listen: [{transport: udp, address: "127.0.0.1:0"}, {transport: tcp, address: "127.0.0.1:0"}]}
phones: {listen: [{transport: udp, address: "127.0.0.1:0"}, {transport: tcp, address: "127.0.0.1:0"}]}
media: {address: 127.0.0.1, ports: {any: true}}
engine: {phone_networks: [127.0.0.0/8]}
drain: {timeout: 40s}
trunks:
  - name: simulated
    targets: [{address: %q, transport: udp}]
    caller_ids: [%q, %q]
    asserted_identity: true
    max_cps: 50
    max_channels: 1000
    options_interval: 5s
    media_networks: [127.0.0.0/8]
`

func demoConfig(dir, carrierAddr, httpAddr string) (config.Config, error) {
	text := fmt.Sprintf(demoYAML, dir, httpAddr, freeAddress("127.0.0.1:9090"), carrierAddr, demoCallerIDs[0], demoCallerIDs[1])
	return config.Parse("demo", []byte(text), nil)
}

// run plays the demo until its time is over, drains, and reports.
func (d *demoRun) run(ctx context.Context) error {
	carrierCtx, stopCarrier := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCarrier()
	peopleCtx, stopPeople := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPeople()
	productCtx, stopProduct := context.WithCancel(context.WithoutCancel(ctx))
	defer stopProduct()

	var line, people errgroup.Group
	line.Go(func() error { return d.carrier.Run(carrierCtx) })
	productDone := make(chan error, 1)
	go func() { productDone <- d.app.Run(productCtx, context.WithoutCancel(ctx)) }()
	select {
	case <-d.app.Ready():
	case err := <-productDone:
		return errors.Join(err, errors.New("the product did not start"))
	}
	room, err := operators.New(operators.Config{
		API: "http://" + d.app.HTTPAddr(), SIP: d.app.PhonesAddr(), Users: d.people,
		Seed: d.flags.seed, Speed: d.flags.speed, Log: d.journal,
	})
	if err != nil {
		return err
	}
	people.Go(func() error { return room.Run(peopleCtx) })
	d.started = time.Now()
	if err := d.greet(ctx); err != nil {
		return err
	}
	d.wait(ctx, productDone)
	d.watch.Stop(time.Now())
	result, err := d.drained()
	// Far ends outlive what they judge: operators leave while the product is
	// still there, and the carrier sees every BYE.
	stopPeople()
	err = errors.Join(err, people.Wait())
	stopProduct()
	err = errors.Join(err, <-productDone)
	stopCarrier()
	if err := errors.Join(err, line.Wait(), d.journal.Close()); err != nil {
		return err
	}
	if err := result.addFarEnds(d.journal.events()); err != nil {
		return err
	}
	return result.print(d.out, d.flags.json)
}

// drained stops new calls, waits for the talks to end, and reads the outcomes
// while the store is open.
func (d *demoRun) drained() (*demoResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := d.app.Engine().Drain(ctx); err != nil {
		d.log.Warn("talks did not end in time", zap.Error(err))
	}
	return readResult(ctx, d.app.Records(), d.started, d.watch.Utilisation())
}

// wait passes the demo's time; progress goes to standard error.
func (d *demoRun) wait(ctx context.Context, productDone chan error) {
	var over <-chan time.Time
	if d.flags.duration > 0 {
		over = time.After(d.flags.duration)
	}
	bar := newDemoBar(d.flags.duration)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer bar.done()
	for {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case err := <-productDone:
			productDone <- err // finish reads it
			return
		case <-tick.C:
			bar.show(d.watch.Line())
		}
	}
}

// greet prints where to look, with a link that signs in once for the demo.
func (d *demoRun) greet(ctx context.Context) error {
	token, err := app.NewToken(ctx, d.app.Records(), demoManager, 24*time.Hour)
	if err != nil {
		return err
	}
	url := "http://" + d.app.HTTPAddr() + "/#token=" + token
	w := d.out
	if d.flags.json {
		w = os.Stderr // standard output is for the result
	}
	fmt.Fprintf(w, `Outpace demo: a SIMULATION. No real call can leave: the only trunk is on loopback.
  live page  %s
  API        http://%s/api/openapi.json
  metrics    http://%s/metrics
  %d simulated operators, %d sample leads, seed %d, speed %g; Ctrl-C ends it
`, url, d.app.HTTPAddr(), d.app.AdminAddr(), d.flags.operators, d.flags.leads, d.flags.seed, d.flags.speed)
	if !d.flags.noBrowser {
		openBrowser(url)
	}
	return nil
}

// openBrowser tries; a machine without one has the printed link.
func openBrowser(url string) {
	name := map[string]string{"darwin": "open", "linux": "xdg-open"}[runtime.GOOS]
	if path, err := exec.LookPath(name); name != "" && err == nil {
		cmd := exec.Command(path, url)
		if cmd.Start() == nil {
			go cmd.Wait() //nolint:errcheck // ends with the browser
		}
	}
}
