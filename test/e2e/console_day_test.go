package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

const dayScript = `# Greeting
Good day, my name is {operator}. Am I speaking with {name}?
- Nobody of that name -> Close
- Yes -> Offer

# Offer
A fifth less.

# Close
Thank you.`

const dayObjections = `! Too dear
What do you pay today?`

// TestConsoleDay has an operator take ten calls at the built page, by keyboard: the whole
// way from signing in to going off duty. Customers of the simulated carrier hear the
// operator's tone and answer with theirs, which the page hears, in each of them.
func TestConsoleDay(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	far, journal := personsOnly(t, 10*time.Minute) // operators end the calls
	crm := newCRM(t)
	numbers := make([]string, 10)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("+99977910%02d", i)
	}
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "ann", "")
		seedOperator(t, s, "bert", "")
		seedCampaign(t, s, campaigns.Campaign{
			ID: "day", Operators: []campaigns.UserID{"ann"}, Trunks: "line", Detection: "before", Script: dayScript, Wrap: campaigns.Wrap{Timeout: 10 * time.Minute},
			Segments:        []campaigns.Segment{{Name: "all", Objections: dayObjections}},
			TransferNumbers: []string{lawyerNumber},
			Form: []campaigns.FormField{
				{Name: "contract until", Label: "Contract until", Kind: campaigns.DateField, RequiredFor: []string{"sale"}},
				{Name: "supplier", Label: "Supplier", Kind: campaigns.ChoiceField, Choices: []string{"None", "Other"}},
			},
			CRM: campaigns.CRM{URL: crm.URL + "/pop?phone={phone}&id={external_id}", Auto: true},
		}, numbers...)
		seedCampaign(t, s, campaigns.Campaign{ID: "idle", Operators: []campaigns.UserID{"bert"}, Trunks: "line"}) // nobody to call: bert waits
	})
	p.serve(t)
	bert, handset := p.sitDown(t, "bert"), newSoftphone(t, p, "bert")
	must(t, bert.ask(t.Context(), "on-duty", map[string]string{"campaign": "idle"}))
	bertHears := speak("bert", bertHz, handset.takeLeg(t))
	for _, to := range []string{"paused", "ready"} {
		if to == "ready" {
			must(t, bert.ask(t.Context(), "ready", nil))
		}
		_, err := bert.await(t.Context(), to, 15*time.Second)
		must(t, err)
	}
	microphone := filepath.Join(t.TempDir(), "tone.wav")
	writeWAV(t, microphone, tone(operatorHz, 60_000))

	began := time.Now()
	page := stage(t, "day.mjs", 8*time.Minute, "OUTPACE_URL=http://"+p.http, "OUTPACE_USER=ann", "OUTPACE_PASSWORD="+apiPassword("ann"),
		"OUTPACE_MICROPHONE="+microphone, "OUTPACE_OUTSIDE="+lawyerNumber)
	var waited time.Duration
	page.at(t, "reload", func() { waited = -cpuWaits() })
	page.at(t, "back", func() { waited += cpuWaits() })
	page.at(t, "consulting", func() {
		eventually(t, 15*time.Second, "somebody outside hears the operator", func() (bool, any) {
			heard := whoHeard(t, journal)
			return heard[lawyerNumber], heard
		})
	})
	page.at(t, "asked", func() { bertHears.hears(t, operatorHz) })
	page.at(t, "handed", func() { bertHears.hears(t, customerHz) })
	page.end(t)
	t.Logf("the day took %v", time.Since(began).Round(time.Millisecond))
	checkReload(t, page.said.String(), waited)
	must(t, bert.ask(t.Context(), "hangup", nil))
	must(t, bert.ask(t.Context(), "disposition", map[string]string{"disposition": "wrong_number"}))

	boss := p.signIn(t, manager, managerPassword)
	checkDay(t, boss)
	crm.check(t, numbers)
	p.stop(t)
	for _, number := range append(numbers, lawyerNumber) {
		if !whoHeard(t, journal)[number] {
			t.Errorf("%s did not hear the operator", number)
		}
	}
	journal.noFaults(t)
}

