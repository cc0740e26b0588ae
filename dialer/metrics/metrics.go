// Package metrics makes Prometheus series from the engine's notices and from
// the rooms' own figures. Nothing else counts or logs for Prometheus.
//
// Labels are bounded: campaigns, trunks, outcomes, states. Never a lead, a
// number, a call id or an operator's name.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

// Metrics is one registry with every series of the product.
type Metrics struct {
	registry *prometheus.Registry

	attempts, finished, answers, late                 *prometheus.CounterVec
	active                                            *prometheus.GaugeVec
	toBridge, talk, wrap, wait                        *prometheus.HistogramVec
	postDial, setup, toVerdict                        *prometheus.HistogramVec
	verdicts                                          *prometheus.CounterVec
	ratio, ratioTarget, ratioMax, answerChance, limit *prometheus.GaugeVec
	abandonChance, threshold, credit                  *prometheus.GaugeVec
	binds, resting                                    *prometheus.GaugeVec
	restsBroken                                       *prometheus.CounterVec
	decisions                                         *prometheus.CounterVec
	tick                                              prometheus.Histogram
	operators                                         *prometheus.GaugeVec
	skipped, dispositions                             *prometheus.CounterVec
	recordingFailures                                 prometheus.Counter
	inbound                                           inbound
	audio                                             audio

	seen  map[campaigns.UserID]dialer.OperatorView // to leave the old state
	bound map[string]pacing.Bound                  // that is set, by campaign
	paces map[string]*pace                         // by campaign
	live  map[livePhase]prometheus.Gauge           // of active, those that there were

	campaigns, trunks, codes bounded
}

// The most values of a label that people choose; what comes after is "other".
const (
	maxCampaigns = 200
	maxTrunks    = 50
	maxCodes     = 200 // dispositions of all campaigns
	other        = "other"
)

// bounded keeps a label from growing without end. A value that got its own
// series keeps it, so that what is counted up is counted down at one place.
type bounded struct {
	known map[string]struct{}
	limit int
}

func newBounded(limit int) bounded { return bounded{map[string]struct{}{}, limit} }

func (b bounded) label(value string) string {
	if _, ok := b.known[value]; ok {
		return value
	}
	if len(b.known) >= b.limit {
		return other
	}
	b.known[value] = struct{}{}
	return value
}

func (m *Metrics) campaign(id campaigns.CampaignID) string { return m.campaigns.label(string(id)) }

// New returns the series, registered and at zero.
func New(version string) *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := &Metrics{
		registry: r, seen: map[campaigns.UserID]dialer.OperatorView{}, bound: map[string]pacing.Bound{}, paces: map[string]*pace{}, live: map[livePhase]prometheus.Gauge{},
		campaigns: newBounded(maxCampaigns), trunks: newBounded(maxTrunks), codes: newBounded(maxCodes),
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dialer_" + name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dialer_" + name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dialer_" + name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1,
		}, labels)
		r.MustRegister(h)
		return h
	}
	gauge("build_info", "The build that runs; always 1.", "version").WithLabelValues(version).Set(1)

	m.attempts = counter("call_attempts_total", "Attempts whose INVITE left.", "campaign", "trunk")
	m.finished = counter("call_attempts_finished_total", "Attempts that came to an outcome.", "campaign", "trunk", "outcome")
	m.answers = counter("answers_total", "Answered calls by what became of them.", "campaign", "result")
	m.late = counter("connected_late_total", "Abandoned calls whom an operator had after all, too late for the law.", "campaign")
	m.active = gauge("calls_active", "Live calls by phase.", "campaign", "phase")
	m.toBridge = histogram("answer_to_bridge_seconds", "From the answer to the first customer packet at the operator.", []float64{.25, .5, .75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 5, 10}, "campaign")
	m.postDial = histogram("post_dial_delay_seconds", "From the start of an attempt to the first ringing.", []float64{.25, .5, 1, 2, 3, 4, 6, 8, 12, 20}, "trunk")
	m.setup = histogram("call_setup_seconds", "From the start of an attempt to the answer.", []float64{1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 45, 60}, "trunk")
	m.toVerdict = histogram("amd_decision_seconds", "From the answer to the verdict that a person is there.", []float64{.1, .25, .5, .75, 1, 1.5, 2, 2.5, 3, 4, 6, 8}, "campaign")
	m.talk = histogram("talk_seconds", "Length of talks.", []float64{5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 3600}, "campaign")
	m.wrap = histogram("wrap_seconds", "Length of wrap-ups.", []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300}, "campaign")
	m.wait = histogram("operator_wait_seconds", "How long operators were ready before a call.", []float64{.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600}, "campaign")
	m.verdicts = counter("amd_decisions_total", "Who answered, as heard.", "campaign", "verdict")
	m.ratio = gauge("pacing_ratio", "Calls in flight for each ready operator.", "campaign")
	m.ratioTarget = gauge("pacing_ratio_target", "The ratio that pacing wants.", "campaign")
	m.ratioMax = gauge("pacing_ratio_max", "The manager's ceiling of the ratio; 0 is none.", "campaign")
	m.answerChance = gauge("pacing_answer_probability", "Believed chance that the next call is answered by a person.", "campaign")
	m.abandonChance = gauge("pacing_abandon_chance", "Believed chance that the next call, were it placed, would find no operator.", "campaign")
	m.threshold = gauge("pacing_abandon_threshold", "What that chance is held against.", "campaign")
	m.credit = gauge("pacing_credit", "Live answers that may still be abandoned in the tightest window.", "campaign")
	m.binds = gauge("pacing_bound", "1 for what binds the campaign now, 0 for the rest.", "campaign", "bound")
	m.resting = gauge("operators_resting", "Operators who are ready and take no call yet: breath and occupancy.", "campaign")
	m.restsBroken = counter("rests_broken_total", "Operators who were called out of a rest for a person who would have been abandoned.", "campaign")
	m.limit = gauge("campaign_abandonment_limit_ratio", "Abandonment limit in force.", "campaign")
	m.decisions = counter("pacing_decisions_total", "Pacing decisions by what bound them.", "campaign", "bound")
	tick := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "dialer_pacing_tick_seconds", Help: "Time of one pacing decision.", Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10)})
	r.MustRegister(tick)
	m.tick = tick
	m.operators = gauge("operators", "Operators by state.", "campaign", "state")
	m.skipped = counter("leads_skipped_total", "Leads not dialled after all, by rule.", "campaign", "rule")
	m.dispositions = counter("dispositions_total", "Dispositions by code.", "campaign", "disposition")
	failures := prometheus.NewCounter(prometheus.CounterOpts{Name: "dialer_recording_failures_total", Help: "Recordings that ended early."})
	r.MustRegister(failures)
	m.recordingFailures = failures
	m.inbound = newInbound(counter, histogram)
	m.audio = newAudio(histogram, counter)
	return m
}

