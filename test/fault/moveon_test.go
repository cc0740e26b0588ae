package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/operators"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// movesOnWithin is from kill -9 of a node to an operator of it being on duty at
// another one: the lease of five seconds, and what two requests take.
const movesOnWithin = 7 * time.Second

// TestOperatorsMoveOn kills a node for good while its operators talk. They sign in to
// the other one as soon as the lease of the first is over, and not before; the calls
// they promised come to them there. What the dead node recorded plays again when its
// machine is back, the talk that it died in included.
func TestOperatorsMoveOn(t *testing.T) {
	t.Parallel()
	f := newFloor(t, 2, 120, 2)
	f.change(t, func(c *campaigns.Campaign) { c.Recording = campaigns.RecordAlways })
	store := f.open(t)
	defer store.Close()
	manager := app.NewUser{ID: "mia", Name: "Mia", Role: campaigns.RoleManager, Password: "a password of mia"}
	if err := app.AddUser(t.Context(), store, manager); err != nil {
		t.Fatal(err)
	}
	f.begin(t)
	first, second := f.nodes[0], f.nodes[1]
	people := first.at[0].people
	mia := signInTo(t, second, operators.Credential{User: string(manager.ID), Password: manager.Password})
	ann := signInTo(t, second, people[0])

	var heard campaigns.Attempt // by ann, on the first node
	testbed.Until(t, readyWithin, "an operator of the first node has said what a talk came to", func() bool {
		heard = f.talkedWith(t, store, people[0].User)
		return heard.ID != ""
	})
	if heard.Node != first.name || heard.Recording == "" {
		t.Fatalf("the talk of %s is %+v", people[0].User, heard)
	}
	play := func(a campaigns.Attempt) (status int, part string) {
		t.Helper()
		return mia.get(t, "/api/v1/recordings/"+string(a.ID), "bytes=0-3")
	}
	if status, part := play(heard); status != 206 || part != "RIFF" {
		t.Errorf("a recording of %s at %s: %d %q", first.name, second.name, status, part)
	}
	if status, body := ann.post(t, "on-duty"); status != 409 {
		t.Errorf("on duty at two nodes: %d %s", status, body)
	}
	testbed.Until(t, readyWithin, "the other node sees them all", func() bool { return slices.Contains(mia.sees(t), first.name+" "+people[1].User) })
	testbed.Until(t, readyWithin, "an operator of the first node talks", func() bool { return f.talks(t, people, 2*time.Second) })

	first.kill()
	died := first.died
	for _, g := range first.at {
		go g.leave() // nobody answers them; the end of the test waits for it
	}
	promised := f.promise(t, store, heard, people[0].User)
	f.signIn(t, second, people)
	refused := false
	testbed.Until(t, movesOnWithin, "the operator is on duty at the other node", func() bool {
		status, body := ann.post(t, "on-duty")
		refused = refused || status == 409 && strings.Contains(body, fmt.Sprintf(`on duty at node \"%s\"`, first.name))
		return status < 300
	})
	moved := time.Since(died)
	if !refused {
		t.Error("nobody was told that the dead node still has its operators")
	}
	testbed.Until(t, readyWithin, "the call that was promised comes at the other node", func() bool {
		all, err := store.Attempts(t.Context(), campaigns.AttemptQuery{Lead: promised, Limit: 1})
		return err == nil && all[0].Node == second.name && all[0].BeganAt.After(died)
	})
	var again campaigns.Attempt
	testbed.Until(t, readyWithin, "the operator talks at the other node", func() bool {
		again = f.talkedWith(t, store, people[0].User)
		return again.Node == second.name && again.BeganAt.After(died)
	})
	t.Logf("on duty at the other node %v after kill -9; the talk of the first call there began after %v", moved.Round(10*time.Millisecond), again.BridgedAt.Sub(died).Round(10*time.Millisecond))
	if seen := mia.sees(t); slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, first.name) }) {
		t.Errorf("a dead node is shown: %v", seen)
	}
	if status, problem := play(heard); status != 503 || !strings.Contains(problem, fmt.Sprintf(`the recording is on node \"%s\"`, first.name)) {
		t.Errorf("a recording of a dead node: %d %s", status, problem)
	}

	var cut []campaigns.Attempt // in a talk, by the death of the node
	testbed.Until(t, settleAfter+readyWithin, "the other node settles what the first left", func() bool {
		open, err := store.Open(t.Context(), first.name)
		cut = f.interrupted(t, store, first.name)
		return err == nil && len(open) == 0 && len(cut) > 0
	})
	first.start(t)
	for _, a := range append(cut, heard) {
		if status, part := play(a); status != 206 || part != "RIFF" {
			t.Errorf("attempt %s (%s) of the node that is back, %q: %d %q", a.ID, a.Outcome, a.Recording, status, part)
		}
	}
	f.end(t)
}

