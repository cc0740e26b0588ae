package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// reader is somebody who may not see numbers, with all that they are told.
type reader struct {
	*client
	streams map[string]*testbed.Lines
}

// TestS22Masking has people of 1,000 marked numbers called, and everything read that the
// product says to who may not see numbers: by the API, as events, by webhooks, in the log
// at its most talkative, in the metrics, in the names of recordings, and in the dump of a
// process that is killed. None of the numbers is there. Who may see them sees all.
func TestS22Masking(t *testing.T) {
	t.Parallel()
	w := newMaskedWorld(t)
	readers := w.readers(t)
	w.importAll(t)
	for _, user := range maskedTeams["lines"] {
		w.begin(t, user)
	}
	emil, fred := w.begin(t, "emil"), w.begin(t, "fred")
	anna := w.begin(t, "anna")
	readers["anna"] = reader{anna.client, anna.listen(t, "operator", "phone")}

	met := w.talks(t, anna, func(called string) { w.readBy(t, readers, "while operators talk", called) })
	w.comesBack(t, emil, fred)
	w.wantNone(t, "a webhook that is not taken", w.told.wants(t, "/refusing", "call.finished"))
	w.administer(t, met)
	eventually(t, 60*time.Second, "every kind of line is met", func() (bool, any) {
		_, of := w.outcomes(t, "lines")
		for _, o := range []campaigns.Outcome{
			campaigns.Busy, campaigns.MachineHeard, campaigns.Connected, campaigns.Absent, campaigns.InvalidNumber, campaigns.FaxHeard,
			campaigns.Redirected, campaigns.Declined, campaigns.SilentAnswer,
		} {
			if of[o] == 0 {
				return false, of
			}
		}
		return true, of
	})
	w.readBy(t, readers, "after all that", met)
	forecast := map[string]string{}
	if readers["mona"].readPages(t, "/api/v1/campaigns/talk/forecast", "", forecast) != 1 {
		t.Errorf("no forecast: %v", forecast)
	}
	for _, text := range forecast {
		w.wantNone(t, "a forecast", text)
	}
	w.wantNone(t, "the webhook", w.told.wants(t, "/masked",
		"call.finished", "call.bridged", "lead.dispositioned", "callback.scheduled", "dnc.added", "recording.ready", "lead.updated", "import.finished"))
	metrics, err := testbed.Get("http://" + w.admin + "/metrics")
	must(t, err)
	w.wantNone(t, "the metrics", metrics)

	wantSeen(t, w)
	w.dump(t)
	for user, r := range readers {
		for form, lines := range r.streams {
			w.wantNone(t, "the stream of "+user+" "+form, lines.String())
			if n := lines.Count(`***`); n == 0 && user != "quinn" && user != "lena" {
				t.Errorf("the stream of %s %s has no number that is masked: it shows nothing", user, form)
			}
		}
	}
	w.serve(t) // it settles what the other left
	for user, r := range readers {
		r.client = w.signIn(t, user, apiPassword(user))
		readers[user] = r
	}
	w.boss = w.signIn(t, manager, managerPassword)
	w.readBy(t, readers, "after a crash", met)
	w.stop(t)
	w.wantLog(t, "the log after a crash")
	files := 0
	must(t, filepath.WalkDir(filepath.Join(w.dir, "recordings"), func(path string, d fs.DirEntry, err error) error {
		files++
		w.wantNone(t, "the name of a file", path)
		return err
	}))
	if files < 5 {
		t.Errorf("%d recordings and folders", files)
	}
}

// readers sign in everybody who may not see numbers, and listen.
func (w *maskedWorld) readers(t *testing.T) map[string]reader {
	t.Helper()
	all := map[string]reader{}
	for user := range blindUsers {
		c, topics := w.signIn(t, user, apiPassword(user)), []string{"operator", "phone", "live"}
		if user == "quinn" { // who hears recordings alone
			topics = topics[:2]
		}
		all[user] = reader{c, c.listen(t, topics...)}
	}
	return all
}

// leadsRead is of how many leads all is read that there is of one.
const leadsRead = 8

