package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/media/webrtc"
	"github.com/outpace-dialer/outpace/sip"
)

// operatorPhones are the operators' phones of both kinds as the engine and the API want
// them. A browser is called like a SIP phone, only that its audio is there before: the
// leg is answered as soon as the page is connected. Where a user has both, the browser
// is called: its operator has just asked for it.
type operatorPhones struct {
	phoneRoom
	browsers *webrtc.Exchange // nil: not taken
	plane    *plane.Plane
	tell     func(sip.Event)                          // to the engine; never blocks
	changed  func(user campaigns.UserID, p api.Phone) // to the user's pages

	mu   sync.Mutex
	legs map[string]*browserLeg // by user
}

// browserLeg is the leg that the engine has over a user's browser.
type browserLeg struct {
	id string
	up bool // told as answered
}

// openBrowsers opens the browsers' port where they are wanted.
func (a *App) openBrowsers(cfg config.Config) error {
	a.operators = &operatorPhones{tell: func(ev sip.Event) { a.engine.Signal(ev) }, changed: a.hub.PhoneChanged, legs: map[string]*browserLeg{}}
	if !cfg.Phones.Browser.Enabled {
		return nil
	}
	bc := cfg.Phones.Browser
	for _, name := range cfg.Media.Codecs { // validated
		law := media.ULaw
		if name == media.ALaw.String() {
			law = media.ALaw
		}
		bc.Laws = append(bc.Laws, law)
	}
	var err error
	if a.operators.browsers, err = webrtc.New(bc, a.operators.follow); err != nil {
		return fmt.Errorf("phones.browser.%w", err)
	}
	return nil
}

// wire is what carries a user's leg, nil where it goes by SIP.
func (p *operatorPhones) wire(user string) media.Wire {
	if p.browsers == nil {
		return nil
	}
	if phone := p.browsers.Phone(user); phone != nil {
		return phone
	}
	return nil
}

// negotiate makes the wires of legs by SIP that speak as browsers do; nil where none are
// taken.
func (p *operatorPhones) negotiate() func(media.LegID) media.Negotiated {
	if p.browsers == nil {
		return nil
	}
	return func(leg media.LegID) media.Negotiated { return p.browsers.Dialog(string(leg)) }
}

// run passes on what becomes of browsers until ctx ends.
func (p *operatorPhones) run(ctx context.Context) error {
	if p.browsers == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return p.browsers.Run(ctx)
}

// browser is the state of a user's browser; false where there is none.
func (p *operatorPhones) browser(user string) (webrtc.State, bool) {
	if p.browsers == nil {
		return webrtc.State{}, false
	}
	return p.browsers.State(user)
}

// Online says whether the user has a phone that can be called.
func (p *operatorPhones) Online(user string) bool {
	_, is := p.browser(user)
	return is || p.Registrar.Online(user)
}

