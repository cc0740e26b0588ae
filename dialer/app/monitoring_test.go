package app

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/calibration"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/oidc"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/media/webrtc"
	"github.com/outpace-dialer/outpace/sip/figures"
	"github.com/outpace-dialer/outpace/sip/trunk"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

const monitoring = "../../config/examples/monitoring"

// series are the labels that each series of the product has, by its name.
type series map[string]map[string]bool

func (s series) add(name string, labels ...string) {
	if s[name] == nil {
		s[name] = map[string]bool{"job": true, "instance": true} // Prometheus adds them
	}
	for _, l := range labels {
		s[name][l] = true
	}
}

// labels are those of a series; a histogram has three, of which one has le.
func (s series) labels(name string) (map[string]bool, bool) {
	if labels, ok := s[name]; ok {
		return labels, true
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if of, ok := strings.CutSuffix(name, part); ok && !strings.HasSuffix(of, "_total") && s[of] != nil {
			labels := map[string]bool{"le": part == "_bucket"}
			for l := range s[of] {
				labels[l] = true
			}
			return labels, true
		}
	}
	return nil, false
}

var described = regexp.MustCompile(`fqName: "([^"]*)".* variableLabels: \{([^}]*)\}`)

// described adds what every product registers.
func (s series) described(t *testing.T, m *metrics.Metrics) {
	t.Helper()
	all := make(chan *prometheus.Desc)
	go func() { // ends when all are read
		defer close(all)
		m.Describe(all)
	}()
	for d := range all {
		found := described.FindStringSubmatch(d.String())
		if found == nil {
			t.Fatalf("not understood: %s", d)
		}
		s.add(found[1], strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' })...)
	}
}

// sampled adds what rooms told.
func (s series) sampled(all []metrics.Sample) {
	for _, m := range all {
		var labels []string
		for i := 0; i < len(m.Labels); i += 2 {
			labels = append(labels, m.Labels[i])
		}
		s.add("dialer_"+m.Name, labels...)
	}
}

// everything is all that products with everything in their configuration tell: one with
// its store here, and one on Redis.
func everything(t *testing.T) series {
	t.Helper()
	known := series{}
	known.add("up") // Prometheus itself
	here, _ := start(t, settings(t, "127.0.0.1:1"))
	known.sampled(here.samples())
	known.described(t, here.metrics)

	cfg := onRedis(t, redistest.Start(t).URL(), "a")
	cfg.OIDC = oidc.Config{Issuer: "http://127.0.0.1:1", ClientID: "outpace", URL: "http://127.0.0.1:1"}
	cfg.Phones.Browser = webrtc.Config{Enabled: true, Listen: "127.0.0.1:0"}
	cfg.Trunks[0].Register.Enabled, cfg.Trunks[0].Username = true, "outpace"
	there, _ := start(t, cfg)
	outbox, _ := campaigns.As[campaigns.Outbox](there.store)
	if _, err := outbox.SaveEndpoint(t.Context(), campaigns.Endpoint{ID: "crm", URL: "https://127.0.0.1:1", Secrets: []campaigns.Secret{{Text: webhook.NewSecret()}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := there.store.SaveCampaign(t.Context(), campaigns.Campaign{ID: "spring", State: campaigns.Running, Trunks: "default", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	there.detection.book.Add(calibration.Sample{At: time.Now(), Campaign: "spring", Trunk: "simulated"})
	eventually.So(t, patience, "the engine has the campaign", func() bool {
		known.sampled(there.samples())
		return known["dialer_leads"] != nil
	})
	// What wants a call, and an authority that certifies.
	known.sampled(figureSamples([]trunk.Figures{{
		Trunk: "simulated", Figures: figures.Figures{Codes: []figures.Code{{Code: 486, Calls: 1}}}, CallerIDs: []trunk.CallerFigures{{Place: 1}},
	}}))
	known.sampled((&certifier{hosts: []*certifiedHost{{name: "dialer.example.com"}}}).samples(time.Now()))
	known.sampled(certificateSamples([]config.CertificateFile{{Key: "phones.tls.certificate", Path: certificateFile(t, time.Now())}}, time.Now()))
	return known
}

// question is an expression of a rule or a panel.
type question struct {
	where, expression string
	labels            []string // that its texts show
}

var (
	inAlert  = regexp.MustCompile(`\$labels\.(\w+)`)
	inLegend = regexp.MustCompile(`\{\{(\w+)\}\}`)
	choice   = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
)

func named(in *regexp.Regexp, texts ...string) (labels []string) {
	for _, m := range in.FindAllStringSubmatch(strings.Join(texts, " "), -1) {
		labels = append(labels, m[1])
	}
	return labels
}

func content(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func alerts(t *testing.T) (all []question) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Summary, Description string }
			}
		}
	}
	if err := yaml.Unmarshal(content(t, "alerts.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, question{r.Alert, r.Expr, named(inAlert, r.Annotations.Summary, r.Annotations.Description)})
		}
	}
	return all
}

func panels(t *testing.T) (all []question) {
	t.Helper()
	var board struct {
		Templating struct {
			List []struct{ Name, Definition string }
		}
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(content(t, "grafana.json"), &board); err != nil {
		t.Fatal(err)
	}
	for _, v := range board.Templating.List {
		if v.Definition == "" { // the data source
			continue
		}
		m := choice.FindStringSubmatch(v.Definition)
		if m == nil {
			t.Fatalf("variable %s: %q is not understood", v.Name, v.Definition)
		}
		all = append(all, question{"variable " + v.Name, m[1], m[2:]})
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			all = append(all, question{p.Title, target.Expr, named(inLegend, target.LegendFormat)})
		}
	}
	return all
}

// values are what a label may be, of those that rules and panels choose by.
func values() map[string][]string {
	all := map[string][]string{
		"job": {"outpace"}, "campaign": {"$campaign"}, "le": {"0.03"},
		"result": {string(campaigns.Abandoned), string(campaigns.Connected), "error", "given_up", "dropped", "lost"},
		"state":  {"dialable", "held"},
	}
	for _, b := range dialer.Bounds {
		all["bound"] = append(all["bound"], string(b))
	}
	for _, s := range []operator.State{operator.Offline, operator.Ready, operator.Reserved, operator.Talking, operator.Wrapping, operator.Lost} {
		all["state"] = append(all["state"], string(s))
	}
	return all
}

// Alert rules and the dashboard ask for what the product tells, by its names and labels.
func TestMonitoringAsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	known, chosen := everything(t), values()
	asked := slices.Concat(alerts(t), panels(t))
	if len(asked) < 80 {
		t.Errorf("only %d expressions were found", len(asked))
	}
	for _, s := range asked {
		r := read(s.expression)
		if len(r.metrics) == 0 {
			t.Errorf("%s: no metric in %s", s.where, s.expression)
		}
		for _, m := range r.metrics {
			labels, ok := known.labels(m.name)
			if !ok {
				t.Errorf("%s: nothing is called %s", s.where, m.name)
				continue
			}
			for label, value := range m.values {
				if !labels[label] {
					t.Errorf("%s: %s has no label %s", s.where, m.name, label)
				}
				for v := range strings.SplitSeq(value, "|") {
					if !slices.Contains(chosen[label], v) {
						t.Errorf("%s: %s is never %q", s.where, label, v)
					}
				}
			}
			for _, label := range r.joined {
				if !labels[label] && (label != "le" || strings.HasSuffix(m.name, "_bucket")) {
					t.Errorf("%s: %s is joined by %s, which it has not", s.where, m.name, label)
				}
			}
		}
		for _, label := range s.labels {
			if !r.kept(label, known) {
				t.Errorf("%s: the text shows %s, which the result has not", s.where, label)
			}
		}
	}
}

// The alert on lost packets counts calls up to a bucket that there is.
func TestLossHasItsBucket(t *testing.T) {
	m := metrics.New("test")
	leg := campaigns.LegAudio{Received: 1}
	m.Notice(dialer.CallEnded{Trunk: "simulated", Ending: campaigns.Ending{AnsweredAt: time.Now(), Audio: &campaigns.Audio{Customer: &leg, Operator: &leg}}})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{`dialer_audio_loss_ratio_bucket{trunk="simulated",le="0.03"} 1`, `dialer_audio_operator_loss_ratio_bucket{kind="phone",le="0.03"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
