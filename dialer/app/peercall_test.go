package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// runPhone runs a phone until the test ends.
func runPhone(t *testing.T, cfg phone.Config) *phone.Phone {
	t.Helper()
	cfg.OnFault = func(f phone.Fault) { t.Errorf("%s: the dialer broke protocol: %+v", cfg.User, f) }
	p, err := phone.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }() // the cleanup waits for it
	t.Cleanup(func() {
		cancel()
		if err := eventually.Comes(t, patience, "the phone ends", ended); err != nil {
			t.Error(err)
		}
	})
	return p
}

// dayZone is a zone in which leads may be called whenever the test runs.
func dayZone(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"Asia/Tokyo", "Europe/London", "America/Los_Angeles"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		if h := time.Now().In(zone).Hour(); h >= 9 && h < 20 {
			return name
		}
	}
	t.Fatal("no zone is open")
	return ""
}

// handDialled fills a store with a campaign whose operators may call whom they choose.
func handDialled(t *testing.T, store Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(store.SaveList(ctx, campaigns.List{ID: "hand", Source: "made up", ConsentBasis: "fictitious", Verified: true, CreatedAt: now}))
	c := campaigns.Campaign{
		ID: "hand", State: campaigns.Running, Lists: []campaigns.ListID{"hand"}, Trunks: "default", CallerIDs: []string{"+9995550001"}, Detection: "before",
		Pacing: campaigns.Pacing{Mode: campaigns.Progressive, AbandonmentLimit: 0.03}, Dispositions: campaigns.DefaultDispositions(),
		Recording: campaigns.RecordNever, ManualDial: true, CreatedAt: now,
	}
	must(c.Validate())
	_, err := store.SaveCampaign(ctx, c)
	must(err)
	var leads []campaigns.Lead
	for i := range 6 { // each of two nodes holds one to be dialled next
		leads = append(leads, campaigns.Lead{ExternalID: fmt.Sprint("x", i), Numbers: []campaigns.Number{
			{E164: fmt.Sprint("+99977700", 10+i), Kind: campaigns.Mobile, Zones: []string{dayZone(t)}, Regions: []string{"DEMO"}},
		}})
	}
	_, err = store.AddLeads(ctx, "hand", leads)
	must(err)
	must(AddUser(ctx, store, NewUser{ID: "mia", Name: "Mia", Role: campaigns.RoleManager, Password: "long enough it is"}))
	must(AddUser(ctx, store, NewUser{ID: "olga", Name: "Olga", Role: campaigns.RoleOperator, Password: "long enough it is", PhonePassword: "olga rings"}))
}

// free are leads that wait, once each of two nodes has the one that it is about to call:
// their external ids.
func free(t *testing.T, store Store) []string {
	t.Helper()
	var ids []string
	eventually.So(t, patience, "both nodes have claimed a lead", func() bool {
		ids = nil
		claimed := 0
		leads, err := store.FindLeads(t.Context(), campaigns.LeadQuery{List: "hand"})
		for _, l := range leads {
			entries, errEntries := store.Entries(t.Context(), l.ID)
			if err != nil || errEntries != nil {
				t.Fatal(err, errEntries)
			}
			switch {
			case len(entries) == 1 && entries[0].State == campaigns.EntryWaiting:
				ids = append(ids, l.ExternalID)
			case len(entries) == 1 && entries[0].State == campaigns.EntryClaimed:
				claimed++
			}
		}
		return claimed == 2 && len(ids) >= 2
	})
	return ids
}

