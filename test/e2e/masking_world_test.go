package e2e

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// talkative are refusals of carriers that say the number: each with one of the ways to
// write it, by its place in spellings.
var talkative = []struct {
	code          int
	phrase        string // %s is the number
	header, value string
	as            int
}{
	{404, "%s is not known", "", "", 0},
	{480, "Temporarily Unavailable", "Reason", `Q.850;cause=20;text="%s is switched off"`, 1},
	{486, "Busy: %s", "", "", 2},
	{603, "Decline", "Reason", `Q.850;cause=21;text="call to %s rejected"`, 7},
	{484, "Address Incomplete %s", "", "", 3},
	{500, "no route to %s", "", "", 4},
	{302, "Moved from %s", "Contact", "<%s>", 4},
	{410, "%s has a new number", "", "", 8},
	{607, "Unwanted by %s", "", "", 9},
	{488, "not for %s", "Warning", `399 carrier "%s"`, 6},
	{403, "%s is barred", "", "", 11},
	{480, "call %s later", "", "", 5},
	{608, "Rejected", "Reason", `SIP;cause=608;text="analytics: %s"`, 12}, // the last: our caller ID rests then
}

// kindsMet are whom the calls of a campaign meet, in this order; then nobody answers.
var kindsMet = []carrier.Kind{
	carrier.Busy, carrier.Machine, carrier.Person, carrier.Absent, carrier.Invalid, carrier.Fax, carrier.SIT, carrier.FalseAnswer, carrier.TwoAnswers,
	carrier.Redirect, carrier.Declined, carrier.Silent, carrier.Person, carrier.Announcement,
}

// maskedWorld is a product with 1,000 marked people whom it calls over three carriers:
// of talks, of every kind of line, and of refusals that say the number.
type maskedWorld struct {
	*product
	*marks
	boss     *client // the only one of all users who may see numbers
	refuser  *phone.Phone
	from     chan string // where the dialer calls the refuser from
	refusals atomic.Int64
	told     *toldAll
}

// blindUsers may not see numbers, whatever else they may.
var blindUsers = map[string]campaigns.Role{
	"mona": campaigns.RoleManager, "chief": campaigns.RoleAdmin, "cora": campaigns.RoleCompliance, "quinn": campaigns.RoleQA, "lena": campaigns.RoleLead,
}

func newMaskedWorld(t *testing.T) *maskedWorld {
	t.Helper()
	w := &maskedWorld{marks: newMarks(), from: make(chan string, 1)}
	people := farEnd(t, func(c *phone.Call) {
		if c.Answer() == nil {
			speak(c.Number, customerHz, c)
			<-c.Done()
		}
	})
	var met atomic.Int64
	lines, _ := startCarrier(t, carrier.Config{Behave: func(string, int) (carrier.Behaviour, bool) {
		b := carrier.Behaviour{Kind: carrier.NoAnswer, Talk: 500 * time.Millisecond, Patience: 3 * time.Second}
		if i := met.Add(1) - 1; int(i) < len(kindsMet) {
			b.Kind = kindsMet[i]
		}
		return b, true
	}})
	w.refuser = farEnd(t, w.refuse)
	w.product = newProduct(t, trunkText("talk", people.Addr(), "")+trunkText("lines", lines.Addr(), "")+
		trunkText("refused", w.refuser.Addr(), `inbound: {numbers: ["`+callerID+`"]}`), func(s app.Store) { w.fill(t, s) })
	w.env = append(w.env, "OUTPACE_LOG__LEVEL=debug", "OUTPACE_WEBHOOKS__ALLOW=[127.0.0.0/8]", "OUTPACE_WEBHOOKS__ALLOW_HTTP=true", "GOTRACEBACK=system")
	w.serve(t)
	w.boss = w.signIn(t, manager, managerPassword)
	w.told = newToldAll(t, w.boss)
	return w
}

