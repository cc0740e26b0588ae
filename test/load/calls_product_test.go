package load

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/testbed"
)

const (
	listID     = "load"
	campaignID = "load"
	callerID   = "+9995550001"
)

// product is the product in a process of its own.
type product struct {
	tb      testing.TB
	dir     string
	admin   string
	http    string
	phones  string
	cmd     *exec.Cmd
	orders  *json.Encoder
	answers *json.Decoder
	done    func()
}

// setting is what the measurements set of the product.
type setting struct {
	cps      float64 // of the trunk
	channels int
	hopper   int // leads held; 0 is the default

	recording campaigns.RecordingPolicy // default never
	operators []string
}

// password is that of every operator, phonePassword that of their phones.
const password, phonePassword = "a password of operators", "a password of phones"

const configText = `
data_dir: %q
http: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
trunk_signalling:
  listen: [{transport: udp, address: "127.0.0.1:0"}, {transport: tcp, address: "127.0.0.1:0"}]
phones:
  listen: [{transport: udp, address: "127.0.0.1:0"}]
media:
  address: 127.0.0.1
  ports: {any: true}
engine: {hopper_size: %d, phone_networks: [127.0.0.0/8]}
drain: {timeout: 1s}
trunks:
  - name: load
    targets: [{address: %q}]
    caller_ids: [%q]
    max_cps: %g
    max_channels: %d
    media_networks: ["127.0.0.0/8"]
    options_interval: -1s
`

// startProduct runs the product with a campaign that dials the far end. It is gone with
// the test.
func startProduct(tb testing.TB, far *farEnd, s setting) *product {
	tb.Helper()
	p := &product{tb: tb, dir: tb.TempDir()}
	path := filepath.Join(p.dir, "outpace.yaml")
	text := fmt.Sprintf(configText, p.dir, s.hopper, far.address, callerID, s.cps, s.channels)
	must(tb, os.WriteFile(path, []byte(text), 0o600))
	p.seed(path, s)
	p.cmd = exec.Command(os.Args[0], "-test.run=^TestProductProcess$", "-test.timeout=0")
	p.cmd.Env = append(testbed.Environment(), productEnv+"="+path)
	stdin, err := p.cmd.StdinPipe()
	must(tb, err)
	out, in, err := os.Pipe()
	must(tb, err)
	output, err := os.Create(filepath.Join(p.dir, "process.log"))
	must(tb, err)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.ExtraFiles = output, output, []*os.File{in}
	must(tb, p.cmd.Start())
	in.Close()
	p.orders, p.answers = json.NewEncoder(stdin), json.NewDecoder(out)
	p.done = func() {
		p.done = func() {}
		stdin.Close()
		if err := p.cmd.Wait(); err != nil && p.cmd.ProcessState.ExitCode() >= 0 { // else we killed it
			tb.Errorf("the product's process: %v\n%s", err, p.written("process.log"))
		}
		out.Close()
		output.Close()
	}
	tb.Cleanup(func() {
		p.done()
		if tb.Failed() {
			tb.Logf("log of the product:\n%s", p.written("serve.log"))
		}
	})
	first := p.read()
	p.admin, p.http, p.phones = first.Admin, first.HTTP, first.Phones
	return p
}

// seed makes a list and a campaign that dials it.
func (p *product) seed(path string, with setting) {
	p.tb.Helper()
	ctx, now := context.Background(), time.Now()
	cfg, err := config.Load(path, nil)
	must(p.tb, err)
	s, err := app.OpenStore(ctx, cfg)
	must(p.tb, err)
	defer s.Close()
	must(p.tb, s.SaveList(ctx, campaigns.List{ID: listID, Name: "load", Source: "made up", ConsentBasis: "fictitious", Verified: true, CreatedAt: now}))
	c := campaigns.Campaign{
		ID: campaignID, Name: "load", State: campaigns.Running, Lists: []campaigns.ListID{listID}, CreatedAt: now,
		Trunks: "default", CallerIDs: []string{callerID}, Dispositions: campaigns.DefaultDispositions(), SafeHarbor: media.PromptSafeHarbor, Recording: cmp.Or(with.recording, campaigns.RecordNever),
		Pacing: campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.03},
	}
	must(p.tb, c.Validate())
	_, err = s.SaveCampaign(ctx, c)
	must(p.tb, err)
	for _, name := range with.operators {
		must(p.tb, app.AddUser(ctx, s, app.NewUser{ID: campaigns.UserID(name), Name: name, Role: campaigns.RoleOperator, Password: password, PhonePassword: phonePassword}))
	}
}

func (p *product) read() answer {
	p.tb.Helper()
	var a answer
	if err := p.answers.Decode(&a); err != nil {
		p.tb.Fatalf("the product's process is gone: %v\n%s", err, p.written("process.log"))
	}
	if a.Error != "" {
		p.tb.Fatal(a.Error)
	}
	return a
}

// do has an order carried out.
func (p *product) do(o order) answer {
	p.tb.Helper()
	if o.Within == 0 {
		o.Within = 5*time.Minute + time.Duration(o.Calls)*50*time.Millisecond
	}
	must(p.tb, p.orders.Encode(o))
	return p.read()
}

// dial places calls, at most so many of them in flight, and waits until they have ended.
func (p *product) dial(calls, atOnce int) answer {
	p.tb.Helper()
	return p.do(order{Calls: calls, AtOnce: atOnce, Until: "ended", Figures: true})
}

// written is the end of a file of the product.
func (p *product) written(name string) string {
	b, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// tables are what the product's rooms hold now, by series.
func (p *product) tables() map[string]float64 {
	p.tb.Helper()
	resp, err := http.Get("http://" + p.admin + "/metrics")
	must(p.tb, err)
	defer resp.Body.Close()
	all := map[string]float64{}
	in := bufio.NewScanner(resp.Body)
	for in.Scan() {
		name, value, ok := strings.Cut(in.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = v
		}
	}
	must(p.tb, in.Err())
	return all
}
