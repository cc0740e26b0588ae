package e2e

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/tool"
)

// customerHz is the tone that customers talk in.
const customerHz = 700

// sippRow is one way a carrier may take a call. Each has a sipp, a trunk, a
// campaign, a lead and an operator of its own.
type sippRow struct {
	name    string
	steps   []step
	trunk   string // further keys of the trunk
	detect  bool   // listen for a person; else the answer alone connects
	outcome campaigns.Outcome
	talks   bool          // an operator gets the call
	hangup  bool          // and ends it
	tone    bool          // and hears the customer's tone
	invites int           // INVITE transactions; 0 means one
	within  time.Duration // default 25 s
	files   map[string][]byte
}

// ourBye is the end of a call that the dialer hangs up.
var ourBye = received("BYE") + okay()

// cancelled is a CANCEL that succeeds.
var cancelled = received("CANCEL") + message(false, "SIP/2.0 200 OK", "Via:[$via]", "From:[$from]", "To:[$to];tag=a", "Call-ID: [call_id]", "CSeq: [$cseq] CANCEL", noBody)

// trunkPassword is what the carrier of the row digest asks for.
const trunkPassword = "secret of the trunk"

const unansweredRing = "ring_timeout: 15s" // the least that the law allows

var sippRows = []sippRow{
	{name: "answer", detect: true, outcome: campaigns.Connected, talks: true, hangup: true, tone: true,
		steps: []step{invited(""), ringing(), pause(300), accept("a"), received("ACK"), play("hello.ul"), ourBye}},
	{name: "busy", outcome: campaigns.Busy,
		steps: []step{invited(""), answer("486 Busy Here", "a", noBody), received("ACK")}},
	{name: "unavailable", outcome: campaigns.NoAnswer,
		steps: []step{invited(""), answer("480 Temporarily Unavailable", "a", noBody), received("ACK")}},
	{name: "congestion", outcome: campaigns.Congestion,
		steps: []step{invited(""), answer("503 Service Unavailable", "a", "Retry-After: 60", noBody), received("ACK")}},
	{name: "no-answer", outcome: campaigns.NoAnswer, trunk: unansweredRing, within: 40 * time.Second,
		steps: []step{invited(""), ringing(), cancelled, answer("487 Request Terminated", "a", noBody), received("ACK")}},
	{name: "digest", outcome: campaigns.Connected, talks: true, hangup: true, invites: 2, trunk: "username: outpace\n    password: " + trunkPassword,
		steps: []step{
			invited(""),
			answer("407 Proxy Authentication Required", "a", `Proxy-Authenticate: Digest realm="carrier", nonce="8f2c", algorithm=MD5, qop="auth"`, noBody),
			// The second INVITE and the ACK may overtake each other.
			`<recv request="ACK" optional="true" next="acked"/>`, invited(""), `<recv request="ACK" next="both"/>`,
			`<label id="acked"/>`, invited(""),
			`<label id="both"/>`, accept("b"), received("ACK"), ourBye,
		}},
	{name: "late-answer", outcome: campaigns.Abandoned, trunk: unansweredRing, within: 40 * time.Second,
		steps: []step{invited(""), ringing(), cancelled, accept("a"), received("ACK"), ourBye}},
	{name: "two-answers", outcome: campaigns.Connected, talks: true, hangup: true,
		steps: []step{
			invited(""), ringing(), accept("a"), received("ACK"), pause(200),
			accept("b"), received("ACK"), ourBye, // the second one is ended at once
			ourBye, // and the first by the operator
		}},
	{name: "early-media", detect: true, outcome: campaigns.Connected, talks: true, hangup: true, tone: true,
		steps: []step{
			invited(""), answer("183 Session Progress", "a", sippContact, session("sendrecv", 1)), play("ringback.ul"), pause(3000),
			accept("a"), received("ACK"), play("hello.ul"), ourBye,
		}},
	{name: "far-end-bye", outcome: campaigns.Connected, talks: true,
		steps: []step{invited(""), ringing(), accept("a"), received("ACK"), pause(1500), request("BYE", 7001, noBody), `<recv response="200"/>`}},
	// F-15: the carrier sends no BYE, and no audio any more. Ours comes within 30 s of it.
	{name: "f15-audio-stops", detect: true, outcome: campaigns.Connected, talks: true, within: 40 * time.Second,
		files: map[string][]byte{"short.ul": encoded(hello(), quiet(1500), tone(customerHz, 2000))},
		steps: []step{invited(""), ringing(), accept("a"), received("ACK"), play("short.ul"), ourBye}},
	{name: "hold", outcome: campaigns.Connected, talks: true, hangup: true,
		steps: []step{
			invited(""), ringing(), accept("a"), received("ACK"), pause(200),
			reinvite(7001, "sendonly", "recvonly"), pause(500), reinvite(7002, "sendrecv", "sendrecv"), ourBye,
		}},
}