// readBy has each reader read everything there is. Of one number they know already, and
// ask for it.
func (w *maskedWorld) readBy(t *testing.T, readers map[string]reader, when, number string) {
	t.Helper()
	var attempts, lead []string
	for c := range maskedTeams {
		for _, a := range w.boss.attempts(t, c) {
			if len(lead) < leadsRead || a.Number == number {
				attempts, lead = append(attempts, string(a.ID)), append(lead, fmt.Sprint(a.Lead))
			}
		}
	}
	campaign := []string{"talk", "lines", "refused"}
	routes := readRoutes(t, map[string][]string{
		"/api/v1/campaigns/{id}": campaign, "/api/v1/campaigns/{id}/detection": campaign, "/api/v1/campaigns/{id}/explain": campaign,
		"/api/v1/campaigns/{id}/pacing-log": campaign, "/api/v1/campaigns/{id}/queues": campaign,
		"/api/v1/lists/{id}": campaign, "/api/v1/leads/{id}": lead, "/api/v1/recordings/{attempt}": attempts,
		"/api/v1/webhooks/{id}/deliveries": {"masked", "whole", "refusing"},
	}, map[string][]string{
		"/api/v1/leads":                   {"limit=1000", "text=Person&limit=1000", "number=" + url.QueryEscape(number)},
		"/api/v1/leads/export":            {"list=talk", "list=lines&format=csv", "campaign=refused"},
		"/api/v1/attempts":                {"limit=1000"},
		"/api/v1/attempts/export":         {"", "format=csv"},
		"/api/v1/explain":                 {"number=" + url.QueryEscape(number), "number=" + url.QueryEscape(w.third()), "number=" + url.QueryEscape(number+"9")},
		"/api/v1/operator/callable":       {"", "text=Person", "text=" + url.QueryEscape(number)},
		"/api/v1/operator/callback-times": {"day=" + time.Now().AddDate(0, 0, 1).Format(time.DateOnly)},
	})
	for user, r := range readers {
		answers, good := r.readAll(t, routes)
		for _, at := range slices.Sorted(maps.Keys(answers)) {
			w.wantNone(t, when+", "+at+" for "+user, answers[at])
		}
		t.Logf("%s, %s reads %d answers, %d of them good", when, user, len(answers), good)
		if least := map[string]int{"mona": 45, "chief": 50, "anna": 6}[user]; good < least {
			t.Errorf("%s: only %d of %d requests of %s had an answer", when, good, len(answers), user)
		}
	}
}

// dump kills the product so that it says where each of its goroutines is.
func (w *maskedWorld) dump(t *testing.T) {
	t.Helper()
	must(t, w.cmd.Process.Signal(syscall.SIGQUIT))
	select {
	case <-w.done:
	case <-time.After(20 * time.Second):
		t.Fatal("it lives on after SIGQUIT")
	}
	w.cmd = nil
	must(t, w.log.Close())
	text := w.wantLog(t, "the log with the dump")
	if !strings.Contains(text, "SIGQUIT: quit") || strings.Count(text, "\ngoroutine ") < 10 {
		t.Error("no dump of the goroutines")
	}
	if n := strings.Count(text, `"call ended"`); n < len(talkative)+10 {
		t.Errorf("%d calls in the log", n)
	}
	if !strings.Contains(text, `"level":"debug"`) {
		t.Error("the log is not at its most talkative")
	}
}

func (w *maskedWorld) wantLog(t *testing.T, where string) string {
	t.Helper()
	text, err := os.ReadFile(w.log.Name())
	must(t, err)
	w.wantNone(t, where, string(text))
	return string(text)
}

// wantSeen wants that who may see the numbers sees all of them, and that a webhook that
// is told them is told them: else that nobody else sees them would say nothing.
func wantSeen(t *testing.T, w *maskedWorld) {
	t.Helper()
	answers := map[string]string{}
	w.boss.readPages(t, "/api/v1/leads", "limit=1000", answers)
	seen := map[string]string{}
	for _, text := range answers {
		maps.Copy(seen, w.in([]byte(text)))
	}
	if len(seen) != marksInAll {
		t.Errorf("who may see numbers sees %d of %d", len(seen), marksInAll)
	}
	if n := len(w.in([]byte(w.told.at["/whole"].String()))); n < len(talkative) {
		t.Errorf("%d numbers were told to who may have them", n)
	}
}

