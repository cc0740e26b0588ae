package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/journal"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/pacinglog"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/figures"
	"github.com/outpace-dialer/outpace/sip/registrar"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// sampling bounds how long a scrape may wait for the engine and the store.
const sampling = 2 * time.Second

// samples are the rooms' figures at the moment of a scrape.
func (a *App) samples() []metrics.Sample {
	ctx, cancel := context.WithTimeout(context.Background(), sampling)
	defer cancel()
	var all []metrics.Sample
	all = append(all, a.trunkSamples()...)
	all = append(all, figureSamples(a.trunks.Figures())...)
	all = append(all, signallingSamples("trunk", a.trunkUA.Stats())...)
	all = append(all, signallingSamples("phones", a.phoneUA.Stats())...)
	all = append(all, guardSamples(a.phones.Stats())...)
	all = append(all, a.mediaSamples()...)
	all = append(all, a.operators.samples()...)
	all = append(all, a.leadSamples(ctx)...)
	all = append(all, a.storeSamples(ctx)...)
	all = append(all, pacingSamples(a.pacing.Stats())...)
	all = append(all, a.detection.samples(time.Now())...)
	all = append(all, a.webhookSamples(ctx)...)
	all = append(all, a.providerSamples()...)
	all = append(all, a.certifier.samples(time.Now())...)
	all = append(all, certificateSamples(a.cfg.CertificateFiles(), time.Now())...)
	all = append(all, diskSamples(a.cfg.Folders())...)
	if a.backlog != nil {
		all = append(all, gauge("store_outcomes_waiting", "Outcomes that wait here for the store to take them.", float64(a.backlog.Waiting())))
	}
	return append(all,
		counter("inbound_unsolicited_total", "Calls from the addresses of carriers that bring us none: refused with 403.", a.trunks.Strangers()),
		gauge("sip_registrations", "Phones that are registered.", float64(len(a.phones.Bindings()))),
		gauge("event_subscribers", "Open event streams.", float64(a.hub.Streams())),
		gauge("node_term", "Leases that this node has had of its name on a shared store, counted from 1; 0 while it has none and places nothing.", float64(a.node.Term(time.Now()))),
		gauge("draining", "1 while the product waits for talks to end.", truth(a.draining.Load())),
	)
}

func gauge(name, help string, v float64, labels ...string) metrics.Sample {
	return metrics.Sample{Name: name, Help: help, Value: v, Labels: labels}
}

