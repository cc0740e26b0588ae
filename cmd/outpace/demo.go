package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
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
	modes      []string
	callbacks  demoCallbacks
}

func newDemoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use: "demo", Short: "Run the whole product on loopback with a simulated carrier and operators", Args: cobra.NoArgs,
		Long: `Run the whole product on loopback: the embedded store, a simulated carrier over
real SIP and RTP, simulated operators with real phones, and leads in every UTC
offset. Nothing can leave this machine: the only trunk is the simulated one.

With several --mode one product for each runs at the same time, with its own
store, carrier and operators from the same seed, and what they came to is shown
side by side.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.operators < 1 || f.operators > 200 || f.speed <= 0 || f.leads < 0 {
				return usageError{errors.New("--operators is 1 to 200, --speed above 0, --leads 0 or more")}
			}
			if err := f.callbacks.check(); err != nil {
				return usageError{err}
			}
			modes, err := parseModes(f.modes)
			if err != nil {
				return usageError{err}
			}
			if f.leads == 0 {
				f.leads = f.enoughLeads()
			}
			return runDemo(cmd, f, modes)
		},
	}
	fs := cmd.Flags()
	fs.DurationVar(&f.duration, "duration", 0, "stop after this long (default: until interrupted)")
	fs.BoolVar(&f.noBrowser, "no-browser", false, "do not open a browser")
	fs.Uint64Var(&f.seed, "seed", 1, "of everything random about the people")
	fs.Float64Var(&f.speed, "speed", 1, "divides people's times; not the protocol, the audio, ring timeouts, retry gaps or the law's 2 seconds")
	fs.IntVar(&f.operators, "operators", 12, "simulated operators")
	fs.IntVar(&f.leads, "leads", 0, "sample leads (default: enough for the duration, at least 6000)")
	fs.StringSliceVar(&f.modes, "mode", []string{"predictive"}, "how the campaign is paced: predictive, progressive, ratio=2; several are compared")
	f.callbacks.flags(fs)
	fs.BoolVar(&f.json, "json", false, "print the result as one JSON object, last on standard output")
	fs.StringVar(&f.carrierLog, "carrier-log", "", "file for what the far ends saw and heard, one JSON object a line")
	fs.StringVar(&f.data, "data", "", "folder to keep the store and recordings in (default: a temporary one)")
	fs.StringVar(&f.http, "http", "127.0.0.1:8080", "address of the page and the API; the next free port where it is taken")
	fs.StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn, error")
	return cmd
}

// demoRun is one product of the demo, with the people around it.
type demoRun struct {
	flags   demoFlags
	mode    demoMode
	log     *zap.Logger
	journal *journal
	carrier *carrier.Carrier
	app     *app.App
	people  []operators.Credential
	guest   operators.Credential // a person who sits down among them
	watch   *app.Watch
	started time.Time
	cleanUp func()

	// Far ends outlive what they judge, so that each is stopped by itself.
	stopPeople, stopProduct, stopCarrier func()
	working, line                        errgroup.Group
	productDone                          chan error
}

// open makes the far end, the product and its sample data.
func (d *demoRun) open(ctx context.Context) (err error) {
	var dir string
	if dir, d.cleanUp, err = demoFolder(d.flags.data); err != nil {
		return err
	}
	if d.journal, err = newJournal(d.flags.carrierLog); err != nil {
		return usageError{err}
	}
	if d.carrier, err = carrier.New(carrier.Config{Seed: d.flags.seed, Speed: d.flags.speed, CallsBack: d.flags.callbacks.people(), Log: d.journal}); err != nil {
		return err
	}
	cfg, err := demoConfig(dir, d.carrier.Addr(), freeAddress(d.flags.http))
	if err != nil {
		return err
	}
	if d.people, d.guest, err = seedDemo(ctx, cfg, d.flags, d.mode); err != nil {
		return err
	}
	o := app.Options{Version: version, Log: d.log, Observer: d.watch}
	d.app, err = app.Open(ctx, cfg, o)
	if errors.Is(err, syscall.EADDRINUSE) { // free a moment ago
		cfg.HTTP.Listen, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
		d.app, err = app.Open(ctx, cfg, o)
	}
	return err
}

func demoFolder(named string) (dir string, cleanUp func(), err error) {
	if named != "" {
		return named, func() {}, os.MkdirAll(named, 0o700)
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
phones: {listen: [{transport: udp, address: "127.0.0.1:0"}, {transport: tcp, address: "127.0.0.1:0"}], browser: {enabled: true, listen: "127.0.0.1:0"}}
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
    inbound: {numbers: [%[5]q, %[6]q]}
`

