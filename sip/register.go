package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Binding is our contact at a registrar of others (RFC 3261 section 10): a
// carrier that sends calls, or takes them, only where somebody has registered.
// It remembers Call-ID, CSeq and challenges from one Register to the next, so
// one goroutine at a time may use it.
type Binding struct {
	Transport   string
	Destination string // host:port of the registrar
	RequestURI  string // its domain: "sip:carrier.example"
	Address     string // address of record: "sip:user@carrier.example"
	Credentials *Credentials

	dialog Dialog
	nonces nonces
}

// Registered is a registrar's answer.
type Registered struct {
	Code       int
	Text       string
	Expires    time.Duration // of our contact, 0 if it holds none of ours
	MinExpires time.Duration // what a 423 asks for, 0 if nothing
	RetryAfter time.Duration // what the answer asks for, 0 if nothing
}

// Register asks the registrar to keep our contact for as long as expires says,
// rounded up to seconds; 0 removes it. Challenges are answered. It blocks until
// the final response, the end of ctx or 32 s (Timer F); a refusal is no error.
func (a *Agent) Register(ctx context.Context, b *Binding, expires time.Duration) (Registered, error) {
	res, err := a.challenged(ctx, b, func() []Header {
		return []Header{{"Contact", a.contactURI(b.Transport)}, {"Expires", seconds(expires)}}
	})
	if err != nil {
		return Registered{}, fmt.Errorf("register %s: %w", b.Destination, err)
	}
	return a.registered(res, expires), nil
}

// challenged sends a REGISTER with the given headers until it is answered by
// something else than a challenge that we can answer.
func (a *Agent) challenged(ctx context.Context, b *Binding, headers func() []Header) (*sipgosip.Response, error) {
	if b.dialog.CallID == "" {
		b.dialog = NewDialog(a.cfg.Name, b.Transport, b.Destination, b.RequestURI, b.Address, b.Address, "")
		b.nonces = nonces{}
	}
	b.dialog.Transport, b.dialog.Destination = b.Transport, b.Destination
	for challenged := 0; ; challenged++ {
		res, err := a.register(ctx, b, headers)
		if err != nil {
			return nil, err
		}
		challenges := challengesOf(res)
		wanted := (res.StatusCode == 401 || res.StatusCode == 407) && b.Credentials != nil
		if !wanted || challenged >= maxAttempts-1 || !answerable(challenges, challenged > 0) {
			return res, nil
		}
		b.nonces.learn(b.Destination, b.Credentials, challenges)
	}
}

func (a *Agent) register(ctx context.Context, b *Binding, headers func() []Header) (*sipgosip.Response, error) {
	if _, ok := a.contact[b.Transport]; !ok {
		return nil, errors.New("no " + b.Transport + " listener")
	}
	s := send{method: "REGISTER", cseq: b.dialog.CSeq, peer: &peer{target: b.RequestURI}}
	b.dialog.CSeq++
	s.extra = append(b.nonces.authorize(b.Destination, b.Credentials, s.method, b.RequestURI, nil), headers()...)
	res, _, err := a.ask(ctx, b.dialog, s)
	return res, err
}

func challengesOf(res *sipgosip.Response) []challenge {
	var all []challenge
	for _, v := range headerValues(res, "www-authenticate") {
		all = append(all, challenge{value: v})
	}
	for _, v := range headerValues(res, "proxy-authenticate") {
		all = append(all, challenge{proxy: true, value: v})
	}
	return all
}

// registered reads an answer. What our contact was given stands in its own
// expires parameter, else in the Expires header, else it is what we asked for.
func (a *Agent) registered(res *sipgosip.Response, asked time.Duration) Registered {
	r := Registered{
		Code: res.StatusCode, Text: clean(res.Reason),
		MinExpires: parseDelta(headerValue(res, "min-expires")),
		RetryAfter: parseDelta(withoutComment(headerValue(res, "retry-after"))),
	}
	if r.Code < 200 || r.Code > 299 || asked <= 0 {
		return r
	}
	r.Expires = asked
	if given := parseDelta(headerValue(res, "expires")); given > 0 {
		r.Expires = given
	}
	if given, found := a.ownExpires(res); found {
		r.Expires = given
	}
	return r
}

// ownExpires finds our contact among those that a registrar lists: the one with
// our address. An edge that rewrites addresses lists another; then, the first.
func (a *Agent) ownExpires(res *sipgosip.Response) (given time.Duration, found bool) {
	for _, value := range headerValues(res, "contact") {
		for _, contact := range splitQuoted(value, ',') {
			expires, ok := contactExpires(contact)
			switch {
			case ok && a.isOwn(contact):
				return expires, true
			case ok && !found:
				given, found = expires, true
			}
		}
	}
	return given, found
}

// contactExpires reads the expires parameter behind the URI of a contact.
func contactExpires(contact string) (time.Duration, bool) {
	_, params, _ := strings.Cut(contact, ">")
	for _, p := range splitQuoted(params, ';') {
		name, value := parameter(p)
		if n, err := strconv.Atoi(value); name == "expires" && err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second, maxSession), true
		}
	}
	return 0, false
}

func (a *Agent) isOwn(contact string) bool {
	for _, host := range a.sentBy {
		if strings.Contains(contact, "sip:outpace@"+host+">") || strings.Contains(contact, "sip:outpace@"+host+";") {
			return true
		}
	}
	return false
}
