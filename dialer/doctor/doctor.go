// Package doctor looks at a configuration on the machine that it is for, and says
// what would keep the product from working there: each finding with its cause and
// what to do next.
//
// It changes nothing that lasts, works beside a running product, whose ports are
// then in use, and calls nobody unless it is given a number. It is no monitor: it
// looks once.
//
//	Config ─► Examine ─► one check after the other ─► Finding
//	                         │ given a number
//	                         └─► test call: tones out, tones back
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/config"
)

// Verdict is how bad a finding is.
type Verdict string

// The verdicts. Warn works, but not as well or not for long.
const (
	OK   Verdict = "ok"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
)

// The checks, in the order in which they are made.
const (
	CheckRules        = "rules"
	CheckZones        = "zones"
	CheckPorts        = "ports"
	CheckFiles        = "files"
	CheckStore        = "store"
	CheckCertificates = "certificates"
	CheckBrowser      = "browser"
	CheckSignIn       = "sign-in"
	CheckNames        = "names"
	CheckTrunk        = "trunk"
	CheckRegistration = "registration"
	CheckNAT          = "nat"
	CheckClock        = "clock"
	CheckCall         = "call"
)

// Finding is what one look found.
type Finding struct {
	Check   string  `json:"check"`   // one of the Check constants
	Subject string  `json:"subject"` // what was looked at
	Verdict Verdict `json:"verdict"`
	Cause   string  `json:"cause"`          // what is so
	Next    string  `json:"next,omitempty"` // what to do; empty where nothing is to be done
	// Figures are what was measured: names end in their unit.
	Figures map[string]float64 `json:"figures,omitempty"`
}

// Options are what to look at besides the configuration.
type Options struct {
	Trunk string // only this carrier; empty: all
	Call  string // E.164 number of a test call; empty: nobody is called
	Page  string // https address at which browsers reach the pages; empty: not looked at

	StoreFile string // of SQLite; empty: the store is elsewhere

	Tell func(Finding) // hears of each finding at once; may be nil
}

// examination is one run.
type examination struct {
	cfg config.Config
	Options
	began   time.Time
	found   []Finding
	owners  map[string]int // processes of sockets, by inode
	product int            // process id of a running product, 0: none seen
}

// Examine makes all checks. It takes some seconds for each server that does not
// answer, and about 15 s for a test call.
func Examine(ctx context.Context, cfg config.Config, o Options) []Finding {
	e := &examination{cfg: cfg, Options: o, began: time.Now()}
	e.checkRules()
	e.checkZones()
	e.checkPorts()
	e.checkFiles()
	e.checkStore(ctx)
	e.checkCertificates(ctx)
	e.checkBrowser(ctx)
	e.checkSignIn(ctx)
	e.checkTrunks(ctx)
	e.checkSteps()
	return e.found
}

// Worst is the worst verdict among findings.
func Worst(all []Finding) Verdict {
	worst := OK
	for _, f := range all {
		if f.Verdict == Fail || worst == OK {
			worst = f.Verdict
		}
	}
	return worst
}

func (e *examination) tell(f Finding) {
	e.found = append(e.found, f)
	if e.Tell != nil {
		e.Tell(f)
	}
}

func (e *examination) ok(check, subject, format string, args ...any) {
	e.tell(Finding{Check: check, Subject: subject, Verdict: OK, Cause: fmt.Sprintf(format, args...)})
}

func (e *examination) warn(check, subject, next, format string, args ...any) {
	e.tell(Finding{Check: check, Subject: subject, Verdict: Warn, Next: next, Cause: fmt.Sprintf(format, args...)})
}

func (e *examination) fail(check, subject, next, format string, args ...any) {
	e.tell(Finding{Check: check, Subject: subject, Verdict: Fail, Next: next, Cause: fmt.Sprintf(format, args...)})
}

// milliseconds is a duration as a figure.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
