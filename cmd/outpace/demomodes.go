package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// demoMode is how one product of the demo is paced.
type demoMode struct {
	name  string // as it was asked for: "ratio=2"
	mode  campaigns.PacingMode
	ratio float64
}

// parseModes reads "predictive", "progressive" and "ratio=2".
func parseModes(names []string) ([]demoMode, error) {
	var modes []demoMode
	for _, name := range names {
		m, err := parseMode(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(modes, m) {
			return nil, fmt.Errorf("--mode %s is there twice", name)
		}
		modes = append(modes, m)
	}
	if len(modes) == 0 {
		return nil, errors.New("--mode needs predictive, progressive or ratio=2")
	}
	return modes, nil
}

func parseMode(name string) (demoMode, error) {
	word, number, given := strings.Cut(name, "=")
	switch m := campaigns.PacingMode(word); {
	case (m == campaigns.Predictive || m == campaigns.Progressive) && !given:
		return demoMode{name: name, mode: m}, nil
	case m == campaigns.Ratio && given:
		ratio, err := strconv.ParseFloat(number, 64)
		if err != nil || !(ratio >= 1 && ratio <= 20) {
			return demoMode{}, fmt.Errorf("--mode %s: the ratio is a number from 1 to 20", name)
		}
		return demoMode{name: name, mode: m, ratio: ratio}, nil
	}
	return demoMode{}, fmt.Errorf("--mode %s is none of predictive, progressive, ratio=2", name)
}

// leadsPerOperatorSecond is how many leads a busy floor of the demo's people
// needs: a talk and wrap-up of a minute and a quarter, one answer in five dials,
// a third of the leads open.
const leadsPerOperatorSecond = 5.0 * 3 / 75

// enoughLeads is how many do not run dry before the demo is over.
func (f demoFlags) enoughLeads() int {
	used := leadsPerOperatorSecond * float64(f.operators) * f.speed * f.duration.Seconds()
	return max(6000, int(1.5*used))
}

// forMode gives a mode's files names of their own, where there are several.
func (f demoFlags) forMode(m demoMode, alone bool) demoFlags {
	if alone {
		return f
	}
	if f.data != "" {
		f.data = filepath.Join(f.data, m.name)
	}
	if f.carrierLog != "" {
		ext := filepath.Ext(f.carrierLog)
		f.carrierLog = strings.TrimSuffix(f.carrierLog, ext) + "." + m.name + ext
	}
	return f
}

// demoFloor is the whole demo: a product for each mode, all under the same load.
type demoFloor struct {
	flags demoFlags
	out   io.Writer
	runs  []*demoRun
}

func runDemo(cmd *cobra.Command, f demoFlags, modes []demoMode) error {
	log, err := newLogger(f.logLevel)
	if err != nil {
		return usageError{err}
	}
	d := &demoFloor{flags: f, out: cmd.OutOrStdout()}
	for _, m := range modes {
		run := &demoRun{flags: f.forMode(m, len(modes) == 1), mode: m, log: log, watch: app.NewWatch(), cleanUp: func() {}}
		defer func() { run.cleanUp() }()
		if err := run.open(cmd.Context()); err != nil {
			return err
		}
		d.runs = append(d.runs, run)
	}
	return d.run(cmd.Context())
}

// run plays the demo until its time is over, drains, and reports.
func (d *demoFloor) run(ctx context.Context) error {
	playing, over := context.WithCancel(ctx)
	defer over()
	for i, r := range d.runs {
		if err := r.start(ctx, over); err != nil {
			return errors.Join(err, stopAll(d.runs[:i+1]))
		}
	}
	if err := d.greet(ctx); err != nil {
		return errors.Join(err, stopAll(d.runs))
	}
	d.wait(playing)
	results := make([]*demoResult, len(d.runs))
	var finishing errgroup.Group
	for i, r := range d.runs {
		finishing.Go(func() (err error) {
			results[i], err = r.finish()
			return err
		})
	}
	if err := finishing.Wait(); err != nil {
		return err
	}
	return d.report(results)
}

func stopAll(runs []*demoRun) error {
	var all []error
	for _, r := range runs {
		all = append(all, r.stop())
	}
	return errors.Join(all...)
}

// wait passes the demo's time; progress goes to standard error.
func (d *demoFloor) wait(ctx context.Context) {
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
		case <-tick.C:
			bar.show(d.line())
		}
	}
}

// line is one line of progress.
func (d *demoFloor) line() string {
	if len(d.runs) == 1 {
		return d.runs[0].watch.Line()
	}
	var lines []string
	for _, r := range d.runs {
		lines = append(lines, fmt.Sprintf("%s %.0f %% busy", r.mode.name, 100*r.watch.Utilisation(time.Now())))
	}
	return strings.Join(lines, ", ")
}

// greet prints where to look.
func (d *demoFloor) greet(ctx context.Context) error {
	w := d.out
	if d.flags.json {
		w = os.Stderr // standard output is for the result
	}
	fmt.Fprintln(w, "Outpace demo: a SIMULATION. No real call can leave: the only trunk is on loopback.")
	for _, r := range d.runs {
		url, err := r.link(ctx, demoManager, "127.0.0.1", "/live")
		if err != nil {
			return err
		}
		// A browser has one session for each name of a host: with two names, both links do
		// in one browser.
		desk, err := r.link(ctx, demoGuest, "localhost", "/desk")
		if err != nil {
			return err
		}
		if len(d.runs) > 1 {
			fmt.Fprintln(w, r.mode.name)
		}
		fmt.Fprintf(w, `  live page  %s
  sit down as an operator, with a headset  %s
  or with a SIP phone that answers by itself: user %s, password %s, registrar %s
  (each link signs in once)
  API        http://%s/api/openapi.json
  metrics    http://%s/metrics
`, url, desk, demoGuest, r.guest.SIPPassword, r.app.PhonesAddr(), r.app.HTTPAddr(), r.app.AdminAddr())
		if !d.flags.noBrowser {
			openBrowser(url)
		}
	}
	f := d.flags
	_, err := fmt.Fprintf(w, `  %d simulated operators, %d sample leads, seed %d, speed %g; Ctrl-C ends it
  %g %% of the simulated people who miss a call or get nobody call back, after %v on average (--callbacks, --callback-after)
`, f.operators, f.leads, f.seed, f.speed, 100*f.callbacks.share, f.callbacks.after)
	return err
}

// report prints what it came to: one mode as it is, several side by side.
func (d *demoFloor) report(results []*demoResult) error {
	switch {
	case len(results) == 1:
		return results[0].print(d.out, d.flags.json)
	case d.flags.json:
		return json.NewEncoder(d.out).Encode(struct {
			Modes []*demoResult `json:"modes"`
		}{results})
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "mode\tutilisation\tabandonment\tabandoned\tlive\tbridged\tattempts\t\n")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.1f %%\t%.2f %%\t%d\t%d\t%d\t%d\t\n",
			r.Mode, 100*r.Utilisation, 100*r.Abandonment, r.Abandoned, r.Live, r.Bridged, r.Attempts)
	}
	return w.Flush()
}