// talks has an operator work: two talks, one with a third party, and one with a lead of
// their choice, in which they stay. read is called in the midst of it, with the number
// that was called.
func (w *maskedWorld) talks(t *testing.T, anna *desk, read func(called string)) (met string) {
	t.Helper()
	do := func(what string, in any) {
		t.Helper()
		must(t, anna.ask(t.Context(), what, in))
	}
	talking := func() campaigns.AttemptID {
		t.Helper()
		v, err := anna.await(t.Context(), "talking", 30*time.Second)
		must(t, err)
		if !strings.Contains(v.Number, "***") {
			t.Errorf("on the screen: %q", v.Number)
		}
		return campaigns.AttemptID(v.Attempt)
	}
	wrapUp := func(as map[string]any) {
		t.Helper()
		if _, err := anna.await(t.Context(), "wrapping", 20*time.Second); err != nil {
			t.Fatal(err)
		}
		as["note"] = "said so"
		do("disposition", as)
	}
	first := talking()
	all := w.boss.attempts(t, "talk")
	met = all[slices.IndexFunc(all, func(a campaigns.Attempt) bool { return a.ID == first })].Number
	for _, what := range []string{"hold", "resume", "mute", "unmute"} {
		do(what, nil)
	}
	do("digits", map[string]string{"digits": "12#"})
	do("consult", map[string]any{"to": map[string]string{"number": w.third()}})
	eventually(t, 15*time.Second, "the third party is there", func() (bool, any) {
		var v liveView
		must(t, anna.do(t.Context(), http.MethodGet, "/api/v1/operator", nil, &v))
		return v.Talk == "consulting", v
	})
	read(met)
	do("confer", nil)
	do("transfer", nil)
	wrapUp(map[string]any{"disposition": "sale"})

	talking()
	do("hangup", nil)
	wrapUp(map[string]any{"disposition": "callback", "callback_local": time.Now().AddDate(0, 0, 2).Format("2006-01-02T15:04")})

	talking()
	do("pause", map[string]string{"reason": "lunch"})
	do("hangup", nil)
	wrapUp(map[string]any{"disposition": "do_not_call"})
	own := (marksInAll/3 - 8) + (slices.Index(w.all, met)-(marksInAll/3-8))%4 // of the same country: it is day there
	do("call", map[string]string{"number": w.all[own]})
	talking()
	return met
}

// comesBack has a person call whom the carrier refused, as soon as it has refused in all
// its ways.
func (w *maskedWorld) comesBack(t *testing.T, emil, fred *desk) {
	t.Helper()
	eventually(t, 40*time.Second, "the carrier refused in all its ways", func() (bool, any) {
		n, of := w.outcomes(t, "refused")
		return n >= len(talkative), of
	})
	for _, d := range []*desk{emil, fred} {
		must(t, d.ask(t.Context(), "pause", map[string]string{"reason": "coffee"}))
		_, err := d.await(t.Context(), "paused", 20*time.Second)
		must(t, err)
	}
	from := w.boss.attempts(t, "refused")[0].Number
	c, err := w.refuser.Call(phone.Dial{
		To: <-w.from, Number: callerID, Caller: from, Display: "Person " + from, Headers: []phone.Header{{Name: "P-Asserted-Identity", Value: "<tel:" + from + ">"}},
	})
	must(t, err)
	caller := speak("a caller", customerHz, c)
	must(t, emil.ask(t.Context(), "ready", nil))
	eventually(t, 20*time.Second, "the caller talks", func() (bool, any) {
		_, err := emil.await(t.Context(), "talking", 5*time.Second)
		return err == nil, err
	})
	caller.Hangup()
	_, err = emil.await(t.Context(), "wrapping", 20*time.Second)
	must(t, err)
}

// administer changes a lead and forbids a number, once by somebody who sees numbers and
// once by somebody who does not.
func (w *maskedWorld) administer(t *testing.T, met string) {
	t.Helper()
	mona := w.signIn(t, "mona", apiPassword("mona"))
	var found struct{ Items []campaigns.Lead }
	must(t, w.boss.do(t.Context(), http.MethodGet, "/api/v1/leads?number="+url.QueryEscape(met), nil, &found))
	for i, c := range []*client{w.boss, mona} {
		must(t, c.do(t.Context(), http.MethodPost, "/api/v1/do-not-call", map[string]string{"number": w.all[marksInAll-1-i], "reason": "a letter"}, nil))
		changed, err := c.raw(t.Context(), http.MethodPatch, "/api/v1/leads/"+fmt.Sprint(found.Items[0].ID), map[string]any{"name": "Another name"})
		must(t, err)
		if c == mona {
			w.wantNone(t, "the answer to a change", string(changed))
		}
	}
}