// checkDay wants what the operators said in the store.
func checkDay(t *testing.T, boss *client) {
	t.Helper()
	want := map[string]int{"sale": 1, "not_interested": 4, "no_decision": 2, "callback": 1, "do_not_call": 1, "wrong_number": 1}
	leads := map[string]campaigns.LeadID{}
	eventually(t, 15*time.Second, "ten calls with their outcomes", func() (bool, any) {
		said := map[string]int{}
		for _, a := range boss.attempts(t, "day") {
			said[a.Disposition]++
			leads[a.Disposition+": "+a.Note] = a.Lead
		}
		return maps.Equal(said, want), said
	})
	checkCallback(t, boss, leads["callback: "])
	for said, fields := range map[string]map[string]string{
		"sale: wants the fast one":          {"contract until": "2027-01-31", "supplier": "Other"},
		"no_decision: ask about the router": {"contract until": "2028-01-31"},
	} {
		var detail struct {
			Lead campaigns.Lead `json:"lead"`
		}
		must(t, boss.do(t.Context(), http.MethodGet, fmt.Sprint("/api/v1/leads/", leads[said]), nil, &detail))
		if !maps.Equal(detail.Lead.Fields, fields) {
			t.Errorf("%s: fields %v, want %v", said, detail.Lead.Fields, fields)
		}
	}
}

var audioBack = regexp.MustCompile(`audio back after ([0-9]+) ms`)

// checkReload wants audio back in time; waited is for how long something waited for a
// processor meanwhile.
func checkReload(t *testing.T, said string, waited time.Duration) {
	t.Helper()
	m := audioBack.FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("nothing is said of the reload:\n%s", said)
	}
	ms, err := strconv.Atoi(m[1])
	must(t, err)
	back := time.Duration(ms) * time.Millisecond
	t.Logf("page loaded again: audio is back after %v; something waited for a processor for %v", back, waited)
	if back > backWithin+waited {
		t.Errorf("audio is back after %v, want %v; something waited for a processor for %v", back, backWithin, waited)
	}
}

var someWaited = regexp.MustCompile(`some .*total=([0-9]+)`)

// cpuWaits is for how long something on this machine has waited for a processor: Linux
// counts it where it is told to; 0 elsewhere.
func cpuWaits() time.Duration {
	text, err := os.ReadFile("/proc/pressure/cpu")
	m := someWaited.FindSubmatch(text)
	if err != nil || m == nil {
		return 0
	}
	microseconds, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(microseconds) * time.Microsecond
}

// whoHeard are the numbers at which the operator was heard.
func whoHeard(t *testing.T, j *journal) map[string]bool {
	t.Helper()
	numbers, heard := map[string]string{}, map[string]bool{}
	for _, e := range j.events(t) {
		switch e.Event {
		case "invite":
			numbers[e.Call] = "+" + strings.TrimPrefix(e.Number, "+")
		case "first_tone":
			heard[numbers[e.Call]] = true
		}
	}
	return heard
}

// crmPages is the system of somebody else: it notes how it was asked.
type crmPages struct {
	*httptest.Server
	mu    sync.Mutex
	asked []url.Values
}

func newCRM(t *testing.T) *crmPages {
	c := &crmPages{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.URL.Path == "/pop" {
			c.asked = append(c.asked, r.URL.Query())
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// check wants that each person's page was asked for, once, with no number in full.
func (c *crmPages) check(t *testing.T, numbers []string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := map[string]bool{}
	for _, q := range c.asked {
		ids[q.Get("id")] = true
		if !strings.Contains(q.Get("phone"), "***") {
			t.Errorf("the CRM was given %q, want a masked number", q)
		}
	}
	if len(c.asked) != len(numbers) || len(ids) != len(numbers) {
		t.Errorf("the CRM was asked %d times for %d people, want %d", len(c.asked), len(ids), len(numbers))
	}
}
