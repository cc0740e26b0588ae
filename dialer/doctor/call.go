package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/resolver"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

const (
	testLeg = "doctor"
	// settled is how long a line is left alone after its answer.
	settled = time.Second
	// goodbye is less than the 4 s after which the agent ends a call whose BYE nobody
	// answers.
	goodbye = 3500 * time.Millisecond

	slowEcho = 400 * time.Millisecond // people talk into each other above it (ITU-T G.114, both ways and a far end's own)
	muchLost = 0.01
)

// testCall is one call to a number that gives back what it hears.
type testCall struct {
	trunks  *trunk.Trunks
	route   trunk.Route
	pool    *rtp.Pool
	session *rtp.Session
	offer   sdp.Session
	guard   sdp.Guard
	events  chan sip.Event
	over    chan struct{} // closed with the end of an answered call
	closing chan struct{}
	follow  sync.WaitGroup
}

// checkCall calls the number over a trunk and says what came of the audio.
func (e *examination) checkCall(ctx context.Context, agent *signaller, t trunk.Config) {
	subject := t.Name + " test call"
	c, err := e.prepare(ctx, agent, t)
	if err != nil {
		e.fail(CheckCall, subject, "see to that first", "no test call was made: %v", err)
		return
	}
	defer c.close(agent)
	c.trunks.Dial(testLeg, c.route, c.offer.Marshal())
	agreed, ended, err := c.answered(ctx)
	switch {
	case ended != nil:
		e.fail(CheckCall, subject, nextAfter(ended.Cause), "the call was not answered: %d %s", ended.Cause.Code, ended.Cause.Text)
		return
	case err != nil:
		c.follow.Go(c.watch)
		e.checkAnswer(t, subject, err)
	default:
		c.follow.Go(c.watch)
		heard := c.listen(ctx, agreed)
		e.judge(subject, heard, c.session.Stats(), agreed)
	}
	if !c.hangUp() {
		e.warn(CheckCall, subject, "look at the carrier's records: the call may still be up", "the carrier did not answer our BYE")
	}
}

func (e *examination) prepare(ctx context.Context, agent *signaller, t trunk.Config) (*testCall, error) {
	t.Register.Enabled, t.Register.Registrar, t.Register.User = false, "", ""
	t.OptionsInterval = -1
	c := &testCall{events: make(chan sip.Event, 64), over: make(chan struct{}), closing: make(chan struct{})}
	var err error
	c.trunks, err = trunk.New([]trunk.Config{t}, trunk.Deps{
		Agent: agent.Agent, Resolver: resolver.New(e.cfg.DNS), Log: slog.New(slog.DiscardHandler), Emit: func(ev sip.Event) { c.events <- ev },
	})
	if err != nil {
		return nil, err
	}
	handle := c.trunks.Handle
	agent.handle.Store(&handle)
	if err := c.reserve(ctx, cmp.Or(t.Group, trunk.DefaultGroup), e.Call); err != nil {
		return nil, err
	}
	return c, c.openAudio(e)
}