// Handler serves the series.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Add registers a room's own figures.
func (m *Metrics) Add(c prometheus.Collector) { m.registry.MustRegister(c) }

// Describe tells the names and labels of what New registered, also of series that nothing
// was counted in yet; the rooms' own follow the configuration and are not among them.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) { m.registry.Describe(out) }

// Notice counts a fact. The engine's loop calls it.
func (m *Metrics) Notice(n dialer.Notice) {
	switch n := n.(type) {
	case dialer.AttemptBegan:
		m.attempts.WithLabelValues(m.campaign(n.Campaign), m.trunks.label(n.Trunk)).Inc()
	case dialer.CallChanged:
		m.changed(n)
	case dialer.CallEnded:
		m.ended(n)
	case dialer.OperatorChanged:
		m.operator(n.Operator)
	case dialer.RestBroken:
		m.restsBroken.WithLabelValues(m.campaign(n.Campaign)).Inc()
	case dialer.Paced:
		m.paced(n)
	case dialer.CampaignChanged:
		m.ratioMax.WithLabelValues(m.campaign(n.Campaign.ID)).Set(n.Campaign.Pacing.MaxRatio)
	case dialer.Refused:
		m.skipped.WithLabelValues(m.campaign(n.Campaign), n.Rule).Inc()
	case dialer.Disposed:
		m.dispositions.WithLabelValues(m.campaign(n.Campaign), m.codes.label(n.Disposal.Disposition)).Inc()
	case dialer.AudioReached:
		m.toBridge.WithLabelValues(m.campaign(n.Campaign)).Observe(n.Answer.Seconds())
	case dialer.CallerArrived:
		m.inbound.taken.WithLabelValues(m.campaign(n.Campaign), m.trunks.label(n.Trunk)).Inc()
	case dialer.CallerRefused:
		m.inbound.refused.WithLabelValues(m.campaign(n.Campaign), m.trunks.label(n.Trunk), n.Reason).Inc()
	case dialer.CallerServed:
		m.inbound.wait.WithLabelValues(m.campaign(n.Campaign)).Observe(n.Waited.Seconds())
	case dialer.AudioOneWay:
		m.audio.onOneWay(m.trunks.label(n.Trunk), n)
	case dialer.RecordingDone:
		if n.Err != nil {
			m.recordingFailures.Inc()
		}
	}
}