func demoConfig(dir, carrierAddr, httpAddr string) (config.Config, error) {
	text := fmt.Sprintf(demoYAML, dir, httpAddr, freeAddress("127.0.0.1:9090"), carrierAddr, demoCallerIDs[0], demoCallerIDs[1])
	return config.Parse("demo", []byte(text), nil)
}

// start runs the product and the people around it. over is called when the
// product ends, whether it was to or not.
func (d *demoRun) start(ctx context.Context, over func()) error {
	ctx = context.WithoutCancel(ctx)
	carrierCtx, stopCarrier := context.WithCancel(ctx)
	productCtx, stopProduct := context.WithCancel(ctx)
	peopleCtx, stopPeople := context.WithCancel(ctx)
	d.stopCarrier, d.stopProduct, d.stopPeople = stopCarrier, stopProduct, stopPeople

	d.line.Go(func() error { return d.carrier.Run(carrierCtx) })
	d.productDone = make(chan error, 1)
	go func() {
		d.productDone <- d.app.Run(productCtx, ctx)
		over()
	}()
	select {
	case <-d.app.Ready():
	case err := <-d.productDone:
		d.productDone <- nil // stop waits for it
		return errors.Join(err, errors.New("the product did not start"))
	}
	room, err := operators.New(operators.Config{
		API: "http://" + d.app.HTTPAddr(), SIP: d.app.PhonesAddr(), Users: d.people,
		Seed: d.flags.seed, Speed: d.flags.speed, Log: d.journal,
	})
	if err != nil {
		return err
	}
	d.working.Go(func() error { return room.Run(peopleCtx) })
	d.started = time.Now()
	return nil
}

// finish drains, has everybody leave, and says what it came to.
func (d *demoRun) finish() (*demoResult, error) {
	d.watch.Stop(time.Now())
	result, err := d.drained()
	// Operators leave while the product is still there, and the carrier sees
	// every BYE.
	if err = errors.Join(err, d.stop()); err != nil {
		return nil, err
	}
	return result, result.addFarEnds(d.journal.events())
}

// stop ends whoever runs, and waits for them.
func (d *demoRun) stop() error {
	d.stopPeople()
	err := d.working.Wait()
	d.stopProduct()
	err = errors.Join(err, <-d.productDone)
	d.stopCarrier()
	return errors.Join(err, d.line.Wait(), d.journal.Close())
}

// drained stops new calls, waits for the talks to end, and reads the outcomes
// while the store is open.
func (d *demoRun) drained() (*demoResult, error) {
	drain, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := d.app.Engine().Drain(drain); err != nil {
		d.log.Warn("talks did not end in time", zap.Error(err))
	}
	// Talks that go on are counted as open: their time is over, not that of the store.
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	result, err := readResult(ctx, d.app.Records(), d.started, d.watch.Utilisation(time.Now()))
	if err != nil {
		return nil, err
	}
	result.Mode = d.mode.name
	return result, nil
}

// link signs a user in at a page of a host, once.
func (d *demoRun) link(ctx context.Context, user campaigns.UserID, host, page string) (string, error) {
	code, err := app.NewLink(ctx, d.app.Records(), user, 24*time.Hour)
	_, port, splitErr := net.SplitHostPort(d.app.HTTPAddr())
	return "http://" + net.JoinHostPort(host, port) + page + "#link=" + code, errors.Join(err, splitErr)
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
