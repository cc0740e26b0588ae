package registrar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// fakeAgent hands requests to the registrar without a network.
type fakeAgent struct {
	handlers map[string]func(*sipgosip.Request, func(*sipgosip.Response))
	admit    func(sip.Incoming, *sipgosip.Request) (sip.Incoming, *sipgosip.Response)
	invites  []sip.Invitation
	commands []string

	mu      sync.Mutex
	asked   []string
	options func(transport string) error
	code    int // of the answer to OPTIONS; 0: 200
}

func (f *fakeAgent) Handle(method string, h func(*sipgosip.Request, func(*sipgosip.Response))) {
	if f.handlers == nil {
		f.handlers = make(map[string]func(*sipgosip.Request, func(*sipgosip.Response)))
	}
	f.handlers[method] = h
}
func (f *fakeAgent) Admit(h func(sip.Incoming, *sipgosip.Request) (sip.Incoming, *sipgosip.Response)) {
	f.admit = h
}
func (f *fakeAgent) Invite(_ sip.LegID, inv sip.Invitation) { f.invites = append(f.invites, inv) }
func (f *fakeAgent) Accept(leg sip.LegID, _ []byte) {
	f.commands = append(f.commands, "accept "+string(leg))
}
func (f *fakeAgent) Hangup(leg sip.LegID, _ sip.Cause) {
	f.commands = append(f.commands, "hangup "+string(leg))
}
func (f *fakeAgent) Reply(leg sip.LegID, _ []byte) {
	f.commands = append(f.commands, "reply "+string(leg))
}
func (f *fakeAgent) OptionsBy(_ context.Context, routes []string, transport, destination, _ string) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.Join(append(slices.Clone(routes), destination), " "))
	if err := f.options(transport); err != nil {
		return 0, 0, err
	}
	return cmp.Or(f.code, 200), time.Millisecond, nil
}

// book is the users of a test.
type book map[string]Secret

func (b book) Digest(user string) (Secret, bool) { s, ok := b[user]; return s, ok }

func someUsers() book {
	return book{"anna": HA1("anna", "outpace", "right"), "ben": HA1("ben", "outpace", "also right")}
}

// office is a registrar with a fake agent and a clock that stands still.
type office struct {
	*Registrar
	agent  *fakeAgent
	at     time.Time
	events []sip.Event
}

func newOffice(cfg Config) *office {
	o := &office{agent: &fakeAgent{}, at: epoch}
	o.Registrar = New(cfg, o.agent, someUsers(), func(ev sip.Event) { o.events = append(o.events, ev) }, func() time.Time { return o.at })
	return o
}

// send gives a request to the registrar as the network would; empty: no answer.
func (o *office) send(t testing.TB, raw, source string) string {
	t.Helper()
	req := parse(t, raw, source)
	from := netip.MustParseAddrPort(source)
	if transportOf(req) == "udp" && !o.Allow(from) {
		return ""
	}
	var res *sipgosip.Response
	if req.Method == sipgosip.INVITE {
		in, reject := o.agent.admit(sip.Incoming{Leg: "in", Dialed: req.Recipient.User}, req)
		if reject == nil {
			return "admitted " + in.User
		}
		res = reject
	} else {
		o.agent.handlers[string(req.Method)](req, func(r *sipgosip.Response) { res = r })
	}
	o.flush()
	if res == nil {
		return ""
	}
	return res.String()
}

// login registers a phone, with the challenge.
func (o *office) login(t testing.TB, p *phone, source string) string {
	t.Helper()
	p.nonce = ""
	p.challenged(t, o.send(t, p.register(), source))
	return o.send(t, p.register(), source)
}

func wantCode(t testing.TB, response string, code int) {
	t.Helper()
	if !strings.HasPrefix(response, fmt.Sprintf("SIP/2.0 %d ", code)) {
		t.Fatalf("want %d, got\n%s", code, response)
	}
}

const desk = "198.51.100.7:40001" // behind NAT: not what the phone's Contact says

