package plane

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/bridge"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/media/wav"
)

// leg is the audio of one leg. Three parties touch it: its receiver, the
// wheel, and commands, which hold the plane's lock. Receiver and wheel read
// what commands change through atomics only.
type leg struct {
	id      media.LegID
	post    func(media.Event)
	session *rtp.Session
	wire    media.Wire       // that carries the session; nil: sockets do
	talks   media.Negotiated // the same, where it has session descriptions; else nil
	output  *bridge.Output
	ear     ear
	watch   watch
	oneWay  oneWay

	path      atomic.Pointer[bridge.Path]     // where its packets go
	pairing   atomic.Pointer[pairing]         // of a customer who is bridged
	recorder  atomic.Pointer[wav.Recorder]    // of what comes from it
	listeners atomic.Pointer[[]*bridge.Voice] // of legs that hear it mixed
	muted     atomic.Bool                     // what comes from it is for nobody

	relayed, notRelayed atomic.Uint64

	// Of the receiver.
	digits rtp.Digits
	found  func(detect.Finding, time.Time)

	// Of commands.
	spec     media.LegSpec
	networks []netip.Prefix
	local    sdp.Session  // our latest description
	cryptos  []sdp.Crypto // our keys, where it is or was SRTP
	early    sdp.Session  // the latest of early media
	agreed   sdp.Agreed
	up       bool
	room     *room
	monitors []*leg // who listens in on this customer
	hears    map[*leg]*bridge.Voice
	heardBy  map[*leg]*bridge.Voice
	joins    joins // what this leg, a manager's, listens to
	running  sync.WaitGroup
}

// pairing is a customer's bridge, until both directions have been told of.
type pairing struct {
	*bridge.Pair
	customer, operator *leg
	since              time.Time
	told               atomic.Bool
}

func newLeg(id media.LegID, spec media.LegSpec, ports rtp.Ports, post func(media.Event)) *leg {
	l := &leg{
		id: id, spec: spec, post: post, session: rtp.NewSession(ports),
		hears: map[*leg]*bridge.Voice{}, heardBy: map[*leg]*bridge.Voice{},
	}
	l.output = bridge.NewOutput(l.session)
	l.found = l.report
	l.session.Serve(l.hear)
	return l
}

// hear takes one packet. The joined leg comes first: whatever else is done with a
// packet is done after it went out.
func (l *leg) hear(now time.Time, p *media.Packet) {
	if p.Noise {
		l.hearNoise(p)
		return
	}
	muted := l.muted.Load()
	if path := l.path.Load(); path != nil && !muted {
		l.relay(path, now, p)
	}
	if p.Event {
		l.hearDigit(now, p)
		return
	}
	if r := l.recorder.Load(); r != nil {
		r.Hear(wav.Left, now, p.Law, p.Payload)
	}
	if listeners := l.listeners.Load(); listeners != nil && !muted {
		for _, voice := range *listeners {
			voice.Hear(p)
		}
	}
	l.ear.hear(now, p, l.found)
	l.oneWay.hear(p)
}

// hearNoise lets the joined leg hear the noise that the far end announces a pause with.
// For recordings and detectors the pause is a gap, as any.
func (l *leg) hearNoise(p *media.Packet) {
	if path := l.path.Load(); path != nil && !l.muted.Load() {
		path.Hush(p)
	}
}

func (l *leg) relay(path *bridge.Path, now time.Time, p *media.Packet) {
	if path.Relay(now, p) {
		l.relayed.Add(1)
		return
	}
	l.notRelayed.Add(1)
}

func (l *leg) hearDigit(now time.Time, p *media.Packet) {
	if digit, ok := l.digits.Hear(p.Payload, p.Sequence, p.Timestamp, p.Marker); ok {
		l.post(media.Digit{Leg: l.id, Digit: digit, At: now})
	}
}

// tick is called by the wheel every 20 ms. rarely is true each lookEvery of them.
func (l *leg) tick(now time.Time, rarely bool) {
	l.output.Tick(now)
	l.ear.tick(now, l.found)
	if pair := l.pairing.Load(); pair != nil && !pair.told.Load() {
		l.tellBridged(pair, now)
	}
	if rarely {
		l.look(now)
	}
}

// look does what is soon enough each 100 ms.
func (l *leg) look(now time.Time) {
	if e := l.watch.look(l.id, now, l.session.LastHeard(), l.session.Quiet()); e != nil {
		l.post(e)
	}
	if e := l.oneWay.look(l, now); e != nil {
		l.post(e)
	}
	if l.watch.reportDue(now) {
		_ = l.session.Report(now) // the next is due in 5 s
	}
}

// bridgedWithin is how long Bridged waits for a side that sends nothing.
const bridgedWithin = time.Second

// tellBridged posts Bridged once: when both directions have passed a packet,
// or after bridgedWithin.
func (l *leg) tellBridged(pair *pairing, now time.Time) {
	if pair.ToOperator.First().IsZero() || pair.ToCustomer.First().IsZero() {
		if now.Sub(pair.since) < bridgedWithin {
			return
		}
	}
	pair.tell(l.post, now)
}

func (p *pairing) tell(post func(media.Event), now time.Time) {
	if p.told.CompareAndSwap(false, true) {
		post(media.Bridged{
			Customer: p.customer.id, Operator: p.operator.id, FirstToOperator: p.ToOperator.First(), At: now,
		})
	}
}

func (l *leg) stats() media.LegStats {
	stats := l.session.Stats()
	stats.RelayedFromThere, stats.RelayedLost = l.relayed.Load(), l.notRelayed.Load()
	stats.Browser = l.wire != nil
	return stats
}
