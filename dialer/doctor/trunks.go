package doctor

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/resolver"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// answerTimeout is how long a server may take to answer: three transmissions over
// UDP, the third after 3.5 s, and a slow network.
const answerTimeout = 5 * time.Second

// signaller is a SIP agent of ours on free ports: those of the configuration may be
// the running product's.
type signaller struct {
	*sip.Agent
	allowed atomic.Pointer[map[netip.Addr]bool]
	handle  atomic.Pointer[func(sip.Event)]
	stop    context.CancelFunc
	stopped chan error
}

// openSignaller takes the transports and addresses of the trunks' listeners.
func (e *examination) openSignaller(ctx context.Context) (*signaller, error) {
	s := &signaller{stopped: make(chan error, 1)}
	cfg := e.cfg.Trunk.Agent(trunk.AgentName)
	for i, l := range cfg.Listen {
		host, _, err := net.SplitHostPort(l.Address)
		if err != nil {
			return nil, err
		}
		cfg.Listen[i].Address = net.JoinHostPort(host, "0")
	}
	if host, _, err := net.SplitHostPort(cfg.External); err == nil {
		cfg.External = host // its port is another one
	}
	cfg.Allow = func(from netip.AddrPort) bool { m := s.allowed.Load(); return m != nil && (*m)[from.Addr().Unmap()] }
	cfg.Classify, cfg.SessionExpires = trunk.Classify, trunk.SessionExpires(e.cfg.Trunks)
	names := map[netip.AddrPort]string{}
	for _, t := range e.wanted() {
		servers, _ := trunk.Servers(ctx, t, resolver.New(e.cfg.DNS)) // errors are told by checkTrunk
		for _, server := range servers {
			if at, err := netip.ParseAddrPort(server.Address); err == nil && server.Named {
				names[at] = server.Name
			}
		}
	}
	if cfg.TLS != nil {
		cfg.TLS.NameOf = func(at netip.AddrPort) string { return names[at] }
	}
	emit := func(ev sip.Event) {
		if h := s.handle.Load(); h != nil {
			(*h)(ev)
		}
	}
	var err error
	if s.Agent, err = sip.New(cfg, emit, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { s.stopped <- s.Run(ctx) }() // ends with close
	return s, nil
}

func (s *signaller) close() {
	s.stop()
	<-s.stopped
}

// allow lets the answers of servers in.
func (s *signaller) allow(servers []trunk.Server) {
	next := map[netip.Addr]bool{}
	for _, server := range servers {
		if at, err := netip.ParseAddrPort(server.Address); err == nil {
			next[at.Addr()] = true
		}
	}
	s.allowed.Store(&next)
}

// wanted are the trunks to look at.
func (e *examination) wanted() []trunk.Config {
	return slices.DeleteFunc(slices.Clone(e.cfg.Trunks), func(t trunk.Config) bool { return e.Trunk != "" && t.Name != e.Trunk })
}

func (e *examination) checkTrunks(ctx context.Context) {
	agent, err := e.openSignaller(ctx)
	if err != nil {
		e.fail(CheckTrunk, "trunk_signalling", "see what is said of its listeners and certificates", "no trunk can be asked: %v", err)
		return
	}
	defer agent.close()
	for _, t := range e.wanted() {
		alive := e.checkTrunk(ctx, agent, t)
		switch {
		case e.Call == "":
		case alive:
			e.checkCall(ctx, agent, t)
		default:
			e.fail(CheckCall, t.Name, "see to what is said of the trunk", "no test call was made: no server of it answers")
		}
	}
}

// checkTrunk asks every server of a carrier; true where one that takes calls answers.
func (e *examination) checkTrunk(ctx context.Context, agent *signaller, t trunk.Config) (alive bool) {
	servers, err := trunk.Servers(ctx, t, resolver.New(e.cfg.DNS))
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			e.fail(CheckNames, t.Name, "see that the name is right and that this machine's name servers (or those under dns) answer", "%s", strings.TrimSpace(line))
		}
	}
	for _, s := range servers {
		if s.Named {
			e.ok(CheckNames, t.Name, "%s is %s over %s", s.Name, s.Address, s.Transport)
		}
	}
	agent.allow(servers)
	registered := false
	for _, s := range servers {
		subject := fmt.Sprintf("%s %s/%s", t.Name, s.Address, s.Transport)
		if !agent.Addr(s.Transport).IsValid() {
			e.fail(CheckTrunk, subject, "add one under trunk_signalling.listen", "there is no listener of %s to reach it from", s.Transport)
			continue
		}
		if s.Transport == "tls" && !e.checkFar(ctx, CheckCertificates, subject, s.Address, s.Name, e.cfg.Trunk.TLS.Authorities) {
			continue
		}
		if s.Target {
			e.checkNetworks(t, s, subject)
			alive = e.checkServer(ctx, agent, t, s, subject) || alive
		}
		if s.Registrar && !registered {
			registered = e.checkRegistration(ctx, agent, s, subject)
		}
	}
	return alive
}

