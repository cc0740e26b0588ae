package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/tool"
)

const consoleDir = "../../dialer/console"

// needsConsole leaves a test out where a browser, Node.js or the built console is not
// there, or fails it where they are required.
func needsConsole(t *testing.T) {
	t.Helper()
	tool.Path(t, "node", "the pages in a browser")
	tool.Path(t, "chromium", "the pages in a browser")
	for _, file := range []string{"node_modules/playwright-core", "dist/index.html"} {
		if _, err := os.Stat(filepath.Join(consoleDir, file)); err == nil {
			continue
		}
		tool.Missing(t, "the console is not built (make build): its pages are not tested")
	}
}

// browse runs a script of the console's tests; it drives the pages in a headless
// browser, and fails where they do not do what they should.
func browse(t *testing.T, script string, limit time.Duration, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), axeTakes(limit))
	defer cancel()
	out, err := consoleScript(ctx, script, env...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	t.Logf("%s: %s", script, out)
}

// consoleScript is a script of the console's tests, not started.
func consoleScript(ctx context.Context, script string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Dir = filepath.Join(consoleDir, "test")
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// axeTakes is a limit, longer where every state is judged in every dress.
func axeTakes(limit time.Duration) time.Duration {
	if os.Getenv("OUTPACE_AXE") == "all" {
		return 4 * limit
	}
	return limit
}

const deskScript = `# Greeting
Good day, my name is {operator}. Am I speaking with {name}?

# Offer
A fifth less.`

// TestConsole has an operator work at the built pages in a browser, with a headset: calls
// are taken, outcomes given by keyboard, a call back promised, the page loaded again in
// mid-call. The microphone and the customers are tones, heard at the other end. What came
// of it is looked up in the store.
func TestConsole(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	far, journal := personsOnly(t, 10*time.Minute) // operators end the calls
	var link, manageLink, annsLink string
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "ann", "")
		seedCampaign(t, s, campaigns.Campaign{
			ID: "spring", Trunks: "line", Detection: "before", Script: deskScript, Recording: campaigns.RecordAlways, Wrap: campaigns.Wrap{Timeout: 10 * time.Minute}, ManualDial: true,
		}, "+9997790001", "+9997790002", "+9997790003", "+9997790004", "+9997790005", "+9997790006", "+9997790007")
		var err error
		link, err = app.NewLink(t.Context(), s, manager, time.Hour)
		must(t, err)
		manageLink, err = app.NewLink(t.Context(), s, manager, time.Hour)
		must(t, err)
		annsLink, err = app.NewLink(t.Context(), s, "ann", time.Hour)
		must(t, err)
	})
	p.serve(t)
	checkPage(t, p)
	microphone := filepath.Join(t.TempDir(), "tone.wav")
	writeWAV(t, microphone, tone(operatorHz, 60_000))
	browse(t, "desk.mjs", 8*time.Minute, "OUTPACE_URL=http://"+p.http, "OUTPACE_USER=ann", "OUTPACE_PASSWORD="+apiPassword("ann"), "OUTPACE_MICROPHONE="+microphone)
	boss := p.signIn(t, manager, managerPassword)
	must(t, boss.do(t.Context(), http.MethodPatch, "/api/v1/campaigns/spring/pacing", map[string]string{"mode": "preview"}, nil))
	browse(t, "preview.mjs", 4*time.Minute, "OUTPACE_LINK=http://"+p.http+"/desk#link="+annsLink, "OUTPACE_MICROPHONE="+microphone)
	browse(t, "live.mjs", 3*time.Minute, "OUTPACE_LINK=http://"+p.http+"/live#link="+link)
	browse(t, "manage.mjs", 4*time.Minute, "OUTPACE_LINK=http://"+p.http+"/live#link="+manageLink)

	said := map[string]campaigns.Attempt{}
	eventually(t, 10*time.Second, "five calls with their outcomes", func() (bool, any) {
		n := 0
		for _, a := range boss.attempts(t, "spring") { // newest first
			if a.Disposition != "" {
				said[a.Disposition] = a
				n++
			}
		}
		return n == 5, said
	})
	for disposition, note := range map[string]string{
		"sale": "wants the fast one", "not_interested": "no money", "callback": "ask again about the router and the box", "no_decision": "",
	} {
		if a := said[disposition]; a.Note != note || a.DisposedBy != "ann" {
			t.Errorf("%s: note %q by %q, want %q by ann", disposition, a.Note, a.DisposedBy, note)
		}
	}
	checkCallback(t, boss, said["callback"].Lead)
	p.stop(t)
	if n := journal.count(t, "first_tone"); n < 4 || n > 5 { // the last is let go at once
		t.Errorf("%d customers heard the operator's tone, want 4 and perhaps a fifth", n)
	}
	journal.noFaults(t)
}

// checkPage wants the built page, under its policy.
func checkPage(t *testing.T, p *product) {
	t.Helper()
	resp, err := http.Get("http://" + p.http + "/desk")
	must(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	must(t, err)
	if !strings.Contains(string(page), "/assets/") {
		t.Fatalf("the binary was built without the console: make build\n%s", page)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("content security policy %q", policy)
	}
}

// checkCallback wants a call promised for half past ten tomorrow, by the clock of the
// lead.
func checkCallback(t *testing.T, boss *client, lead campaigns.LeadID) {
	t.Helper()
	var detail struct {
		Lead    campaigns.Lead    `json:"lead"`
		Entries []campaigns.Entry `json:"entries"`
	}
	must(t, boss.do(t.Context(), http.MethodGet, fmt.Sprint("/api/v1/leads/", lead), nil, &detail))
	zone, err := time.LoadLocation(detail.Lead.Numbers[0].Zones[0])
	must(t, err)
	if len(detail.Entries) != 1 || detail.Entries[0].Callback == nil {
		t.Fatalf("entries %+v, want a call promised", detail.Entries)
	}
	if at := detail.Entries[0].DueAt.In(zone); at.Format("15:04") != "10:30" || at.Before(time.Now()) {
		t.Errorf("promised for %v, want half past ten of a day to come", at)
	}
}