// phase is the word of the series for a state of a call; empty for the first
// and the last, where nothing is on the line.
func phase(s call.State) string {
	switch s {
	case call.Dialling:
		return "dialling"
	case call.Ringing:
		return "ringing"
	case call.Detecting, call.Doubted, call.Dropping:
		return "amd"
	case call.Queued, call.Stranded, call.Message:
		return "waiting"
	case call.Accepting, call.Waiting, call.PutOff:
		return "inbound"
	case call.Bridged, call.Held, call.Asking, call.Consulting, call.Conferring, call.Handing, call.Handed:
		return "bridged"
	case call.Leaving:
		return "leaving"
	}
	return ""
}

func (m *Metrics) changed(n dialer.CallChanged) {
	from, to := phase(n.From), phase(n.To)
	if from == to {
		return
	}
	c := m.campaign(n.Campaign)
	if from != "" {
		m.calls(c, from).Dec()
	}
	if to != "" {
		m.calls(c, to).Inc()
	}
}

func (m *Metrics) ended(n dialer.CallEnded) {
	c, trunk, e := m.campaign(n.Campaign), m.trunks.label(n.Trunk), n.Ending
	if n.Inbound {
		m.inbound.finished.WithLabelValues(c, string(e.Outcome)).Inc()
		if !e.BridgedAt.IsZero() {
			m.talk.WithLabelValues(c).Observe(e.At.Sub(e.BridgedAt).Seconds())
		}
		return
	}
	m.finished.WithLabelValues(c, trunk, string(e.Outcome)).Inc()
	if !e.RingingAt.IsZero() {
		m.postDial.WithLabelValues(trunk).Observe(e.RingingAt.Sub(n.BeganAt).Seconds())
	}
	if e.AnsweredAt.IsZero() {
		return
	}
	m.audio.ended(trunk, e.Audio)
	m.setup.WithLabelValues(trunk).Observe(e.AnsweredAt.Sub(n.BeganAt).Seconds())
	m.answers.WithLabelValues(c, string(e.Outcome)).Inc()
	if e.Outcome == campaigns.Abandoned && !e.BridgedAt.IsZero() {
		m.late.WithLabelValues(c).Inc()
	}
	verdict := string(e.Outcome)
	if !e.VerdictAt.IsZero() {
		verdict = "person"
		m.toVerdict.WithLabelValues(c).Observe(max(0, e.VerdictAt.Sub(e.AnsweredAt)).Seconds()) // early audio may tell before the answer
	}
	m.verdicts.WithLabelValues(c, verdict).Inc()
	if !e.BridgedAt.IsZero() {
		m.talk.WithLabelValues(c).Observe(e.At.Sub(e.BridgedAt).Seconds())
	}
}

func (m *Metrics) operator(v dialer.OperatorView) {
	old, known := m.seen[v.User]
	if known {
		m.resting.WithLabelValues(m.campaign(old.Campaign)).Sub(rests(old))
		m.operators.WithLabelValues(m.campaign(old.Campaign), string(old.State)).Dec()
		spent := v.Since.Sub(old.Since).Seconds()
		switch {
		case old.State == operator.Wrapping && v.State != operator.Wrapping:
			m.wrap.WithLabelValues(m.campaign(old.Campaign)).Observe(spent)
		case old.State == operator.Ready && v.State == operator.Reserved:
			m.wait.WithLabelValues(m.campaign(old.Campaign)).Observe(spent)
		}
	}
	m.resting.WithLabelValues(m.campaign(v.Campaign)).Add(rests(v))
	m.operators.WithLabelValues(m.campaign(v.Campaign), string(v.State)).Inc()
	m.seen[v.User] = v
}

// rests is 1 for an operator who rests.
func rests(v dialer.OperatorView) float64 {
	if v.RestUntil.IsZero() {
		return 0
	}
	return 1
}

func (m *Metrics) paced(n dialer.Paced) {
	c := m.campaign(n.Campaign)
	p := m.paceOf(c)
	p.ratio.Set(n.Decision.Ratio)
	p.ratioTarget.Set(n.Decision.Wanted)
	p.answerChance.Set(n.Decision.AnswerProbability)
	p.abandonChance.Set(n.Decision.AbandonChance)
	p.threshold.Set(n.Decision.Threshold)
	p.credit.Set(n.Decision.Credit)
	m.setBound(c, n.Bound)
	p.limit.Set(n.Limit)
	p.decision(m, c, n.Bound).Inc()
	m.tick.Observe(n.Took.Seconds())
}

// setBound moves the 1 among the bounds of a campaign.
func (m *Metrics) setBound(campaign string, b pacing.Bound) {
	was, known := m.bound[campaign]
	switch {
	case known && was == b:
		return
	case !known:
		for _, each := range dialer.Bounds {
			m.binds.WithLabelValues(campaign, string(each)).Set(0)
		}
	default:
		m.binds.WithLabelValues(campaign, string(was)).Set(0)
	}
	m.binds.WithLabelValues(campaign, string(b)).Set(1)
	m.bound[campaign] = b
}
