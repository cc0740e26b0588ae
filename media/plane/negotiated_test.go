package plane

import (
	"errors"
	"testing"

	"github.com/outpace-dialer/outpace/media"
)

const (
	theirOffer  = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
	theirAnswer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=setup:active\r\n"
)

var errBad = errors.New("bad description")

// softPage is a page whose descriptions come by the signalling.
type softPage struct {
	*pageEnd
	offers int
	bad    bool // it takes no description
}

func (p *softPage) Offer() ([]byte, error) {
	p.offers++
	return []byte("our offer"), nil
}

func (p *softPage) Answer([]byte) ([]byte, error) {
	if p.bad {
		return nil, errBad
	}
	return []byte("our answer"), nil
}

func (p *softPage) Accept([]byte) error {
	if p.bad {
		return errBad
	}
	return nil
}

func startNegotiated(t *testing.T, page *softPage) *rig {
	return start(t, func(c *Config) {
		c.Negotiate = func(media.LegID) media.Negotiated { return page }
	})
}

var webs = media.LegSpec{Kind: media.Operator, Owner: "anna", Encryption: media.AsBrowsers}

// A leg by SIP that speaks as browsers do is described by its wire, in our INVITE or in
// that of the phone, and bridged like any other.
func TestNegotiatedLeg(t *testing.T) {
	for name, raise := range map[string]func(*testing.T, *rig){
		"our offer": func(t *testing.T, r *rig) {
			if offer, err := r.Offer("o", webs); string(offer) != "our offer" || err != nil {
				t.Fatalf("offer %q, %v", offer, err)
			}
			if err := r.Accept("o", nil); !errors.Is(err, ErrNoAnswer) {
				t.Errorf("no answer: %v", err)
			}
			if err := r.Accept("o", []byte(theirAnswer)); err != nil {
				t.Fatal(err)
			}
		},
		"their offer": func(t *testing.T, r *rig) {
			if answer, err := r.Answer("o", media.LegSpec{Kind: media.Operator}, []byte(theirOffer)); string(answer) != "our answer" || err != nil {
				t.Fatalf("answer %q, %v", answer, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			page := &softPage{pageEnd: newPageEnd(t, media.ULaw, 700)}
			r := startNegotiated(t, page)
			raise(t, r)
			customer := newFarEnd(t, media.ULaw, 440)
			r.call("c", local, customer)
			r.Bridge("c", "o")
			stop := customer.keepTalking()
			page.talk(20)
			stop()
			if e := next[media.Bridged](r); e.Customer != "c" || e.FirstToOperator.IsZero() {
				t.Errorf("bridged = %+v", e)
			}
			if answer, err := r.Answer("o", webs, []byte(theirOffer)); string(answer) != "our answer" || err != nil {
				t.Errorf("a later offer: %q, %v", answer, err)
			}
			if offer, err := r.Reoffer("o"); string(offer) != "our offer" || err != nil {
				t.Errorf("an INVITE without one: %q, %v", offer, err)
			}
			if _, err := r.Answer("o", webs, []byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")); !errors.Is(err, ErrOtherKind) {
				t.Errorf("sockets for a wire: %v", err)
			}
			if _, err := r.Answer("c", webs, []byte(theirOffer)); !errors.Is(err, ErrOtherKind) {
				t.Errorf("a wire for sockets: %v", err)
			}
			r.Close("o")
			if !page.detached {
				t.Error("the wire is not let go")
			}
		})
	}
}

// A description that is not taken leaves no leg behind; that of a customer never is.
func TestNegotiatedLegIsRefused(t *testing.T) {
	page := &softPage{pageEnd: newPageEnd(t, media.ULaw, 700), bad: true}
	r := startNegotiated(t, page)
	if _, err := r.Answer("o", media.LegSpec{Kind: media.Operator}, []byte(theirOffer)); !errors.Is(err, errBad) {
		t.Errorf("error = %v", err)
	}
	if !page.detached {
		t.Error("the wire is not let go")
	}
	if _, ok := r.LegStats("o"); ok {
		t.Error("a leg is left")
	}
	if _, err := r.Answer("c", local, []byte(theirOffer)); err == nil || errors.Is(err, errBad) {
		t.Errorf("a customer's browser: %v", err)
	}
}