func TestRegister(t *testing.T) {
	for _, algorithm := range []string{"SHA-256", "MD5", ""} {
		for _, transport := range []string{"UDP", "TCP"} {
			o := newOffice(Config{})
			p := newPhone("anna", "right")
			p.algorithm, p.transport = algorithm, transport
			p.extra = "User-Agent: Desk 3000\r\nExpires: 300\r\n"
			answer := o.login(t, p, desk)
			wantCode(t, answer, 200)
			if !strings.Contains(answer, "Contact: <sip:anna@10.0.0.9:5060>;expires=120\r\n") {
				t.Errorf("answer has no binding cut down to 120 s:\n%s", answer)
			}
			b := o.Bindings()
			if len(b) != 1 || b[0].Source.String() != desk || b[0].Transport != strings.ToLower(transport) ||
				b[0].UserAgent != "Desk 3000" || !b[0].Expires.Equal(epoch.Add(2*time.Minute)) {
				t.Errorf("bindings = %+v", b)
			}
			if len(o.events) != 1 || o.events[0].(sip.PhoneOnline).User != "anna" || !o.Online("anna") {
				t.Errorf("events = %v", o.events)
			}
		}
	}
}

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

func TestRegisterRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*phone)
		want  int
	}{
		{"for another user", func(p *phone) { p.extra = "" }, 403}, // To is changed below
		{"star among others", func(p *phone) { p.contact, p.extra = "*", "Contact: <sip:anna@10.0.0.9>\r\nExpires: 0\r\n" }, 400},
		{"star without expires 0", func(p *phone) { p.contact = "*" }, 400},
		{"too brief", func(p *phone) { p.contact += ";expires=59" }, 423},
		{"a tel URI", func(p *phone) { p.contact = "<tel:+48221234567>" }, 400},
		{"nine contacts", func(p *phone) { p.contact = strings.Repeat("<sip:a@h>,", 8) + "<sip:a@h>" }, 400},
	}
	for _, tt := range tests {
		o := newOffice(Config{})
		p := newPhone("anna", "right")
		p.challenged(t, o.send(t, p.register(), desk))
		tt.spoil(p)
		to := "sip:anna@outpace"
		if tt.want == 403 {
			to = "sip:ben@outpace"
		}
		answer := o.send(t, p.request("REGISTER", registerURI, to, p.digest("REGISTER", registerURI)), desk)
		if !strings.HasPrefix(answer, fmt.Sprintf("SIP/2.0 %d ", tt.want)) || len(o.Bindings()) != 0 {
			t.Errorf("%s: want %d and no binding, got\n%s", tt.name, tt.want, answer)
		}
		if tt.want == 423 && !strings.Contains(answer, "Min-Expires: 60\r\n") {
			t.Errorf("423 without Min-Expires:\n%s", answer)
		}
	}
}

// S-5: a captured request is worth nothing, later, elsewhere or changed.
func TestS05Replay(t *testing.T) {
	const elsewhere = "198.51.100.99:5060"
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	p.challenged(t, o.send(t, p.register(), desk))
	captured := p.digest("REGISTER", registerURI)
	good := func() string {
		p.cseq++
		p.branch++
		return p.repeat("REGISTER", registerURI, "sip:anna@outpace", captured)
	}
	wantCode(t, o.send(t, good(), desk), 200)
	invite := func(uri string) string { return p.request("INVITE", uri, uri, captured) }

	tests := []struct {
		name   string
		raw    string
		source string
		after  time.Duration
		want   int
	}{
		{"after 1 s", good(), desk, time.Second, 401},
		{"from another port", good(), "198.51.100.7:40002", time.Second, 401},
		{"from another address", good(), elsewhere, time.Second, 401},
		{"with another URI", p.request("REGISTER", "sip:other", "sip:anna@outpace", captured), desk, time.Second, 400},
		{"as another method", invite(registerURI), desk, time.Second, 401},
		{"after 31 s", good(), desk, 31 * time.Second, 401},
	}
	for _, tt := range tests {
		o.at = epoch.Add(tt.after)
		answer := o.send(t, tt.raw, tt.source)
		if !strings.HasPrefix(answer, fmt.Sprintf("SIP/2.0 %d ", tt.want)) {
			t.Errorf("%s: want %d, got\n%s", tt.name, tt.want, answer)
		}
		if fromUs := tt.source != elsewhere; tt.want == 401 && tt.name != "as another method" && strings.Contains(answer, "stale=true") != fromUs {
			t.Errorf("%s: stale=true is %v, want %v", tt.name, !fromUs, fromUs)
		}
	}
	if s := o.Stats(); s.Registers != 1 || s.Replays != 2 {
		t.Errorf("stats = %+v, want one register and two replays", s)
	}
	o.at = epoch.Add(2 * time.Second)
	wantCode(t, o.send(t, p.register(), desk), 200) // the count rises: no new challenge needed
}

