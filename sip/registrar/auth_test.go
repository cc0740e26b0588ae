package registrar

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

func TestChallengeOffersStrongFirst(t *testing.T) {
	on := newOffice(Config{}).send(t, newPhone("anna", "").register(), desk)
	wantCode(t, on, 401)
	strong, weak := strings.Index(on, "algorithm=SHA-256"), strings.Index(on, "algorithm=MD5")
	if strong < 0 || weak < strong || strings.Count(on, `qop="auth"`) != 2 {
		t.Errorf("challenge:\n%s", on)
	}
	o := newOffice(Config{MD5: new(false)})
	p := newPhone("anna", "right")
	p.algorithm = "MD5"
	p.challenged(t, o.send(t, p.register(), desk))
	answer := o.send(t, p.register(), desk)
	wantCode(t, answer, 401)
	if strings.Contains(answer, "MD5") || o.Stats().Digests != 0 {
		t.Errorf("MD5 is off, but:\n%s", answer)
	}
}

func TestChallengeWithoutSHA256(t *testing.T) {
	o := newOffice(Config{SHA256: new(false)})
	p := newPhone("anna", "right")
	p.algorithm = "SHA-256"
	challenge := o.send(t, p.register(), desk)
	wantCode(t, challenge, 401)
	if strings.Contains(challenge, "SHA-256") || strings.Count(challenge, "algorithm=MD5") != 1 {
		t.Errorf("SHA-256 is off, but:\n%s", challenge)
	}
	p.challenged(t, challenge)
	wantCode(t, o.send(t, p.register(), desk), 401)
	if o.Stats().Digests != 0 {
		t.Error("SHA-256 is off, but taken")
	}
	p.algorithm = "MD5"
	p.challenged(t, challenge)
	wantCode(t, o.send(t, p.register(), desk), 200)
	if err := (Config{SHA256: new(false), MD5: new(false)}).Validate(); err == nil {
		t.Error("a registrar without any digest is valid")
	}
}

// What changes between two answers to two users.
var changes = regexp.MustCompile(`nonce="[^"]*"|tag=[^\r;]*|(anna|nope)|branch=[^;\r]*`)

func TestS03AnswersAreTheSame(t *testing.T) {
	answers := make(map[string]string)
	for _, user := range []string{"anna", "nope"} {
		o := newOffice(Config{})
		p := newPhone(user, "wrong")
		first := o.send(t, p.register(), desk)
		p.challenged(t, first)
		second := o.send(t, p.register(), desk)
		wantCode(t, second, 401)
		answers[user] = changes.ReplaceAllString(first+second, "X")
		if s := o.Stats(); s.Digests != 1 || s.Failures != 1 {
			t.Errorf("%s: stats = %+v, want one digest computed", user, s)
		}
	}
	if answers["anna"] != answers["nope"] {
		t.Errorf("answers differ:\n%s\n%s", answers["anna"], answers["nope"])
	}
}

// S-3: the time of an answer does not show whether the user exists either.
func TestS03TimingHidesUsers(t *testing.T) {
	o := newOffice(Config{BlockAfter: 1 << 30})
	took := map[string][]time.Duration{}
	tries := 2000
	if os.Getenv("OUTPACE_SECURITY") != "" {
		tries = 10_000
	}
	for i := range tries {
		o.at = o.at.Add(time.Second) // not a flood
		for _, user := range []string{"anna", "nope"} {
			p := newPhone(user, "wrong")
			p.branch = i
			p.challenged(t, o.send(t, p.register(), desk))
			req := parse(t, p.register(), desk)
			start := time.Now()
			o.register(req, func(*sipgosip.Response) {})
			took[user] = append(took[user], time.Since(start))
		}
	}
	median := func(user string) time.Duration {
		slices.Sort(took[user])
		return took[user][len(took[user])/2]
	}
	there, not := median("anna"), median("nope")
	t.Logf("medians %s and %s", there, not)
	if d := (there - not).Abs(); d > time.Millisecond {
		t.Errorf("medians differ by %s: %s for a user, %s for nobody", d, there, not)
	}
}

// Whatever stands in the credentials and the Contact of a stranger: an
// answer, no binding.
func FuzzRegister(f *testing.F) {
	p := newPhone("anna", "wrong")
	p.nonce = "x"
	f.Add(p.digest("REGISTER", registerURI), p.contact)
	f.Add(`Digest nc=-1, username="anna", realm="outpace", qop=auth, cnonce=""`, "*")
	f.Add(`Digest realm="outpace", nonce="", uri="sip:[::", algorithm=SHA-256`, "<sip:")
	f.Fuzz(func(t *testing.T, auth, contact string) {
		if strings.ContainsAny(auth+contact, "\r\n") || auth == "" {
			return
		}
		p := newPhone("anna", "wrong")
		p.contact = contact
		msg, err := sipgosip.NewParser().ParseSIP([]byte(p.request("REGISTER", registerURI, "sip:anna@outpace", auth)))
		if err != nil {
			return
		}
		req := msg.(*sipgosip.Request)
		req.SetSource(desk)
		req.SetTransport("UDP")
		o := newOffice(Config{})
		var res *sipgosip.Response
		o.register(req, func(r *sipgosip.Response) { res = r })
		if res == nil || res.StatusCode == 200 || len(o.Bindings()) != 0 {
			t.Errorf("answer %v, bindings %+v", res, o.Bindings())
		}
	})
}