func counter(name, help string, v uint64, labels ...string) metrics.Sample {
	return metrics.Sample{Name: name, Help: help, Counter: true, Value: float64(v), Labels: labels}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (a *App) trunkSamples() []metrics.Sample {
	var all []metrics.Sample
	for _, t := range a.trunks.Stats() {
		l := []string{"trunk", t.Trunk}
		all = append(all,
			gauge("trunk_up", "1 while a target of the trunk answers.", truth(t.Up), l...),
			gauge("trunk_channels_in_use", "Calls on the trunk.", float64(t.Channels), l...),
			gauge("trunk_channels_limit", "Calls that the trunk may carry.", float64(t.MaxChannels), l...),
			gauge("trunk_channels_share", "Calls of the limit that this node may have; all where no other node shares the trunk.", float64(t.ShareChannels), l...),
			gauge("trunk_cps_share", "New calls a second of the limit that this node may place.", t.ShareCPS, l...),
			gauge("trunk_cps", "New calls a second that may leave now: fewer than the share while the carrier has too much.", t.CPS, l...),
			gauge("trunk_ringing", "Calls on the trunk that are not answered yet.", float64(t.Ringing), l...),
			gauge("trunk_options_rtt_seconds", "Round trip of the last OPTIONS.", t.OptionsRTT.Seconds(), l...),
			gauge("trunk_targets_up", "Servers of the trunk that answer.", float64(t.TargetsUp), l...),
			gauge("trunk_unusable", "1 from several answers in a row whose audio we cannot use until one is good: the trunk rests, or takes one call.", truth(t.Unusable), l...),
			counter("trunk_answers_refused_total", "Answers that we hung up on because we cannot use their audio.", t.Refused, l...),
			counter("trunk_cps_throttled_total", "Calls that waited for the CPS limit.", t.Throttled, l...),
		)
		all = append(all, callerSamples(t)...)
		if t.MustRegister {
			all = append(all, gauge("trunk_registered", "1 while the carrier's registrar has our contact; only where it wants that.", truth(!t.RegisteredUntil.IsZero()), l...))
		}
	}
	return all
}

// callerSamples are the calls that a trunk brings us.
func callerSamples(t trunk.Stats) []metrics.Sample {
	all := []metrics.Sample{gauge("inbound_channels_in_use", "Calls on the trunk that came in.", float64(t.Callers), "trunk", t.Trunk)}
	for _, reason := range []string{trunk.RefusedNumber, trunk.RefusedFull} {
		all = append(all, counter("inbound_trunk_refused_total", "Calls that the trunk did not let in, by reason: for none of our numbers there, or too many.",
			t.CallersRefused[reason], "trunk", t.Trunk, "reason", reason))
	}
	return all
}

// maxCallerIDs bounds the series of caller IDs of one trunk: the busiest are shown.
const maxCallerIDs = 50

// figureSamples are the last hour of each trunk, and of its caller IDs by their
// place in the configuration: a label holds no number.
func figureSamples(hour []trunk.Figures) []metrics.Sample {
	var all []metrics.Sample
	for _, f := range hour {
		all = append(all, figuresOf("trunk", f.Figures, "trunk", f.Trunk)...)
		for _, c := range f.Codes {
			all = append(all, gauge("trunk_final_responses", "Calls of the last hour by their final response, the five most frequent; 0 is none.", float64(c.Calls), "trunk", f.Trunk, "code", strconv.Itoa(c.Code)))
		}
		slices.SortStableFunc(f.CallerIDs, func(a, b trunk.CallerFigures) int { return b.Calls - a.Calls })
		for _, id := range f.CallerIDs[:min(len(f.CallerIDs), maxCallerIDs)] {
			l := []string{"trunk", f.Trunk, "caller_id", strconv.Itoa(id.Place)}
			all = append(all,
				gauge("caller_id_suspect", "1 while the caller ID is answered less than the others: phones may call it spam.", truth(id.Suspect), l...),
				gauge("caller_id_resting", "1 while the caller ID is not shown because the network blocked it.", truth(id.RestsUntil.After(time.Now())), l...),
			)
			all = append(all, figuresOf("caller_id", id.Figures, l...)...)
		}
	}
	return all
}

func figuresOf(what string, f figures.Figures, l ...string) []metrics.Sample {
	return []metrics.Sample{
		gauge(what+"_calls", "Calls that ended within the last hour.", float64(f.Calls), l...),
		gauge(what+"_answer_ratio", "Answer-seizure ratio (ASR) of the last hour.", f.ASR, l...),
		gauge(what+"_network_effectiveness_ratio", "Share of calls that reached the called side (NER) in the last hour.", f.NER, l...),
		gauge(what+"_post_dial_delay_seconds", "Post-dial delay (PDD) of the last hour.", f.DelayP50.Seconds(), append(l, "percentile", "50")...),
		gauge(what+"_post_dial_delay_seconds", "Post-dial delay (PDD) of the last hour.", f.DelayP95.Seconds(), append(l, "percentile", "95")...),
		gauge(what+"_average_duration_seconds", "Average duration of answered calls (ACD) of the last hour.", f.ACD.Seconds(), l...),
		gauge(what+"_short_call_ratio", "Share of answered calls of up to 6 s in the last hour.", f.ShortShare, l...),
		gauge(what+"_false_answer_ratio", "Share of answers in the last hour that the far end took back within a second, without audio.", f.FalseShare, l...),
	}
}

// guardSamples are what the registrar keeps out.
func guardSamples(s registrar.Stats) []metrics.Sample {
	return []metrics.Sample{
		counter("phone_digests_total", "Passwords of phones that were checked.", s.Digests),
		counter("phone_failures_total", "Of these, the wrong ones, and those of nobody.", s.Failures),
		counter("phone_blocks_total", "Addresses that were blocked: for too many messages, for wrong passwords.", s.Flooders, "why", "flood"),
		counter("phone_blocks_total", "Addresses that were blocked: for too many messages, for wrong passwords.", s.Guessers, "why", "guesses"),
		counter("phone_throttled_total", "Passwords that were not checked because the account or its address is under attack.", s.Throttled),
		counter("phone_crowded_total", "Messages that were not heard because an office sent more than its phones need, or all strangers together more than we hear.", s.Crowded),
		counter("phone_refused_calls_total", "Calls of phones to where they may not call.", s.RefusedCalls),
	}
}

func signallingSamples(agent string, s sip.Stats) []metrics.Sample {
	l := []string{"agent", agent}
	all := []metrics.Sample{
		counter("sip_parse_errors_total", "Messages that were not SIP.", s.ParseErrors, l...),
		counter("sip_blocked_total", "Datagrams and connections from where nothing is taken.", s.BlockedDatagrams+s.BlockedConns, l...),
		counter("sip_tls_failures_total", "Connections over TLS that came to nothing: a certificate that is not believed, say.", s.FailedHandshakes, l...),
		counter("sip_late_answers_total", "Answers that came after our CANCEL, each ended.", s.LateAnswers, l...),
		counter("sip_retransmissions_total", "Final responses and ACKs that came or went again.", s.Retransmissions, l...),
		gauge("sip_transactions", "Client transactions.", float64(s.Transactions), l...),
		gauge("sip_legs", "Legs.", float64(s.Legs), l...),
		gauge("sip_lingering", "Legs that have ended and are kept for late messages, 32 s each.", float64(s.Lingering), l...),
	}
	for k, v := range s.Requests {
		all = append(all, counter("sip_requests_total", "SIP requests.", v, "agent", agent, "method", k.Method, "direction", k.Direction))
	}
	for k, v := range s.Responses {
		all = append(all, counter("sip_responses_total", "SIP responses by class.", v,
			"agent", agent, "method", k.Method, "direction", k.Direction, "code", fmt.Sprintf("%dxx", k.Class)))
	}
	return all
}

func (a *App) mediaSamples() []metrics.Sample {
	s := a.plane.Stats()
	return []metrics.Sample{
		gauge("media_sessions", "Legs with audio.", float64(s.Customers), "kind", "customer"),
		gauge("media_sessions", "Legs with audio.", float64(s.Operators), "kind", "operator"),
		gauge("media_ports_free", "RTP port pairs that are free; -1 where the system chooses.", float64(s.PortsFree)),
		gauge("media_one_way_legs", "Legs that should send audio and do not.", float64(s.OneWay)),
		counter("media_rtp_received_packets_total", "RTP packets received.", s.Received),
		counter("media_rtp_sent_packets_total", "RTP packets sent.", s.Sent),
		counter("media_rtp_lost_packets_total", "RTP packets missing by sequence number.", s.Lost),
		counter("media_rtp_foreign_packets_total", "RTP packets of strangers, dropped.", s.Foreign),
		counter("media_relayed_packets_total", "RTP packets passed through bridges.", s.Relayed),
		counter("media_relay_lost_packets_total", "RTP packets that a bridge received and did not pass on.", s.RelayedLost),
		gauge("media_tick_lateness_seconds", "Worst lateness of the audio clock since the last scrape.", s.TickLateness.Seconds()),
		gauge("recording_queue", "Packets that wait for the disk.", float64(s.RecordingQueue)),
		counter("recording_dropped_packets_total", "Packets that did not reach the disk.", s.RecordingDropped),
	}
}

func (a *App) leadSamples(ctx context.Context) []metrics.Sample {
	snapshot, err := a.engine.Snapshot(ctx)
	if err != nil {
		return nil
	}
	all := []metrics.Sample{gauge("engine_mailbox", "Messages that wait for the engine's loop.", float64(snapshot.Mailbox))}
	for _, c := range snapshot.Campaigns {
		for state, n := range map[string]int{"held": c.Leads.Held, "dialable": c.Leads.Ready, "waiting": c.Leads.Waiting} {
			all = append(all, gauge("leads", "Leads by state.", float64(n), "campaign", string(c.ID), "state", state))
		}
	}
	return all
}

func (a *App) storeSamples(ctx context.Context) []metrics.Sample {
	s, err := a.store.Stats(ctx)
	if err != nil {
		return nil
	}
	var all []metrics.Sample
	for op, n := range s.Operations {
		all = append(all,
			counter("store_operations_total", "Store operations.", n.Count-n.Errors, "store", s.Kind, "op", op, "result", "ok"),
			counter("store_operations_total", "Store operations.", n.Errors, "store", s.Kind, "op", op, "result", "error"),
			metrics.Sample{Name: "store_operation_seconds_total", Help: "Time in store operations.", Counter: true, Value: n.Seconds, Labels: []string{"store", s.Kind, "op", op}},
		)
	}
	if j, ok := campaigns.As[*journal.Store](a.store); ok {
		all = append(all, counter("store_journal_lost_total", "Lines of the journal that say how attempts ended and could not be written.", j.Lost()))
	}
	return append(all, gauge("store_size_bytes", "Size of the embedded store.", float64(s.Size), "store", s.Kind))
}

func pacingSamples(s pacinglog.Stats) []metrics.Sample {
	return []metrics.Sample{
		counter("pacing_log_lines_total", "Lines of the pacing log, by what became of them.", s.Lines, "result", "taken"),
		counter("pacing_log_lines_total", "Lines of the pacing log, by what became of them.", s.LostLines, "result", "dropped"),
		counter("pacing_log_chunks_total", "Chunks of the pacing log, by what became of them.", s.Chunks, "result", "written"),
		counter("pacing_log_chunks_total", "Chunks of the pacing log, by what became of them.", s.LostChunks, "result", "dropped"),
		counter("pacing_log_bytes_total", "Compressed bytes of the pacing log.", s.Bytes),
	}
}