// TestSippAsCarrier has sipp take calls in every way that carriers have, over UDP
// and over TCP.
//
// What Debian's sipp cannot do: it has one audio port per process that it does
// not listen to, so that it cannot say whether the customer hears the operator,
// and no TLS. test/carrier has a port for each call and hears; TLS to the trunk
// is not part of the product yet.
func TestSippAsCarrier(t *testing.T) {
	tool.Path(t, "sipp", "calls to it")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			sippAsCarrier(t, transport)
		})
	}
}

func sippAsCarrier(t *testing.T, transport string) {
	rows := append(slices.Clone(sippRows), redirectRow(t))
	runs := make([]*sippRun, len(rows))
	trunks := ""
	for i, row := range rows {
		runs[i] = newSippRun(t, row, transport)
		text := trunkText(row.name, runs[i].address, row.trunk+"\n    options_interval: -1s")
		trunks += strings.Replace(text, `"}]`, `", transport: `+transport+`}]`, 1)
	}
	p := newProduct(t, trunks, func(s app.Store) {
		for i, run := range runs {
			run.seed(t, s, i)
		}
	})
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)
	// All rows run at once: two of them wait for the law's 15 seconds of ringing.
	for _, run := range runs {
		run.start(t, p)
	}
	for _, run := range runs {
		t.Run(run.name, func(t *testing.T) { run.check(t, boss) })
	}
	p.wantMetric(t, 10*time.Second, `dialer_sip_legs{agent="trunk"}`, 0)
	p.wantMetric(t, 10*time.Second, `dialer_sip_late_answers_total{agent="trunk"}`, 1)
	p.stop(t) // while the phones are there
}

// redirectRow sends the caller to a socket that must not be called.
func redirectRow(t *testing.T) sippRow {
	elsewhere, err := net.ListenPacket("udp4", "127.0.0.1:0")
	must(t, err)
	var datagrams atomic.Int32
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		for b := make([]byte, 2048); ; datagrams.Add(1) {
			if _, _, err := elsewhere.ReadFrom(b); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		elsewhere.Close()
		<-done
		if n := datagrams.Load(); n > 0 {
			t.Errorf("a redirect was followed: %d datagrams at its target", n)
		}
	})
	contact := fmt.Sprintf("Contact: <sip:+9995559999@%s>", elsewhere.LocalAddr())
	return sippRow{name: "redirect", outcome: campaigns.Redirected,
		steps: []step{invited(""), answer("302 Moved Temporarily", "a", contact, noBody), received("ACK")}}
}

// sippRun is a row while it runs.
type sippRun struct {
	sippRow
	dir      string
	address  string
	cmd      *exec.Cmd
	output   bytes.Buffer
	exit     chan error
	operator chan error
	heard    chan struct{} // closed with the customer's tone
}

func newSippRun(t *testing.T, row sippRow, transport string) *sippRun {
	r := &sippRun{sippRow: row, dir: t.TempDir(), exit: make(chan error, 1), operator: make(chan error, 1), heard: make(chan struct{})}
	if r.within == 0 {
		r.within = 25 * time.Second
	}
	port := freePort(t)
	r.address = fmt.Sprintf("127.0.0.1:%d", port)
	write := func(name string, b []byte) { must(t, os.WriteFile(filepath.Join(r.dir, name), b, 0o600)) }
	write("scenario.xml", []byte(scenario(row.steps...)))
	write("hello.ul", encoded(hello(), quiet(1500), tone(customerHz, 20_000)))
	write("ringback.ul", encoded(tone(425, 1000), quiet(4000)))
	for name, b := range row.files {
		write(name, b)
	}
	r.cmd = exec.Command("sipp", "-sf", "scenario.xml", "-t", map[string]string{"udp": "u1", "tcp": "t1"}[transport], "-i", "127.0.0.1", "-p", fmt.Sprint(port), "-mi", "127.0.0.1", "-m", "1", "-nostdin",
		"-timeout", "70", "-timeout_error", "-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log")
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = r.dir, &r.output, &r.output
	r.cmd.Env = append(os.Environ(), "TERM=dumb")
	must(t, r.cmd.Start())
	go func() { r.exit <- r.cmd.Wait() }()
	t.Cleanup(func() { _ = r.cmd.Process.Kill() }) // it has ended where the row is good
	return r
}

func (r *sippRun) user() string { return "op-" + r.name }

func (r *sippRun) seed(t *testing.T, s app.Store, i int) {
	detection := "off"
	if r.detect {
		detection = "before"
	}
	seedOperator(t, s, r.user(), "")
	seedCampaign(t, s, campaigns.Campaign{
		ID: campaigns.CampaignID(r.name), Trunks: r.name, Detection: detection, Operators: []campaigns.UserID{campaigns.UserID(r.user())},
	}, fmt.Sprintf("+999777%04d", i))
}

// start brings the operator of the row to work.
func (r *sippRun) start(t *testing.T, p *product) {
	ear := newSoftphone(t, p, r.user())
	d := p.sitDown(t, r.user())
	ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
	t.Cleanup(cancel)
	must(t, d.ask(ctx, "on-duty", nil))
	ear.takeLeg(t).Audio.Listen(r.listen())
	if _, err := d.await(ctx, "paused", 10*time.Second); err != nil {
		t.Fatal(err)
	}
	must(t, d.ask(ctx, "ready", nil))
	go func() { r.operator <- r.work(ctx, d) }() // ends with ctx at the latest
}

