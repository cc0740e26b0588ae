package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/tool"
)

// peopleOfTheDay are two in each of four countries, so that at any hour, on any day of
// the week, there are two who may be called.
const peopleOfTheDay = `external_id,name,phone,country
1,Sato,+81 3 5555 0101,JP
2,Ito,+81 3 5555 0102,JP
3,Devi,+91 22 5555 0101,IN
4,Rao,+91 22 5555 0102,IN
5,Smith,+44 20 7946 0101,GB
6,Jones,+44 20 7946 0102,GB
7,Garcia,+1 213 555 0101,US
8,Miller,+1 213 555 0102,US
`

// compileClient checks the types of the client that is made from the API's description
// and returns it as a script, beside the libraries of the console.
func compileClient(t *testing.T) string {
	t.Helper()
	tool.Path(t, "node", "a client of the API")
	console, err := filepath.Abs(consoleDir)
	must(t, err)
	modules := filepath.Join(console, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "openapi-fetch")); err != nil {
		tool.Missing(t, "the console's libraries are not installed (make build): a client of the API is not tested")
	}
	dir := t.TempDir()
	must(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	must(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type": "module"}`), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	compile := exec.CommandContext(ctx, "node", filepath.Join(modules, "typescript", "bin", "tsc"), "-p", filepath.Join(console, "test"), "--outDir", dir)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("the client does not fit the API's description: %v\n%s", err, out)
	}
	return filepath.Join(dir, "test", "client.js")
}

// dayTold is what the client says of its day.
type dayTold struct {
	Sale, Callback campaigns.AttemptID
	RecordingBytes int
}

// TestOpenAPIClient has a manager import a list, run a campaign and read what came of it,
// and an operator work a shift, by a program that knows the API from its description
// alone. curl reads the event stream beside it, once to the end and once with a break;
// a receiver is told by webhooks.
func TestOpenAPIClient(t *testing.T) {
	tool.Path(t, "curl", "event streams read by it")
	script := compileClient(t)
	t.Parallel()
	far := newLine(t)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) { seedOperator(t, s, "anna", "") })
	p.env = append(p.env, "OUTPACE_WEBHOOKS__ALLOW=[127.0.0.0/8]", "OUTPACE_WEBHOOKS__ALLOW_HTTP=true")
	p.serve(t)
	boss, anna := p.signIn(t, manager, managerPassword), p.signIn(t, "anna", apiPassword("anna"))
	phone := newSoftphone(t, p, "anna")
	phoneSpeaks(t, phone)
	told := newReceiver(t)
	told.subscribe(t, boss)

	whole := anna.curl(t, "operator,phone", "")
	broken := anna.curl(t, "operator,phone", "")
	floor := boss.curl(t, "live", "")
	for _, c := range []*curl{whole, broken, floor} {
		c.await(t, "the present state", func(m streamed) bool { return m.Kind == "snapshot" })
	}

	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	day := exec.CommandContext(ctx, "node", script)
	day.Env = append(os.Environ(), "OUTPACE_URL=http://"+p.http, "OUTPACE_LIST="+peopleOfTheDay, "OUTPACE_CALLER_ID="+callerID,
		"OUTPACE_MANAGER="+manager, "OUTPACE_MANAGER_PASSWORD="+managerPassword, "OUTPACE_OPERATOR_PASSWORD="+apiPassword("anna"))
	var faults strings.Builder
	day.Stderr = &faults
	ended := make(chan error, 1)
	var said []byte
	go func() { // ends with the program
		var err error
		said, err = day.Output()
		ended <- err
	}()

	broken.await(t, "the first talk", inState("talking"))
	broken.stop()
	whole.await(t, "the second talk", inState("wrapping"), inState("talking"))
	rest := anna.curl(t, "operator,phone", broken.lastID())
	if err := <-ended; err != nil {
		t.Fatalf("the client: %v\n%s", err, &faults)
	}
	var result dayTold
	must(t, json.Unmarshal(said, &result))
	t.Logf("the day came to %s", said)

	whole.await(t, "the end of the shift", inState("wrapping"), inState("offline"))
	rest.await(t, "the end of the shift, after the break", inState("wrapping"), inState("offline"))
	want, got := whole.deltas(), append(broken.deltas(), rest.deltas()...)
	if !slices.Equal(got, want) {
		t.Errorf("with a break:\n%s\nwithout:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	floor.await(t, "the floor shows the campaign that dials", func(m streamed) bool {
		return slices.ContainsFunc(m.Data.Campaigns, func(c floorCampaign) bool { return c.ID == "day" && c.State == "running" })
	})
	checkTold(t, told, boss, result)
}

// phoneSpeaks has an operator's phone speak on each leg.
func phoneSpeaks(t *testing.T, s *softphone) {
	t.Helper()
	stop := make(chan struct{})
	done := make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	go func() { // ends with the test
		defer close(done)
		for {
			select {
			case c := <-s.legs:
				speak("anna", annaHz, c)
			case <-stop:
				return
			}
		}
	}()
}

// checkTold wants what the receiver was told of both leads: in order, once each, signed;
// and, told again, under the same id.
func checkTold(t *testing.T, r *receiver, boss *client, day dayTold) {
	t.Helper()
	wanted := map[campaigns.AttemptID][]string{
		day.Sale:     {"call.finished", "lead.dispositioned"},
		day.Callback: {"call.finished", "lead.dispositioned", "callback.scheduled"},
	}
	for attempt, types := range wanted {
		eventually(t, 30*time.Second, fmt.Sprintf("told of %s", attempt), func() (bool, any) {
			got := r.typesOf(attempt)
			return slices.Equal(got, types), got
		})
	}
	again := r.idOf(day.Sale, "call.finished")
	must(t, boss.do(t.Context(), http.MethodPost, "/api/v1/webhooks/receiver/deliveries/"+again+"/resend", nil, nil))
	eventually(t, 30*time.Second, "told again under the same id", func() (bool, any) {
		n := r.timesTold(again)
		return n == 2, n
	})
	if got := r.typesOf(day.Sale); !slices.Equal(got, wanted[day.Sale]) {
		t.Errorf("with a repetition that is seen as one: %q, want %q", got, wanted[day.Sale])
	}
	if faults := r.faulty(); len(faults) > 0 {
		t.Errorf("deliveries that are not right: %q", faults)
	}
}
