package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// handset is a registered phone of another maker that answers by itself, speaks
// operatorHz and records what it hears.
type handset interface {
	quit(t *testing.T)
	checkEar(t *testing.T, j *journal, user string) // after quit
}

// phonesTakeCalls has operators (name: transport of the phone) work a shift each:
// tones go both ways in every call and no packet is lost in us.
func phonesTakeCalls(t *testing.T, users map[string]string, env []string, start func(t *testing.T, p *product, user, transport string) handset) {
	t.Helper()
	far, journal := personsOnly(t, 3*time.Second)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		var numbers []string
		for i := range callsEach * len(users) {
			numbers = append(numbers, fmt.Sprintf("+999779%04d", i))
		}
		for user := range users {
			seedOperator(t, s, user, "")
			seedCampaign(t, s, campaigns.Campaign{
				ID: campaigns.CampaignID(user), Trunks: "line", Detection: "before", Recording: campaigns.RecordAlways,
				Operators: []campaigns.UserID{campaigns.UserID(user)},
			}, numbers[:callsEach]...)
			numbers = numbers[callsEach:]
		}
	})
	p.env = env
	p.listenTLS(t)
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)
	phones := map[string]handset{}
	shifts := make(chan error, len(users))
	for user, transport := range users {
		phones[user] = start(t, p, user, transport)
		d := p.sitDown(t, user)
		go func() { shifts <- shift(t.Context(), d) }() // ends within its deadlines
	}
	for range users {
		if err := <-shifts; err != nil {
			t.Error(err)
		}
	}
	p.wantMetric(t, 5*time.Second, "dialer_media_relay_lost_packets_total", 0)
	if n, err := p.metric(t.Context(), "dialer_media_relayed_packets_total"); err != nil || n < 500 {
		t.Errorf("%v packets relayed (%v), want hundreds: the loss of none proves nothing", n, err)
	}
	for user, h := range phones {
		eventually(t, 10*time.Second, user+"'s calls have their dispositions", func() (bool, any) {
			all := boss.attempts(t, campaigns.CampaignID(user))
			return !slices.ContainsFunc(all, func(a campaigns.Attempt) bool { return a.Disposition == "" }), all
		})
		h.quit(t)
		h.checkEar(t, journal, user)
		checkRecordings(t, boss, campaigns.CampaignID(user))
	}
	p.stop(t)
	if n := journal.count(t, "first_tone"); n != callsEach*len(users) {
		t.Errorf("%d customers heard their operator's tone, want %d", n, callsEach*len(users))
	}
	journal.noFaults(t)
}