// talkedWith is the last talk of an operator that is disposed of.
func (f *floor) talkedWith(t *testing.T, store app.Store, user string) campaigns.Attempt {
	t.Helper()
	all, err := store.Attempts(t.Context(), campaigns.AttemptQuery{Operator: campaigns.UserID(user), Outcome: campaigns.Connected, Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Disposition != "" && a.Disposition != "do_not_call" {
			return a
		}
	}
	return campaigns.Attempt{}
}

// talks says whether one of some operators has talked for a while, and still does.
func (f *floor) talks(t *testing.T, people []operators.Credential, lasts time.Duration) bool {
	t.Helper()
	since := map[string]time.Time{}
	for _, e := range f.events(t) {
		if e.Event != "operator_state" {
			continue
		}
		delete(since, e.User)
		if e.State == "talking" {
			since[e.User] = e.T
		}
	}
	return slices.ContainsFunc(people, func(c operators.Credential) bool {
		at, talking := since[c.User]
		return talking && time.Since(at) > lasts
	})
}

// promise has an operator promise to call somebody again at once, and says whom.
func (f *floor) promise(t *testing.T, store app.Store, a campaigns.Attempt, user string) campaigns.LeadID {
	t.Helper()
	lead, err := store.Lead(t.Context(), a.Lead)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = store.Dispose(t.Context(), campaigns.Disposal{
		Attempt: a.ID, Disposition: "callback", By: campaigns.UserID(user), Grades: lead.Grades, At: now,
		Next: campaigns.Next{At: now, Callback: &campaigns.Callback{At: now, User: campaigns.UserID(user)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Lead
}

// interrupted are the calls of a node that were settled and name a recording.
func (f *floor) interrupted(t *testing.T, store app.Store, node string) []campaigns.Attempt {
	t.Helper()
	all, err := store.Attempts(t.Context(), campaigns.AttemptQuery{Outcome: campaigns.Interrupted, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(a campaigns.Attempt) bool { return a.Node != node || a.Recording == "" })
}

// person is somebody who is signed in to the API of a node.
type person struct{ url, token string }

func signInTo(t *testing.T, n *floorNode, c operators.Credential) person {
	t.Helper()
	p := person{url: "http://" + n.http}
	in, err := json.Marshal(map[string]string{"user": c.User, "password": c.Password})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Token string }
	if status, body := p.send(t, http.MethodPost, "/api/v1/login", in, ""); status != 200 || json.Unmarshal([]byte(body), &out) != nil {
		t.Fatalf("%s does not sign in: %d %s", c.User, status, body)
	}
	p.token = out.Token
	return p
}

func (p person) post(t *testing.T, what string) (status int, body string) {
	t.Helper()
	return p.send(t, http.MethodPost, "/api/v1/operator/"+what, nil, "")
}

func (p person) get(t *testing.T, path, part string) (status int, body string) {
	t.Helper()
	return p.send(t, http.MethodGet, path, nil, part)
}

func (p person) send(t *testing.T, method, path string, in []byte, part string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if part != "" {
		req.Header.Set("Range", part)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// sees is who is on duty at the other nodes, on the live page of this one.
func (p person) sees(t *testing.T) (all []string) {
	t.Helper()
	var live struct {
		Others []struct {
			Node      string
			Operators []struct{ User string }
		}
	}
	status, body := p.get(t, "/api/v1/live", "")
	if err := json.Unmarshal([]byte(body), &live); err != nil || status != 200 {
		t.Fatalf("live: %d %s: %v", status, body, err)
	}
	for _, n := range live.Others {
		for _, o := range n.Operators {
			all = append(all, n.Node+" "+o.User)
		}
	}
	return all
}