// listen closes heard with the customer's tone.
func (r *sippRun) listen() func(*phone.Packet) {
	return hears(customerHz, sync.OnceFunc(func() { close(r.heard) }))
}

// work is the operator's part of the row.
func (r *sippRun) work(ctx context.Context, d *desk) error {
	if !r.talks {
		return nil
	}
	v, err := d.await(ctx, "talking", r.within)
	if err != nil {
		return err
	}
	if r.tone {
		select {
		case <-r.heard:
		case <-time.After(10 * time.Second):
			return fmt.Errorf("the operator did not hear the customer's tone")
		}
	}
	if r.hangup {
		if err := sleep(ctx, 2*time.Second); err != nil {
			return err
		}
		if err := d.ask(ctx, "hangup", nil); err != nil {
			return err
		}
	}
	if _, err := d.await(ctx, "wrapping", r.within); err != nil {
		return err
	}
	return d.ask(ctx, "disposition", map[string]any{"attempt": v.Attempt, "disposition": "sale"})
}

// sleep is how long somebody talks.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// check judges a row: sipp's own verdict, the outcome that was written, and
// what was on the wire.
func (r *sippRun) check(t *testing.T, boss *client) {
	select {
	case err := <-r.exit:
		if err != nil {
			t.Fatalf("sipp: %v\n%s\n%s", err, r.file("errors.log"), r.file("messages.log"))
		}
	case <-time.After(r.within):
		t.Fatalf("sipp waits for something that does not come\n%s", r.file("messages.log"))
	}
	if err := <-r.operator; err != nil {
		t.Errorf("operator: %v\n%s", err, r.file("messages.log"))
	}
	id := campaigns.CampaignID(r.name)
	eventually(t, 10*time.Second, "one attempt with outcome "+string(r.outcome), func() (bool, any) {
		all := boss.attempts(t, id)
		return len(all) == 1 && all[0].Outcome == r.outcome && (!r.talks || all[0].Disposition == "sale"), all
	})
	want := max(r.invites, 1)
	if got := r.transactions("INVITE"); got != want {
		t.Errorf("%d INVITE transactions on the wire, want %d\n%s", got, want, r.file("messages.log"))
	}
	switch r.name {
	case "two-answers":
		r.checkForks(t)
	case "digest":
		r.checkDigest(t)
	}
}

func (r *sippRun) file(name string) string {
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

var (
	gotMessage = regexp.MustCompile(`(?m)^(?:UDP|TCP) message received \[\d+\] bytes :\s+`)
	branch     = regexp.MustCompile(`(?mi)^Via:.*branch=([^;\s]+)`)
	toTag      = regexp.MustCompile(`(?mi)^To:.*;tag=([^;\s]+)`)
)

// requests are what the dialer sent with a method, as sipp saw it.
func (r *sippRun) requests(method string) []string {
	var all []string
	for _, m := range gotMessage.Split(r.file("messages.log"), -1)[1:] {
		if strings.HasPrefix(m, method+" ") {
			all = append(all, m)
		}
	}
	return all
}

// transactions counts the branches of a method: a message that came twice has
// the same.
func (r *sippRun) transactions(method string) int {
	branches := map[string]bool{}
	for _, m := range r.requests(method) {
		if b := branch.FindStringSubmatch(m); b != nil {
			branches[b[1]] = true
		}
	}
	return len(branches)
}

// checkDigest works out the response to the 407 (RFC 7616 section 3.4.1, MD5),
// which sipp takes unseen.
func (r *sippRun) checkDigest(t *testing.T) {
	invites := r.requests("INVITE")
	last := invites[len(invites)-1]
	header := regexp.MustCompile(`(?m)^Proxy-Authorization: Digest (.*)\r?$`).FindStringSubmatch(last)
	if header == nil {
		t.Fatalf("no credentials in\n%s", last)
	}
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+)="?([^",\r]*)"?`).FindAllStringSubmatch(header[1], -1) {
		got[m[1]] = m[2]
	}
	hash := func(parts ...string) string { return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":")))) }
	want := hash(hash("outpace", "carrier", trunkPassword), "8f2c", got["nc"], got["cnonce"], "auth", hash("INVITE", got["uri"]))
	if got["response"] != want || got["nonce"] != "8f2c" || got["qop"] != "auth" {
		t.Errorf("credentials %v, want the response %s", got, want)
	}
}

// checkForks wants both answers acknowledged, and each of the two dialogs ended
// by a BYE of its own, the second one first.
func (r *sippRun) checkForks(t *testing.T) {
	for _, method := range []string{"ACK", "BYE"} {
		seen := ""
		for _, m := range r.requests(method) {
			if tag := toTag.FindStringSubmatch(m); tag != nil && !strings.Contains(seen, tag[1]) {
				seen += tag[1]
			}
		}
		want := map[string]string{"ACK": "ab", "BYE": "ba"}[method]
		if seen != want {
			t.Errorf("%s for the tags %q in this order, want %q", method, seen, want)
		}
	}
}