// reserve waits until the name of the carrier is known.
func (c *testCall) reserve(ctx context.Context, group, number string) error {
	looking, stop := context.WithCancel(ctx)
	var looked sync.WaitGroup
	looked.Go(func() { _ = c.trunks.Run(looking) })
	defer looked.Wait()
	defer stop()
	deadline := time.After(answerTimeout)
	for {
		route, err := c.trunks.Reserve(group, number, nil, "")
		if !errors.Is(err, trunk.ErrDown) {
			c.route = route
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *testCall) openAudio(e *examination) error {
	bind, err := netip.ParseAddr(e.cfg.Media.Address)
	if err != nil {
		return err
	}
	outside := addressOf(cmp.Or(c.route.Address, e.cfg.Media.External, e.cfg.Media.Address))
	r := e.cfg.Media.Ports
	if r.From == 0 && r.To == 0 && !r.Any {
		r.From, r.To = 20000, 29999
	}
	if c.pool, err = rtp.NewPool(rtp.PoolConfig{Address: bind, From: r.From, To: r.To}); err != nil {
		return err
	}
	ports, err := c.pool.Take(time.Now())
	if err != nil {
		return err
	}
	c.session = rtp.NewSession(ports)
	laws := []media.Law{media.ULaw, media.ALaw}
	if len(e.cfg.Media.Codecs) > 0 && e.cfg.Media.Codecs[0] == media.ALaw.String() {
		laws = []media.Law{media.ALaw, media.ULaw}
	}
	c.offer = sdp.Offer(rand.Uint64()>>2, netip.AddrPortFrom(outside, uint16(ports.Port)), laws) //nolint:gosec // a port
	if c.route.SRTP {
		c.offer.RequireSRTP(sdp.NewCryptos())
	}
	c.guard.Networks, err = sdp.Networks(c.route.Networks)
	return err
}

// answered waits for the answer; ended is set where there was none.
func (c *testCall) answered(ctx context.Context) (agreed sdp.Agreed, ended *sip.Ended, err error) {
	var early []byte
	done := ctx.Done()
	for {
		select {
		case ev := <-c.events:
			switch ev := ev.(type) {
			case sip.Progress:
				early = ev.Body
			case sip.Answered:
				c.trunks.Confirm(testLeg)
				if len(ev.Body) == 0 {
					ev.Body = early
				}
				agreed, err = c.agree(ev.Body)
				return agreed, nil, err
			case sip.Ended:
				return agreed, &ev, nil
			}
		case <-done:
			c.trunks.Hangup(testLeg, sip.Cause{Code: 487, Text: "stopped"})
			done = nil
		}
	}
}

func (c *testCall) agree(body []byte) (sdp.Agreed, error) {
	theirs, err := sdp.Parse(body)
	if err != nil {
		return sdp.Agreed{}, err
	}
	agreed, err := sdp.Accept(c.offer, theirs)
	if err == nil {
		err = c.guard.Check(agreed.Remote)
	}
	return agreed, err
}

// listen sends the probe and hears what comes back.
func (c *testCall) listen(ctx context.Context, agreed sdp.Agreed) echo {
	signalling, _ := netip.ParseAddrPort(c.route.Signalling) // the zero one for a name
	c.session.Describe(&rtp.Description{Agreed: agreed, Signalling: signalling.Addr(), Networks: c.guard.Networks})
	l := &listening{began: time.Now().Add(settled)}
	c.session.Serve(c.hear(l))
	c.speak(ctx, l.began, agreed.Law)
	_ = c.session.Report(time.Now()) // the far end may answer with its own
	c.session.Ports().Close()
	c.session.Wait()
	return l.result()
}

// hear is what is done with each packet of the far end.
func (c *testCall) hear(l *listening) func(time.Time, *media.Packet) {
	pcm := make([]int16, media.SamplesPerFrame)
	return func(at time.Time, p *media.Packet) {
		if p.Event || len(p.Payload) != len(pcm) {
			return
		}
		codec.Decode(p.Law, pcm, p.Payload)
		l.hear(pcm, at)
	}
}

// speak sends silence while the line settles, the probe from began on, and silence
// until its last echo may have come.
func (c *testCall) speak(ctx context.Context, began time.Time, law media.Law) {
	p := &media.Packet{Law: law, Marker: true, Payload: make([]byte, media.SamplesPerFrame), Sequence: uint16(rand.Uint32()), Timestamp: rand.Uint32()} //nolint:gosec // cut on purpose
	pcm := make([]int16, media.SamplesPerFrame)
	first, last := -int(settled/media.FrameDuration), int((probeTime+longest)/media.FrameDuration)
	for n := first; n < last; n++ {
		select {
		case <-time.After(time.Until(began.Add(time.Duration(n) * media.FrameDuration))):
		case <-c.over:
			return
		case <-ctx.Done():
			return
		}
		probe(n, pcm)
		codec.Encode(law, p.Payload, pcm)
		_ = c.session.Send(p) // a lost packet is what we look for
		p.Sequence, p.Timestamp, p.Marker = p.Sequence+1, p.Timestamp+media.SamplesPerFrame, false
		if n%250 == 0 {
			_ = c.session.Report(time.Now())
		}
	}
}

// watch is what happens in the call after its answer. A new offer is refused, which
// leaves the session as it was (RFC 3261 section 14.2).
func (c *testCall) watch() {
	for {
		select {
		case ev := <-c.events:
			switch ev.(type) {
			case sip.Offered:
				c.trunks.Reply(testLeg, nil)
			case sip.Ended:
				close(c.over)
				return
			}
		case <-c.closing:
			return
		}
	}
}

// hangUp ends the call; false where the far end did not agree.
func (c *testCall) hangUp() bool {
	c.trunks.Hangup(testLeg, sip.Cause{Code: 200, Q850: 16, Text: "test call over"})
	select {
	case <-c.over:
		return true
	case <-time.After(goodbye):
		return false
	}
}

// close lets nothing more in of the call.
func (c *testCall) close(agent *signaller) {
	agent.handle.Store(nil)
	close(c.closing)
	c.follow.Wait()
	c.session.Ports().Close()
	c.pool.Close()
}

// judge says what was heard of the probe.
func (e *examination) judge(subject string, heard echo, s media.LegStats, agreed sdp.Agreed) {
	lost := float64(s.Lost) / float64(max(1, s.Lost+s.Received))
	f := Finding{Check: CheckCall, Subject: subject, Verdict: OK, Figures: map[string]float64{
		"sent": float64(s.Sent), "received": float64(s.Received), "lost_share": lost, "far_lost": float64(s.FarLost), "foreign": float64(s.Foreign),
		"jitter_ms": milliseconds(s.Jitter), "delay_ms": milliseconds(heard.delay), "bursts": float64(heard.bursts),
	}}
	reports := ""
	if s.RoundTrip > 0 {
		reports = "; by its RTCP the far end gets our audio"
	}
	switch {
	case s.Received == 0 && s.Foreign > 0:
		f.Verdict, f.Next = Fail, "add where it comes from to media_networks of the trunk"
		f.Cause = fmt.Sprintf("audio came only from addresses that were not agreed on (%d packets), and was dropped", s.Foreign)
	case s.Received == 0:
		f.Verdict, f.Next = Fail, "let UDP to media.ports through firewall and NAT to this machine, and see that media.external is the address outside"
		f.Cause = fmt.Sprintf("answered, but no audio came (%d packets sent, none received)%s", s.Sent, reports)
	case heard.bursts == 0:
		f.Verdict, f.Next = Fail, "call a number that is known to give an echo; if this is one, let UDP out of media.ports"
		f.Cause = fmt.Sprintf("audio comes in (%d packets, %d with sound), but nothing of ours comes back: it goes one way, or the number gives no echo%s", s.Received, heard.frames, reports)
	default:
		f.Cause = fmt.Sprintf("audio goes both ways: %d of %d tones came back after %v, in %s%s, %.1f %% of packets lost, jitter %v",
			heard.bursts, bursts, heard.delay.Round(time.Millisecond), agreed.Law, secured(agreed), 100*lost, s.Jitter.Round(100*time.Microsecond))
		switch {
		case lost > muchLost || heard.bursts < bursts*9/10:
			f.Verdict, f.Next = Warn, "look for loss on the way to the carrier: more than 1 % is heard"
		case heard.delay > slowEcho:
			f.Verdict, f.Next = Warn, "take a nearer server of the carrier: people talk into each other above "+slowEcho.String()
		}
	}
	e.tell(f)
}

func secured(agreed sdp.Agreed) string {
	if agreed.Secret.Suite == "" {
		return ""
	}
	return " under SRTP (" + string(agreed.Secret.Suite) + ")"
}

// nextAfter is what the table of endings says to the people of the carrier's side.
func nextAfter(c sip.Cause) string {
	for _, row := range trunk.Table {
		if row.Code == c.Code && row.Q850 == 0 && row.Text == "" {
			return row.Note
		}
	}
	return "ask the carrier, with the time of the call"
}
