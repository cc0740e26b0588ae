package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// webPhone is JsSIP in a headless Chromium, whose microphone is the operator's tone.
type webPhone struct {
	t      *testing.T
	orders io.WriteCloser

	mu   sync.Mutex
	said []string
	more chan struct{} // closed and made anew with each line
	at   int           // lines looked at
}

// openWebPhone opens the page and lets it register; it is closed with the test.
func openWebPhone(t *testing.T, base, user string) *webPhone {
	t.Helper()
	if _, err := os.Stat(filepath.Join(consoleDir, "node_modules/jssip")); err != nil {
		t.Fatalf("%v: npm ci", err)
	}
	microphone := filepath.Join(t.TempDir(), "tone.wav")
	writeWAV(t, microphone, tone(operatorHz, 60_000))
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	cmd := consoleScript(ctx, "sip.mjs", "OUTPACE_URL="+base, "OUTPACE_USER="+user, "OUTPACE_PASSWORD="+sipPassword(user), "OUTPACE_MICROPHONE="+microphone)
	var faults strings.Builder
	cmd.Stderr = &faults
	w := &webPhone{t: t, more: make(chan struct{})}
	var err error
	w.orders, err = cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var reader sync.WaitGroup
	reader.Go(func() { w.read(out) })
	t.Cleanup(func() {
		defer cancel()
		_ = w.orders.Close()
		reader.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the phone's page: %v\n%s", err, &faults)
		}
	})
	return w
}

func (w *webPhone) read(out io.Reader) {
	in := bufio.NewScanner(out)
	for in.Scan() {
		w.mu.Lock()
		w.said = append(w.said, in.Text())
		close(w.more)
		w.more = make(chan struct{})
		w.mu.Unlock()
	}
}

// order tells the page to do something.
func (w *webPhone) order(format string, args ...any) {
	w.t.Helper()
	_, err := fmt.Fprintf(w.orders, format+"\n", args...)
	must(w.t, err)
}

// await waits for the next line that begins so.
func (w *webPhone) await(begins string) {
	w.t.Helper()
	over := time.After(90 * time.Second)
	for {
		w.mu.Lock()
		said, more := w.said, w.more
		w.mu.Unlock()
		for ; w.at < len(said); w.at++ {
			if strings.HasPrefix(said[w.at], begins) {
				w.at++
				return
			}
		}
		select {
		case <-more:
		case <-over:
			w.t.Fatalf("the phone's page did not say %q; it said %q", begins, said)
		}
	}
}

// withWebSocket lets phones register over WebSocket at a product that does not run yet.
func (p *product) withWebSocket(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(p.config)
	must(t, err)
	plain := "phones:\n  listen:\n"
	if !strings.Contains(string(text), plain) {
		t.Fatalf("the configuration has no %q", plain)
	}
	must(t, os.WriteFile(p.config, []byte(strings.Replace(string(text), plain, "phones:\n  websocket: {enabled: true}\n  listen:\n", 1)), 0o600))
}

// TestSIPOverWebSocket has an operator work with a phone that knows nothing of us: JsSIP
// in Chromium registers over /sip, is called, and talks; then it calls in itself. Tones
// say that both hear each other. In the talk it renews its session, once with a new way
// of its audio: it stays the same call.
func TestSIPOverWebSocket(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	far := newCustomer(t, operatorHz)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedCampaign(t, s, campaigns.Campaign{ID: "web", Trunks: "line", Detection: "before"}, "+9997780021", "+9997780022")
	})
	p.withWebSocket(t)
	p.serve(t)
	d := p.sitDown(t, "anna")
	phone := openWebPhone(t, "http://"+p.http, "anna")
	await := func(state string) view {
		t.Helper()
		v, err := d.await(t.Context(), state, 30*time.Second)
		must(t, err)
		return v
	}
	talk := func() view {
		t.Helper()
		began := time.Now()
		call := await("talking")
		far.await(t, "the customer", operatorHz, began)
		phone.order("hear %d", customerHz)
		phone.await("heard")
		return call
	}

	phone.await("registered")
	must(t, d.ask(t.Context(), "on-duty", nil))
	phone.await("up")
	await("paused")
	must(t, d.ask(t.Context(), "ready", nil))
	call := talk()
	for _, how := range []string{"plain", "ice"} {
		phone.order("renew %s", how)
		phone.await("renewed " + how)
		far.await(t, "the customer", operatorHz, time.Now())
		phone.order("hear %d", customerHz)
		phone.await("heard")
	}
	if v := d.state(t); v.State != "talking" || v.Attempt != call.Attempt || v.Phone.Kind != "sip" || !v.Phone.OnLeg {
		t.Errorf("after the renewals: %+v", v)
	}
	must(t, d.ask(t.Context(), "pause", map[string]string{"reason": "lunch"}))
	must(t, d.ask(t.Context(), "hangup", nil))
	await("wrapping")
	must(t, d.ask(t.Context(), "disposition", map[string]string{"disposition": "sale"}))
	await("paused")
	must(t, d.ask(t.Context(), "off-duty", nil))
	phone.await("ended by remote")
	await("offline")

	phone.order("call *14711")
	phone.await("up")
	await("paused")
	phone.order("press *2")
	talk()
	phone.order("press *4")
	await("wrapping")
	phone.order("press 1")
	await("ready")
	phone.order("hangup")
	await("lost")
	phone.order("unregister")
	phone.await("unregistered")
}

// TestSIPOverSecureWebSocket has the same phone come by HTTPS, under a certificate that
// the product has made: it registers and opens its leg itself.
func TestSIPOverSecureWebSocket(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	far := newCustomer(t, operatorHz)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedCampaign(t, s, campaigns.Campaign{ID: "web", Trunks: "line", Detection: "before"}, "+9997780023")
	})
	p.withWebSocket(t)
	p.env = append(p.env, "OUTPACE_HTTP__TLS__SELF_SIGNED=true")
	p.serve(t)
	phone := openWebPhone(t, "https://"+p.http, "anna")
	phone.await("registered")
	p.wantMetric(t, 5*time.Second, "dialer_sip_registrations", 1)
	phone.order("call *14711")
	phone.await("up")
	began := time.Now()
	phone.order("press *2")
	far.await(t, "the customer", operatorHz, began)
	phone.order("hear %d", customerHz)
	phone.await("heard")
	phone.order("press *4")
	phone.order("press 1")
	phone.order("press *0")
	phone.await("ended by remote")
}
