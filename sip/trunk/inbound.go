package trunk

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

// Inbound is which calls a carrier may bring us. A call that comes in reaches the
// engine and nothing else: there is no way from it to a trunk.
type Inbound struct {
	Numbers  []string `yaml:"numbers"`   // E.164: our numbers that the carrier brings calls to; none: it brings none
	MaxCalls int      `yaml:"max_calls"` // at once, each on a channel of the trunk; default max_channels
}

// Why a call that came in was not let in; values of Stats.CallersRefused.
const (
	RefusedNumber = "number" // it is for none of our numbers there
	RefusedFull   = "full"   // the trunk's channels, or inbound.max_calls
)

// whenFull is when a carrier may try again whose calls fill the trunk.
const whenFull = 30 * time.Second

func (c *Config) checkInbound(refuse refusal) {
	for i, number := range c.Inbound.Numbers {
		if _, err := digitsOf(number); err != nil || number[0] != '+' {
			refuse(fmt.Sprintf("inbound.numbers[%d]", i), "%q is not E.164 (+48221234567)", number)
		}
	}
	if c.Inbound.MaxCalls < 0 || c.Inbound.MaxCalls > max(c.MaxChannels, 0) {
		refuse("inbound.max_calls", "%d is not between 1 and max_channels", c.Inbound.MaxCalls)
	}
}

// Admit decides on an INVITE that begins a call; it is for sip.Agent.Admit. Only an
// address of a carrier that brings us calls gets further than 403, and only to a number
// that this carrier has for us.
func (t *Trunks) Admit(in sip.Incoming, req *sipgosip.Request) (sip.Incoming, *sipgosip.Response) {
	refuse := func(code int, phrase string) (sip.Incoming, *sipgosip.Response) {
		return in, sipgosip.NewResponseFromRequest(req, code, phrase, nil)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	here := t.bringers(req)
	if len(here) == 0 {
		t.strangers++
		return refuse(403, "Forbidden")
	}
	c, number := dialled(here, req)
	if c == nil {
		here[0].refused[RefusedNumber]++
		return refuse(404, "Not Found")
	}
	// The whole limit and not our share of it: the carrier has given the call its channel.
	if c.callers >= c.cfg.Inbound.MaxCalls || c.channels >= c.cfg.MaxChannels {
		c.refused[RefusedFull]++
		_, res := refuse(486, "Busy Here")
		res.AppendHeader(sipgosip.NewHeader("Retry-After", fmt.Sprint(int(whenFull.Seconds()))))
		return in, res
	}
	if t.nameLeg != nil {
		in.Leg = t.nameLeg()
	}
	in.Dialed, in.Caller = number, c.cfg.caller(req)
	in.Route = sip.Route{
		Trunk: c.cfg.Name, CallerID: number, MediaNetworks: c.cfg.MediaNetworks, MediaAddress: c.cfg.ExternalMedia,
		Signalling: req.Source(), SRTP: c.cfg.SRTP,
	}
	return in, nil
}

// bringers are the carriers at the address of a request that bring us calls.
func (t *Trunks) bringers(req *sipgosip.Request) []*carrier {
	from, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		return nil
	}
	var found []*carrier
	for _, c := range t.carriers {
		if len(c.cfg.Inbound.Numbers) > 0 && c.isAt(from.Addr().Unmap()) {
			found = append(found, c)
		}
	}
	return found
}

// isAt says whether an address is one of the carrier's.
func (c *carrier) isAt(addr netip.Addr) bool {
	return slices.ContainsFunc(c.everyPlace(), func(p *place) bool {
		return slices.ContainsFunc(p.targets, func(tg *target) bool { return tg.source == addr })
	})
}

// dialled finds the number that was called and the carrier that has it for us. Where
// we are registered, the Request-URI may be our contact; the number is in To then.
func dialled(carriers []*carrier, req *sipgosip.Request) (*carrier, string) {
	users := []string{req.Recipient.User}
	if to := req.To(); to != nil {
		users = append(users, to.Address.User)
	}
	for _, user := range users {
		for _, c := range carriers {
			if number, ok := c.cfg.read(user); ok && slices.Contains(c.cfg.Inbound.Numbers, number) {
				return c, number
			}
		}
	}
	return nil, ""
}

// caller is who calls, as the carrier says: the asserted identity (RFC 3325), else
// From. Empty where the caller withheld it (RFC 3323), or the carrier says that it was
// found to be forged (RFC 8224, verstat).
func (c *Config) caller(req *sipgosip.Request) string {
	for _, h := range req.GetHeaders("Privacy") {
		for _, p := range strings.FieldsFunc(strings.ToLower(h.Value()), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if p == "id" || p == "user" || p == "header" {
				return ""
			}
		}
	}
	from := ""
	if f := req.From(); f != nil {
		from = f.Address.User
	}
	for _, h := range req.GetHeaders("P-Asserted-Identity") {
		if user := userOf(h.Value()); user != "" {
			from = user
			break
		}
	}
	if strings.Contains(strings.ToLower(from), "verstat=tn-validation-failed") {
		return ""
	}
	number, _ := c.read(from)
	return number
}

// userOf is the user part of the first URI of a header, with its parameters; for a tel
// URI (RFC 3966) its number.
func userOf(header string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if _, rest, is := strings.Cut(header, scheme); is {
			end := strings.IndexAny(rest, "@>, ")
			if end < 0 {
				return rest
			}
			return rest[:end]
		}
	}
	return ""
}

// read gives the E.164 form of a number as the carrier writes it; false where it is
// none. It undoes write, and takes a plus whatever the format.
func (c *Config) read(user string) (string, bool) {
	user, _, _ = strings.Cut(user, ";")
	user = strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(user) // visual separators, RFC 3966
	number, international := strings.CutPrefix(user, "+")
	if !international && c.NumberFormat == FormatNational {
		if rest, is := strings.CutPrefix(number, c.National.International); is {
			number = rest
		} else if rest, is := strings.CutPrefix(number, c.National.Prepend); is {
			number = c.National.Strip + rest
		}
	}
	if _, err := digitsOf(number); err != nil || number[0] == '0' {
		return "", false
	}
	return "+" + number, true
}

// came counts a call that came in and was let in.
func (t *Trunks) came(e sip.Incoming) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.carriers {
		if c.cfg.Name == e.Route.Trunk {
			t.callers[e.Leg] = c
			c.came++
			c.callers++
			c.channels++
		}
	}
}

// callerGone frees the channel of a call that came in; t.mu is held.
func (t *Trunks) callerGone(leg sip.LegID) {
	if c := t.callers[leg]; c != nil {
		delete(t.callers, leg)
		c.callers--
		c.channels--
	}
}

// Ring says to a caller that it rings here.
func (t *Trunks) Ring(leg sip.LegID) { t.agent.Ring(leg) }

// Accept answers a caller; sip.Answered follows.
func (t *Trunks) Accept(leg sip.LegID, body []byte) { t.agent.Accept(leg, body) }

// Strangers is how many calls from the addresses of carriers were refused that bring us
// none.
func (t *Trunks) Strangers() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.strangers
}