// A click to call is asked for at any node: it is placed where the operator is on duty,
// with the same refusals, and audited as who asked.
func TestCallAtAnotherNode(t *testing.T) {
	t.Parallel()
	calls := make(chan *phone.Call, 4)
	far := runPhone(t, phone.Config{User: "carrier", OnCall: func(c *phone.Call) {
		if c.Ring(180, "Ringing", false) == nil {
			calls <- c
		}
		<-c.Done()
	}})
	url := redistest.Start(t).URL()
	open := func(name string) *App {
		cfg := settings(t, far.Addr())
		cfg.Store.URL, cfg.Engine.Node, cfg.Engine.HopperSize, cfg.Engine.PhoneNetworks = url, name, 1, []string{"127.0.0.0/8"}
		nodePorts(t, &cfg)
		a, _ := start(t, cfg)
		return a
	}
	a := open("n1")
	handDialled(t, a.store)
	b := open("n2")
	ctx := t.Context()

	handset := runPhone(t, phone.Config{User: "olga", Password: "olga rings", Registrar: b.PhonesAddr(), OnCall: func(c *phone.Call) {
		if c.Answer() == nil {
			<-c.Done()
		}
	}})
	if _, _, err := handset.Register(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "the second node runs the campaign", func() bool { return b.engine.OnDuty(ctx, "olga", "hand") == nil })
	olga := func() operator.State {
		v, err := b.engine.Operator(ctx, "olga")
		if err != nil {
			t.Fatal(err)
		}
		return v.State
	}
	eventually.So(t, patience, "olga is on duty", func() bool { return olga() == operator.Paused })

	token, err := newToken(ctx, a.store, "mia", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	click := func(user, lead string) (status int, p api.Problem, attempt campaigns.AttemptID) {
		t.Helper()
		body := fmt.Sprintf(`{"list": "hand", "external_id": %q}`, lead)
		res, text := post(t, a, "/api/v1/operators/"+user+"/call", "Bearer "+token, body)
		var said struct{ Attempt campaigns.AttemptID }
		into := any(&said)
		if res.StatusCode != 200 {
			into = &p
		}
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s %s: %v", res.Status, text, err)
		}
		return res.StatusCode, p, said.Attempt
	}
	waiting := free(t, a.store)
	listed, err := a.store.LeadByExternalID(ctx, "hand", waiting[0])
	if err == nil {
		err = a.store.Suppress(ctx, campaigns.Suppression{E164: listed.Numbers[0].E164, Reason: "asked by letter", Source: "import", At: time.Now()})
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "the first node knows where olga is, and passes on what forbids the call", func() bool {
		status, p, _ := click("olga", waiting[0])
		if status != 409 || p.Code != "refused_do_not_call" && p.Code != "wrong_state" {
			t.Fatalf("on the do-not-call list: %d %+v", status, p)
		}
		return p.Code == "refused_do_not_call"
	})

	eventually.So(t, patience, "the second node has room in its share of the trunk", func() bool { return b.trunks.Capacity("default", time.Now()).Calls > 0 })
	status, p, attempt := click("olga", waiting[1])
	if status != 200 {
		t.Fatalf("%d %+v", status, p)
	}
	var rings *phone.Call
	select {
	case rings = <-calls:
	case <-time.After(patience):
		t.Fatal("nobody was called")
	}
	wanted, err := a.store.LeadByExternalID(ctx, "hand", waiting[1])
	if err != nil || !strings.HasSuffix(rings.Number, wanted.Numbers[0].E164[1:]) {
		t.Errorf("called %s for lead %+v, %v", rings.Number, wanted, err)
	}
	placed, err := a.store.Attempts(ctx, campaigns.AttemptQuery{ID: attempt, Limit: 1})
	if err != nil || len(placed) != 1 || placed[0].Node != "n2" || placed[0].Decision.By != "olga" {
		t.Errorf("attempt %q is %+v, %v; want one of olga at n2", attempt, placed, err)
	}
	if status, p, _ := click("olga", waiting[1]); status != 409 || p.Code != "wrong_state" || !strings.HasPrefix(p.Detail, `at node "n2": `) {
		t.Errorf("while it rings: %d %+v", status, p)
	}
	audited(t, a.store, []string{attemptAudit(attempt), attemptAudit("")})

	// Between nodes: only who knows the term of who is asked, for one operator and one
	// lead, once.
	body := []byte(fmt.Sprintf(`{"Lead": %d, "Once": "1"}`, wanted.ID))
	sent := func(user campaigns.UserID, signature string) int {
		t.Helper()
		res, _ := post(t, b, api.PeerCalls(user), peerScheme+" "+signature, string(body))
		return res.StatusCode
	}
	term := b.node.present().Term
	good := sign(term, callFor("olga", body), time.Now())
	for what, signature := range map[string]string{
		"nothing":          "",
		"another term":     sign(a.node.present().Term, callFor("olga", body), time.Now()),
		"another operator": sign(term, callFor("mia", body), time.Now()),
		"another lead":     sign(term, callFor("olga", []byte("{}")), time.Now()),
		"a recording":      sign(term, recordingOf("olga"), time.Now()),
		"an old signature": sign(term, callFor("olga", body), time.Now().Add(-2*peerSkew)),
	} {
		if got := sent("olga", signature); got != 401 {
			t.Errorf("with %s: %d", what, got)
		}
	}
	if first, again := sent("olga", good), sent("olga", good); first != 409 || again != 401 {
		t.Errorf("signed: %d, and the same again: %d", first, again)
	}

	// A node that cannot be asked is named.
	_, nodes, m := ghost(t, onRedis(t, url, "n3"), time.Minute)
	state, err := packState(dialer.Snapshot{At: time.Now(), Node: "n3", Operators: []dialer.OperatorView{{User: "zoe", State: operator.Ready, Campaign: "hand"}}})
	if err == nil {
		err = nodes.Show(ctx, m.Node, state, time.Minute)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "the first node knows where zoe is", func() bool {
		status, p, _ = click("zoe", waiting[1])
		return p.Code != "wrong_state" // off duty
	})
	if status != 503 || p.Code != "node_unreachable" || !strings.Contains(p.Detail, `node "n3"`) || !strings.Contains(p.Detail, "http.node_url is not set") {
		t.Errorf("%d %+v", status, p)
	}

	rings.Reject(486, "Busy Here")
	eventually.So(t, patience, "olga is paused again", func() bool { return olga() == operator.Paused })
	if len(calls) != 0 {
		t.Error("more than one call was placed")
	}
}

// post sends a body to a node.
func post(t *testing.T, a *App, path, authorization, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", authorization)
	return answer(t, req, nil)
}

// attemptAudit is how a call by hand stands in the audit log.
func attemptAudit(id campaigns.AttemptID) string { return "call.manual mia " + string(id) }

// audited holds the log to calls by hand, newest first.
func audited(t *testing.T, store Store, want []string) {
	t.Helper()
	log, err := store.AuditLog(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range log {
		if e.Action == "call.manual" {
			got = append(got, e.Action+" "+string(e.By)+" "+e.Object)
		}
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("audited %q, want %q", got, want)
	}
}