// farEnd is a carrier with one answer to all calls. It outlives a product that is killed
// in a call, so breaches of protocol are not looked at.
func farEnd(t *testing.T, answer func(*phone.Call)) *phone.Phone {
	t.Helper()
	p, err := phone.New(phone.Config{User: "carrier", T1: 50 * time.Millisecond, OnCall: answer})
	must(t, err)
	testbed.RunUntilCleanup(t, "carrier", p.Run)
	return p
}

// refuse refuses a call, and says its number.
func (w *maskedWorld) refuse(c *phone.Call) {
	select {
	case w.from <- c.From:
	default:
	}
	how := talkative[min(int(w.refusals.Add(1)), len(talkative))-1]
	written := func(text string) string { return strings.ReplaceAll(text, "%s", spellings(c.Number)[how.as]) }
	var headers []phone.Header
	if how.header != "" {
		headers = append(headers, phone.Header{Name: how.header, Value: written(how.value)})
	}
	c.Reject(how.code, written(how.phrase), headers...)
}

// fill makes users and campaigns; the people come by the API.
func (w *maskedWorld) fill(t *testing.T, s app.Store) {
	t.Helper()
	for user, role := range blindUsers {
		must(t, app.AddUser(t.Context(), s, app.NewUser{ID: campaigns.UserID(user), Name: user, Role: role, Password: apiPassword(user)}))
	}
	for campaign, team := range maskedTeams {
		c := campaigns.Campaign{
			ID: campaign, Trunks: string(campaign), Operators: team, Detection: "before", Recording: campaigns.RecordAlways,
			Wrap: campaigns.Wrap{Timeout: time.Second}, ManualDial: true, CRM: campaigns.CRM{URL: "https://crm.example/find?phone={phone}"},
			TransferNumbers: []string{markedPlaces[0].begins[:8] + "*"},
		}
		switch campaign {
		case "talk":
			c.Detection, c.Wrap.Timeout = "off", 10*time.Minute
		case "refused":
			c.Inbound.Numbers = []string{callerID}
		}
		seedCampaign(t, s, c)
		for _, user := range team {
			seedOperator(t, s, string(user), "")
		}
	}
}

// maskedTeams are the operators of each campaign; its list and its carrier have its name.
var maskedTeams = map[campaigns.CampaignID][]campaigns.UserID{
	"talk": {"anna"}, "lines": {"bert", "carl", "dora"}, "refused": {"emil", "fred"},
}

// third is one of the people, whom an operator asks into a talk.
func (w *maskedWorld) third() string { return w.all[len(w.all)-4] }

// importAll brings the people in, a third of them into each list.
func (w *maskedWorld) importAll(t *testing.T) {
	t.Helper()
	for i, list := range []string{"talk", "lines", "refused"} {
		file := w.file(i*marksInAll/3, (i+1)*marksInAll/3)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.boss.base+"/api/v1/lists/"+list+"/import", strings.NewReader(file))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+w.boss.token)
		req.Header.Set("Content-Type", "application/octet-stream")
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		report, err := io.ReadAll(resp.Body)
		must(t, errors.Join(err, resp.Body.Close()))
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("import: %s: %s", resp.Status, report)
		}
	}
}

// begin has an operator ready, whose phone answers by itself and speaks.
func (w *maskedWorld) begin(t *testing.T, user campaigns.UserID) *desk {
	t.Helper()
	d := w.sitDown(t, string(user))
	phoneSpeaks(t, newSoftphone(t, w.product, string(user)))
	must(t, d.ask(t.Context(), "on-duty", nil))
	_, err := d.await(t.Context(), "paused", 20*time.Second)
	must(t, err)
	must(t, d.ask(t.Context(), "ready", nil))
	return d
}

// outcomes are those of a campaign so far.
func (w *maskedWorld) outcomes(t *testing.T, c campaigns.CampaignID) (ended int, of map[campaigns.Outcome]int) {
	t.Helper()
	of = map[campaigns.Outcome]int{}
	for _, a := range w.boss.attempts(t, c) {
		if a.Outcome != "" {
			ended++
			of[a.Outcome]++
		}
	}
	return ended, of
}