func TestNonceCountsSurviveAFullTable(t *testing.T) {
	n := newNonces("outpace")
	n.used = newLRU[string, int](2)
	home := netip.MustParseAddr("198.51.100.7")
	first := n.issue(epoch, home)
	n.use(first, 1)
	for i := range 2 {
		n.use(n.issue(epoch.Add(time.Duration(i+1)), home), 1)
	}
	if got := n.check(epoch, first, home); got != stale {
		t.Errorf("a nonce whose count was forgotten is %v, want stale", got)
	}
	later := n.issue(epoch.Add(time.Second), home)
	if got := n.check(epoch.Add(time.Second), later, home); got != fresh {
		t.Errorf("a new nonce is %v, want fresh", got)
	}
}

func FuzzNonce(f *testing.F) {
	n := newNonces("outpace")
	home := netip.MustParseAddr("198.51.100.7")
	f.Add(n.issue(epoch, home)[1:])
	f.Add("")
	f.Fuzz(func(t *testing.T, nonce string) {
		if n.check(epoch, nonce, home) != forged {
			t.Errorf("%q is taken for ours", nonce)
		}
	})
}

// S-4: one address guesses at one account.
func TestS04Guesser(t *testing.T) {
	o := newOffice(Config{})
	p := newPhone("anna", "wrong")
	answered := 0
	for range 200 {
		p.nonce = ""
		first := o.send(t, p.register(), desk)
		if first == "" {
			continue
		}
		p.challenged(t, first)
		if o.send(t, p.register(), desk) != "" {
			answered++
		}
		o.at = o.at.Add(100 * time.Millisecond)
	}
	if s := o.Stats(); s.Digests > 10 || s.Guessers != 1 || answered != 5 {
		t.Errorf("%d answers, stats %+v; want 5 answers, at most 10 digests and one block", answered, s)
	}
	o.at = o.at.Add(10 * time.Minute)
	p.password = "right"
	wantCode(t, o.login(t, p, desk), 200)
}

// S-4: many addresses guess at one account; its owner works on.
func TestS04AccountUnderAttack(t *testing.T) {
	o := newOffice(Config{})
	owner := newPhone("anna", "right")
	wantCode(t, o.login(t, owner, desk), 200)
	before := o.Stats().Digests
	for i := range 500 {
		p := newPhone("anna", "wrong")
		source := fmt.Sprintf("203.0.%d.%d:5060", 113+i/250, i%250+1)
		p.challenged(t, o.send(t, p.register(), source))
		wantCode(t, o.send(t, p.register(), source), 401)
		o.at = o.at.Add(20 * time.Millisecond) // 10 s in all
	}
	if n := o.Stats().Digests - before; n < 10 || n > 16 {
		t.Errorf("%d passwords were checked in 10 s, want 5 and then one a second", n)
	}
	wantCode(t, o.login(t, owner, "198.51.100.7:41000"), 200) // new port, known address
}

// One phone with an old password does not lock out its office.
func TestOldPasswordBlocksOnlyItsUser(t *testing.T) {
	o := newOffice(Config{})
	wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
	old := newPhone("ben", "old")
	const oldDesk = "198.51.100.7:40055"
	for range 10 {
		o.login(t, old, oldDesk)
	}
	if s := o.Stats(); s.Failures != 5 || s.Throttled != 5 {
		t.Errorf("stats = %+v, want 5 failures and 5 refused tries", s)
	}
	again := newPhone("anna", "right")
	again.callID = "after-a-restart"
	wantCode(t, o.login(t, again, "198.51.100.7:40077"), 200)
}