// checkServer sends OPTIONS to a server and looks at all that the answer tells.
func (e *examination) checkServer(ctx context.Context, agent *signaller, t trunk.Config, s trunk.Server, subject string) bool {
	within, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	reply, err := agent.Probe(within, s.Transport, s.Address, s.RequestURI)
	now := time.Now()
	if err != nil {
		e.fail(CheckTrunk, subject, "see that address, port and transport are right, that a firewall lets us out, and that the carrier knows our address",
			"no answer to OPTIONS within %v: %v", answerTimeout, err)
		return false
	}
	f := Finding{Check: CheckTrunk, Subject: subject, Verdict: OK, Figures: map[string]float64{"round_trip_ms": milliseconds(reply.RoundTrip)}}
	f.Cause = fmt.Sprintf("answered OPTIONS with %d %s after %v", reply.Code, reply.Text, reply.RoundTrip.Round(100*time.Microsecond))
	if reply.Server != "" {
		f.Cause += ", is " + reply.Server
	}
	if len(reply.Allow) > 0 {
		f.Cause += ", takes " + strings.Join(reply.Allow, " ")
	}
	switch {
	case reply.Code == 503:
		f.Verdict, f.Next = Fail, "ask the carrier: it has too much to do, or does not take us"
	case len(reply.Allow) > 0 && !slices.Contains(reply.Allow, "INVITE"):
		f.Verdict, f.Next = Warn, "see that the address is the carrier's for calls: it does not list INVITE"
	case reply.Code == 401 || reply.Code == 403 || reply.Code == 407:
		f.Verdict, f.Next = OK, "a test call (--call) says whether calls are let in: many carriers refuse OPTIONS alone"
	}
	e.tell(f)
	e.checkDate(subject, reply.Date, now, reply.RoundTrip)
	e.checkAddress(t, s, subject, reply)
	return f.Verdict != Fail
}

// checkRegistration asks which contacts the registrar holds. It changes none: those
// of the running product stay.
func (e *examination) checkRegistration(ctx context.Context, agent *signaller, s trunk.Server, subject string) bool {
	within, cancel := context.WithTimeout(ctx, 2*answerTimeout)
	defer cancel()
	b := s.Binding()
	answer, contacts, err := agent.Bindings(within, b)
	const account = "see that username, password and register.user are those that the carrier gave"
	switch {
	case err != nil:
		e.fail(CheckRegistration, subject, "see that register.registrar is right and that a firewall lets us there", "no answer to REGISTER: %v", err)
	case answer.Code == 401 || answer.Code == 403 || answer.Code == 404 || answer.Code == 407:
		e.fail(CheckRegistration, subject, account, "the registrar refuses %s with %d %s", b.Address, answer.Code, answer.Text)
	case answer.Code < 200 || answer.Code > 299:
		e.warn(CheckRegistration, subject, "some registrars do not like to be asked; the log of the product says whether it registers", "asked for the contacts of %s it said %d %s", b.Address, answer.Code, answer.Text)
	case len(contacts) == 0:
		e.ok(CheckRegistration, subject, "the registrar knows us as %s and holds no contact of ours now", b.Address)
	default:
		e.ok(CheckRegistration, subject, "the registrar knows us as %s and holds %s", b.Address, strings.Join(contacts, ", "))
	}
	return err == nil
}

// checkAddress compares what we say of ourselves with where the carrier sees us, and
// looks whether audio can find us.
func (e *examination) checkAddress(t trunk.Config, s trunk.Server, subject string, reply sip.Reply) {
	server, err := netip.ParseAddrPort(s.Address)
	if err != nil {
		return
	}
	host, _, _ := net.SplitHostPort(reply.SentBy)
	ours, seen := addressOf(host), reply.Seen.Addr()
	set := "set trunk_signalling.external"
	switch {
	case !seen.IsValid() && isPrivate(ours) && !isPrivate(server.Addr()):
		e.fail(CheckNAT, subject, set+" to the address that the carrier reaches us at", "we say %s, which is private, and the carrier does not say where it sees us", host)
	case !seen.IsValid():
		e.ok(CheckNAT, subject, "the carrier does not say where it sees us; we say %s", host)
	case !ours.IsValid():
		e.ok(CheckNAT, subject, "the carrier sees us at %s; we say %s", seen, host)
	case ours != seen:
		e.fail(CheckNAT, subject, set+" to "+seen.String()+", and forward the port of trunk_signalling.listen to this machine", "the carrier sees us at %s, but we say %s: its requests go astray", seen, ours)
	default:
		e.ok(CheckNAT, subject, "the carrier sees us at %s, as we say", seen)
	}
	e.checkAudioAddress(t, server.Addr(), seen, subject)
}

func (e *examination) checkAudioAddress(t trunk.Config, server, seen netip.Addr, subject string) {
	audio := addressOf(cmp.Or(t.ExternalMedia, e.cfg.Media.External, e.cfg.Media.Address))
	set := "set media.external, or external_media of the trunk, to the address outside, and forward media.ports"
	switch {
	case isPrivate(audio) && !isPrivate(server):
		e.fail(CheckNAT, subject, set, "our session descriptions say %s, which is private: the carrier's audio never arrives", audio)
	case seen.IsValid() && !isPrivate(seen) && audio != seen:
		e.warn(CheckNAT, subject, set+", if audio does not come by another address on purpose", "audio is asked for at %s, but the carrier sees us at %s", audio, seen)
	default:
		e.ok(CheckNAT, subject, "audio is asked for at %s", audio)
	}
}

func addressOf(host string) netip.Addr {
	addr, _ := netip.ParseAddr(host) // the zero Addr for a name
	return addr.Unmap()
}

// shared is what carriers use behind a NAT of their own (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// isPrivate says whether the internet cannot reach an address.
func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || shared.Contains(a)
}