// Call calls a user's phone; a nil offer is for their browser.
func (p *operatorPhones) Call(leg sip.LegID, user string, offer []byte) {
	if offer != nil {
		p.phoneRoom.Call(leg, user, offer)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &browserLeg{id: string(leg)}
	p.legs[user] = l
	switch s, is := p.browser(user); {
	case !is: // it went a moment ago
		p.end(user, sip.Cause{Text: "the browser is gone", Result: sip.ResultAbsent})
	case s.Connected:
		p.answer(l)
	}
}

// answer tells that a leg is up; p.mu is held.
func (p *operatorPhones) answer(l *browserLeg) {
	if !l.up {
		l.up = true
		p.tell(sip.Answered{Leg: sip.LegID(l.id), At: time.Now()})
	}
}

// end tells that the leg of a user's browser is over; p.mu is held.
func (p *operatorPhones) end(user string, why sip.Cause) {
	if l := p.legs[user]; l != nil {
		delete(p.legs, user)
		p.tell(sip.Ended{Leg: sip.LegID(l.id), Cause: why, WasUp: l.up, At: time.Now()})
	}
}

// Hangup ends a leg; the browser stays connected, as a phone stays registered.
func (p *operatorPhones) Hangup(leg string) {
	if !p.hangUpBrowser(leg) {
		p.phoneRoom.Hangup(leg)
	}
}

func (p *operatorPhones) hangUpBrowser(leg string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for user, l := range p.legs {
		if l.id == leg {
			p.end(user, sip.Cause{Q850: 16, Text: "normal call clearing"})
			return true
		}
	}
	return false
}

// follow tells the engine and the pages what became of a browser. One that is gone
// without a word may be a page that is loaded again: its leg waits until the audio has
// been away for too long.
func (p *operatorPhones) follow(ev webrtc.Event) {
	p.mu.Lock()
	l := p.legs[ev.User]
	switch ev.What {
	case webrtc.Connected:
		if l != nil {
			p.answer(l)
		}
		p.tell(sip.PhoneOnline{User: ev.User, At: time.Now()})
	case webrtc.HungUp:
		p.end(ev.User, sip.Cause{Q850: 16, Text: "the operator hung up"})
	case webrtc.Gone:
		if l != nil && !l.up {
			p.end(ev.User, sip.Cause{Text: "the browser did not connect", Result: sip.ResultNoAnswer})
		}
	}
	leg := ""
	if l != nil {
		leg = l.id
	}
	p.mu.Unlock()
	p.changed(campaigns.UserID(ev.User), p.Phone(campaigns.UserID(ev.User), leg))
}

// Connect answers a page's offer; see api.BrowserPhone.
func (p *operatorPhones) Connect(_ context.Context, user campaigns.UserID, offer string) (answer, session string, err error) {
	if p.browsers == nil {
		return "", "", api.ErrBrowserPhoneOff
	}
	answer, session, err = p.browsers.Connect(string(user), offer)
	if refused, is := errors.AsType[*webrtc.OfferError](err); is {
		err = &api.PhoneError{Code: refused.Code, Detail: refused.Detail}
	}
	return answer, session, err
}

// Disconnect hangs a page up; see api.BrowserPhone.
func (p *operatorPhones) Disconnect(_ context.Context, user campaigns.UserID, session string) {
	if p.browsers != nil {
		p.browsers.Disconnect(string(user), session)
	}
}

// Phone is a user's phone now; see api.BrowserPhone.
func (p *operatorPhones) Phone(user campaigns.UserID, leg string) api.Phone {
	v := api.Phone{Kind: api.PhoneNone}
	p.mu.Lock()
	l := p.legs[string(user)]
	p.mu.Unlock()
	s, is := p.browser(string(user))
	switch overSIP := leg != "" && (l == nil || l.id != leg); {
	case overSIP:
		v.Kind, v.Connected, v.OnLeg = api.PhoneSIP, p.Registrar.Online(string(user)), true
	case is || l != nil:
		v.Kind, v.Connected, v.Session, v.OnLeg = api.PhoneBrowser, s.Connected, s.Session, l != nil
	case p.Registrar.Online(string(user)):
		v.Kind, v.Connected = api.PhoneSIP, true
	}
	if stats, is := p.plane.LegStats(media.LegID(leg)); is {
		v.Lost, v.FarLost = stats.Lost, stats.FarLost
		v.Jitter, v.RoundTrip = stats.Jitter.Seconds(), stats.RoundTrip.Seconds()
	}
	return v
}

// samples are the browsers' figures.
func (p *operatorPhones) samples() []metrics.Sample {
	s := p.plane.Stats()
	all := []metrics.Sample{
		gauge("operator_legs", "Legs of operators, by the kind of their phone.", float64(s.Operators-s.Browsers), "kind", "sip"),
		gauge("operator_legs", "Legs of operators, by the kind of their phone.", float64(s.Browsers), "kind", "webrtc"),
	}
	if p.browsers == nil {
		return all
	}
	b := p.browsers.Stats()
	return append(all,
		gauge("webrtc_connections", "Browsers that are phones, by state.", float64(b.Connected), "state", "connected"),
		gauge("webrtc_connections", "Browsers that are phones, by state.", float64(b.Pending), "state", "connecting"),
		counter("webrtc_connects_total", "Connections of browsers that came up.", b.Connects),
		counter("webrtc_take_overs_total", "Of these, those that took the place of another: a second tab, a page that was loaded again.", b.TakeOvers),
		counter("webrtc_ice_failures_total", "Connections of browsers that never came up, or from which nothing came any more.", b.Failed),
		counter("webrtc_received_packets_total", "RTP packets of browsers.", b.Received),
		counter("webrtc_sent_packets_total", "RTP packets to browsers.", b.Sent),
		counter("webrtc_stray_datagrams_total", "Datagrams on the browsers' port that belong to no connection.", b.Strays),
	)
}