// S-7, and S-3: a scanner is heard for 100 messages.
func TestS07Flood(t *testing.T) {
	o := newOffice(Config{})
	const scanner = "203.0.113.50"
	heard := 0
	for i := range 1000 { // ports change, the address does not
		if o.Allow(netip.AddrPortFrom(netip.MustParseAddr(scanner), uint16(1024+i))) {
			heard++
		}
		o.at = o.at.Add(time.Millisecond)
	}
	if heard != floodLimit || o.Stats().Flooders != 1 || o.Stats().Dropped != 900 {
		t.Errorf("heard %d messages, want %d; stats %+v", heard, floodLimit, o.Stats())
	}
	o.at = o.at.Add(floodBlock)
	if !o.Allow(netip.MustParseAddrPort(scanner + ":5060")) {
		t.Error("still blocked after 5 minutes")
	}
	for range 1000 { // 50 a second is not a flood
		o.at = o.at.Add(20 * time.Millisecond)
		if !o.Allow(netip.MustParseAddrPort("203.0.113.51:5060")) {
			t.Fatal("a source that behaves was blocked")
		}
	}
	wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
	for range 1000 {
		if !o.Allow(netip.MustParseAddrPort(desk)) {
			t.Fatal("a registered phone was blocked")
		}
	}
}

func TestNetworkIsOneSource(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1":             "192.0.2.1",
		"::ffff:192.0.2.1":      "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":  "2001:db8:1:2::",
		"fe80::1234:5678%eth0":  "fe80::",
		"2001:db8:1:2:ffff::99": "2001:db8:1:2::",
	} {
		if got := network(netip.MustParseAddr(a)).String(); got != want {
			t.Errorf("network(%s) = %s, want %s", a, got, want)
		}
	}
}

func TestS06TablesAreBounded(t *testing.T) {
	g := newGuard(5, time.Minute)
	for i := range tableSize + 5000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		g.hear(epoch, a)
		g.failed(epoch, a, fmt.Sprint(i))
	}
	if g.sources.len() != tableSize || g.users.len() != tableSize || g.pairs.len() > tableSize {
		t.Errorf("%d sources, %d users, %d pairs; want at most %d", g.sources.len(), g.users.len(), g.pairs.len(), tableSize)
	}
}

func TestUnregister(t *testing.T) {
	for name, leave := range map[string]func(*phone){
		"contact":        func(p *phone) { p.contact += ";expires=0" },
		"expires header": func(p *phone) { p.extra = "Expires: 0\r\n" },
		"star":           func(p *phone) { p.contact, p.extra = "*", "Expires: 0\r\n" },
		"among others":   func(p *phone) { p.contact = "<sip:old@10.9.9.9>;expires=0, " + p.contact + ";expires=0" },
	} {
		o := newOffice(Config{})
		p := newPhone("anna", "right")
		wantCode(t, o.login(t, p, desk), 200)
		leave(p)
		answer := o.send(t, p.register(), desk)
		wantCode(t, answer, 200)
		if strings.Contains(answer, "Contact:") || o.Online("anna") || len(o.events) != 2 || o.events[1].(sip.PhoneOffline).User != "anna" {
			t.Errorf("%s: events %v, answer\n%s", name, o.events, answer)
		}
	}
}

func TestNewestPhoneWins(t *testing.T) {
	o := newOffice(Config{})
	old, next := newPhone("anna", "right"), newPhone("anna", "right")
	next.callID, next.contact = "other", "<sip:anna@10.0.0.10:5062>"
	wantCode(t, o.login(t, old, desk), 200)
	wantCode(t, o.login(t, next, "198.51.100.8:5062"), 200)
	old.contact += ";expires=0"
	wantCode(t, o.login(t, old, desk), 200) // it says goodbye, but is not the one any more
	b := o.Bindings()
	if len(b) != 1 || b[0].Contact != "sip:anna@10.0.0.10:5062" || len(o.events) != 1 {
		t.Errorf("bindings %+v, events %v", b, o.events)
	}
	// A query changes nothing and tells the binding.
	next.contact = ""
	if answer := o.send(t, next.register(), "198.51.100.8:5062"); !strings.Contains(answer, "10.0.0.10:5062>;expires=120") {
		t.Errorf("query:\n%s", answer)
	}
}

