package sip

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Agent is a SIP user agent.
type Agent struct{ cfg Config }

func New(cfg Config, emit func(Event), log *slog.Logger) (*Agent, error) { return nil, nil }
func (a *Agent) Run(ctx context.Context) error                           { return nil }
func (a *Agent) Addr(transport string) netip.AddrPort                    { return netip.AddrPort{} }
func (a *Agent) Invite(leg LegID, inv Invitation)                        {}
func (a *Agent) Hangup(leg LegID, why Cause)                             {}
func (a *Agent) Ring(leg LegID)                                          {}
func (a *Agent) Accept(leg LegID, body []byte)                           {}
func (a *Agent) Reply(leg LegID, body []byte)                            {}
func (a *Agent) Finish(ctx context.Context, d Dialog) error              { return nil }
func (a *Agent) Options(ctx context.Context, transport, destination, requestURI string) (code int, rtt time.Duration, err error) {
	return 0, 0, nil
}
func (a *Agent) Handle(method string, h func(req *sipgosip.Request, respond func(*sipgosip.Response))) {
}
func (a *Agent) Admit(h func(in Incoming, req *sipgosip.Request) (user string, reject *sipgosip.Response)) {
}
func (a *Agent) Stats() Stats { return Stats{} }

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