func TestOldRegisterOutOfOrder(t *testing.T) {
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	wantCode(t, o.login(t, p, desk), 200)
	p.cseq--
	wantCode(t, o.send(t, p.repeat("REGISTER", registerURI, "sip:anna@outpace", p.digest("REGISTER", registerURI)), desk), 500)
}

func TestS02PhonesReachOnlyTheirLeg(t *testing.T) {
	tests := []struct {
		dialed string
		want   string
	}{
		{"outpace", "admitted anna"},
		{"*71", "admitted anna"},
		{"*711234", "admitted anna"},
		{"*", "SIP/2.0 403"},
		{"*71*", "SIP/2.0 403"},
		{"71", "SIP/2.0 403"},
		{"Outpace", "SIP/2.0 403"},
		{"outpace2", "SIP/2.0 403"},
		{"+48600100200", "SIP/2.0 403"},
		{"00882123456", "SIP/2.0 403"},
		{"ben", "SIP/2.0 403"},
		{"*12345678901234567", "SIP/2.0 403"},
	}
	for _, tt := range tests {
		o := newOffice(Config{})
		p := newPhone("anna", "right")
		uri := "sip:" + tt.dialed + "@outpace"
		first := o.send(t, p.request("INVITE", uri, uri, ""), desk)
		wantCode(t, first, 401)
		p.challenged(t, first)
		if got := o.send(t, p.request("INVITE", uri, uri, p.digest("INVITE", uri)), desk); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: want %s, got\n%s", tt.dialed, tt.want, got)
		}
	}
	// From must be the user who has the password.
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	uri := "sip:outpace@outpace"
	p.challenged(t, o.send(t, p.request("INVITE", uri, uri, ""), desk))
	auth := p.digest("INVITE", uri)
	p.user = "ben"
	wantCode(t, o.send(t, p.request("INVITE", uri, uri, auth), desk), 403)
}

func TestOptions(t *testing.T) {
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	ask := func(source string) string {
		return o.send(t, p.request("OPTIONS", "sip:outpace", "sip:outpace", ""), source)
	}
	if got := ask(desk); got != "" {
		t.Errorf("a stranger got\n%s", got)
	}
	wantCode(t, o.login(t, p, desk), 200)
	if got := ask(desk); !strings.HasPrefix(got, "SIP/2.0 200") || !strings.Contains(got, "Allow: INVITE") {
		t.Errorf("a registered phone got\n%s", got)
	}
}

func TestCall(t *testing.T) {
	o := newOffice(Config{})
	o.Call("leg-0", "anna", nil, "")
	if len(o.events) != 0 {
		t.Fatal("Call emitted by itself: the engine's loop would wait for its own inbox")
	}
	o.flush()
	if ended, ok := o.events[0].(sip.Ended); !ok || ended.Leg != "leg-0" || ended.Cause.Result != sip.ResultAbsent {
		t.Errorf("without a phone: %+v", o.events)
	}
	p := newPhone("anna", "right")
	p.transport = "TCP"
	wantCode(t, o.login(t, p, desk), 200)
	o.Call("leg-1", "anna", []byte("offer"), "id-1")
	inv := o.agent.invites[0]
	if d := inv.Dialog; d.Destination != desk || d.Transport != "tcp" || d.RequestURI != "sip:anna@10.0.0.9:5060" ||
		d.CallID != "id-1" || d.Agent != "phones" || d.RemoteURI != "sip:anna@outpace" || d.LocalURI != "sip:outpace@outpace" {
		t.Errorf("dialog = %+v", d)
	}
	want := []sip.Header{
		{Name: "Answer-Mode", Value: "Auto"},
		{Name: "Call-Info", Value: "<sip:outpace>;answer-after=0"},
		{Name: "Alert-Info", Value: "<http://www.notused.com>;info=alert-autoanswer;delay=0"},
	}
	if !slices.Equal(inv.Headers, want) || string(inv.Body) != "offer" || inv.RingTimeout != 30*time.Second {
		t.Errorf("invitation = %+v", inv)
	}
	o.Accept("a", nil)
	o.Hangup("b", sip.Cause{})
	o.Reply("c", nil)
	if got := strings.Join(o.agent.commands, ","); got != "accept a,hangup b,reply c" {
		t.Errorf("commands = %s", got)
	}
}

func TestDisconnected(t *testing.T) {
	o := newOffice(Config{})
	tcp, udp := newPhone("anna", "right"), newPhone("ben", "also right")
	tcp.transport = "TCP"
	wantCode(t, o.login(t, tcp, desk), 200)
	wantCode(t, o.login(t, udp, desk), 200) // the same port number, but not the same flow
	o.Disconnected(netip.MustParseAddrPort("198.51.100.7:1"))
	o.Disconnected(netip.MustParseAddrPort("[::ffff:198.51.100.7]:40001"))
	o.flush()
	if o.Online("anna") || !o.Online("ben") || o.Stats().LostFlows != 1 {
		t.Errorf("bindings = %+v", o.Bindings())
	}
}

// runOffice runs a registrar in a bubble and returns how to look at it.
func runOffice(t *testing.T, answers func(transport string) error) *office {
	o := &office{agent: &fakeAgent{options: answers}}
	var mu sync.Mutex
	o.Registrar = New(Config{}, o.agent, someUsers(), func(ev sip.Event) {
		mu.Lock()
		defer mu.Unlock()
		o.events = append(o.events, ev)
	}, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return o
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runOffice(t, func(string) error { return nil })
		wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
		time.Sleep(119 * time.Second)
		synctest.Wait()
		if !o.Online("anna") {
			t.Error("gone before it expired")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if o.Online("anna") || len(o.events) != 2 {
			t.Errorf("still there after it expired: %v", o.events)
		}
		if n := len(o.agent.asked); n < 3 || n > 6 {
			t.Errorf("asked %d times in 120 s, want about 5", n)
		}
	})
}

func TestLostFlow(t *testing.T) {
	timeout := fmt.Errorf("options: %w", context.DeadlineExceeded)
	tests := []struct {
		transport string
		err       error
		asked     int
	}{
		{"UDP", timeout, 3},
		{"UDP", errors.New("unreachable"), 3},
		{"TCP", timeout, 3},
		{"TCP", errors.New("connection refused"), 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			o := runOffice(t, func(string) error { return tt.err })
			p := newPhone("anna", "right")
			p.transport = tt.transport
			wantCode(t, o.login(t, p, desk), 200)
			time.Sleep(110 * time.Second)
			synctest.Wait()
			if o.Online("anna") || o.Stats().LostFlows != 1 || len(o.agent.asked) != tt.asked {
				t.Errorf("%s, %v: asked %d times, want %d; bindings %+v", tt.transport, tt.err, len(o.agent.asked), tt.asked, o.Bindings())
			}
			if _, ok := o.events[len(o.events)-1].(sip.PhoneOffline); !ok {
				t.Errorf("events = %v", o.events)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("zero configuration: %v", err)
	}
	for key, cfg := range map[string]Config{
		"realm":        {Realm: "a b"},
		"expires":      {Expires: 59 * time.Second},
		"block_after":  {BlockAfter: -1},
		"block_for":    {BlockFor: time.Millisecond},
		"offices":      {Offices: []string{"198.51.100.7/24x"}},
		"keep_alive":   {KeepAlive: time.Hour},
		"ring_timeout": {RingTimeout: time.Millisecond},
	} {
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+":") {
			t.Errorf("error = %v, want it to name %s", err, key)
		}
	}
}

func TestSplitList(t *testing.T) {
	got := splitList(`"Doe, Jane" <sip:a@h;x=1,2>;q=1, <sip:b@h>,*`)
	if want := []string{`"Doe, Jane" <sip:a@h;x=1,2>;q=1`, "<sip:b@h>", "*"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzContacts(f *testing.F) {
	f.Add("<sip:a@h>;expires=60, *")
	f.Add(`"\",<" <sip:a@h>`)
	f.Add("\x00<>\"")
	f.Fuzz(func(t *testing.T, value string) {
		for _, part := range splitList(value) {
			c, err := parseContact(part, -1)
			if err == nil && !c.all && strings.ContainsAny(c.uri, "<>\" ") {
				t.Errorf("%q gives the URI %q, which would break out of its brackets", value, c.uri)
			}
		}
	})
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
