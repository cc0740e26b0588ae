package app

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// recordedOn makes an attempt of a node with a recording, and its file in the folder
// of that node.
func recordedOn(t *testing.T, store Store, cfg config.Config, id campaigns.AttemptID, audio string) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list, campaign := campaigns.ListID("l-"+id), campaigns.CampaignID("c-"+id)
	must(store.SaveList(ctx, campaigns.List{ID: list, CreatedAt: now}))
	_, err := store.SaveCampaign(ctx, campaigns.Campaign{ID: campaign, State: campaigns.Stopped, Lists: []campaigns.ListID{list}, CreatedAt: now})
	must(err)
	_, err = store.AddLeads(ctx, list, []campaigns.Lead{{ExternalID: "1", Numbers: []campaigns.Number{
		{E164: "+999" + strings.Repeat("1", 6) + string(id[len(id)-1]), Kind: campaigns.Mobile, Zones: []string{"Asia/Tokyo"}, Regions: []string{"DEMO"}},
	}}})
	must(err)
	queues, err := store.Queues(ctx, campaign, time.Now())
	must(err)
	claims, err := store.Claim(ctx, campaigns.ClaimRequest{Queues: []campaigns.QueueID{queues[0].QueueID}, Limit: 1, Node: cfg.Engine.Node, Lease: time.Minute, Now: time.Now()})
	must(err)
	must(store.Begin(ctx, campaigns.Intent{Attempt: id, Claim: claims[0], At: now}))
	path := "2026/11/" + string(id) + ".wav"
	must(store.End(ctx, campaigns.Ending{Attempt: id, Outcome: campaigns.Connected, Recording: path, Next: campaigns.Next{Done: true}, At: now}))
	if audio == "" {
		return
	}
	file := filepath.Join(cfg.DataDir, "recordings", path)
	must(os.MkdirAll(filepath.Dir(file), 0o750))
	must(os.WriteFile(file, []byte(audio), 0o600))
}

// ask sends a request to a node and reads the answer.
func ask(t *testing.T, a *App, method, path string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.HTTPAddr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	return answer(t, req, nil)
}

// nodePorts reserves an address for a node, which it publishes.
func nodePorts(t *testing.T, cfg *config.Config) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTP.Listen = l.Addr().String()
	cfg.HTTP.NodeURL = "http://" + cfg.HTTP.Listen
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A recording plays at every node, for who may hear it at its own, with the same
// ranges and the same audit.
func TestRecordingOfAnotherNode(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	first, second, silent := onRedis(t, url, "n1"), onRedis(t, url, "n2"), onRedis(t, url, "n3")
	nodePorts(t, &first)
	nodePorts(t, &second)
	a, stop := start(t, first)
	b, _ := start(t, second)
	start(t, silent)
	ctx := t.Context()
	const audio = "RIFF0123456789"
	recordedOn(t, a.store, first, "a1", audio)
	recordedOn(t, a.store, first, "a2", "") // its file is lost
	recordedOn(t, a.store, silent, "a3", audio)
	for id, role := range map[campaigns.UserID]campaigns.Role{"mia": campaigns.RoleManager, "olga": campaigns.RoleOperator} {
		if err := AddUser(ctx, a.store, NewUser{ID: id, Name: string(id), Role: role, Password: "long enough it is"}); err != nil {
			t.Fatal(err)
		}
	}
	bearer := func(user campaigns.UserID) http.Header {
		t.Helper()
		token, err := newToken(ctx, a.store, user, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return http.Header{"Authorization": {"Bearer " + token}}
	}
	mia := bearer("mia")
	plays := func() int {
		t.Helper()
		log, err := b.store.AuditLog(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range log {
			if e.Action == "recording.play" && e.By == "mia" && e.Object == "a1" {
				n++
			}
		}
		return n
	}
	played := 0
	for _, node := range []*App{a, b} { // there is no difference
		want := func(what, method string, header http.Header, status int, body string, told map[string]string) {
			t.Helper()
			for name := range mia {
				header[name] = mia[name]
			}
			res, got := ask(t, node, method, "/api/v1/recordings/a1", header)
			if res.StatusCode != status || got != body {
				t.Errorf("%s at %s: %s %q", what, node.node.name, res.Status, got)
			}
			for name, value := range told {
				if res.Header.Get(name) != value {
					t.Errorf("%s at %s: %s is %q, want %q", what, node.node.name, name, res.Header.Get(name), value)
				}
			}
			if played++; plays() != played {
				t.Errorf("%s at %s: %d plays are audited, want %d", what, node.node.name, plays(), played)
			}
		}
		whole := map[string]string{"Content-Type": "audio/wav", "Accept-Ranges": "bytes", "Content-Length": "14", "Cache-Control": "no-store"}
		want("all of it", "GET", http.Header{}, 200, audio, whole)
		want("its header", "HEAD", http.Header{}, 200, "", whole)
		want("a part", "GET", http.Header{"Range": {"bytes=4-7"}}, 206, "0123", map[string]string{"Content-Range": "bytes 4-7/14", "Content-Length": "4"})
		want("a part behind the end", "GET", http.Header{"Range": {"bytes=99-"}}, 416, "invalid range: failed to overlap\n", map[string]string{"Content-Range": "bytes */14"})
		res, _ := ask(t, node, "GET", "/api/v1/recordings/a1", mia.Clone())
		played++
		since := res.Header.Get("Last-Modified")
		want("nothing new", "GET", http.Header{"If-Modified-Since": {since}}, 304, "", nil)
		want("a part of what it was", "GET", http.Header{"Range": {"bytes=4-7"}, "If-Range": {since}}, 206, "0123", nil)
		if res, _ := ask(t, node, "GET", "/api/v1/recordings/a1", bearer("olga")); res.StatusCode != 404 { // not even that there is one
			t.Errorf("an operator hears it at %s: %s", node.node.name, res.Status)
		}
		if res, _ := ask(t, node, "GET", "/api/v1/recordings/a1", http.Header{}); res.StatusCode != 401 {
			t.Errorf("a stranger hears it at %s: %s", node.node.name, res.Status)
		}
		if res, _ := ask(t, node, "GET", "/api/v1/recordings/a2", mia.Clone()); res.StatusCode != 404 {
			t.Errorf("what is lost, at %s: %s", node.node.name, res.Status)
		}
	}

	// Between nodes: only who knows the term of who is asked.
	for what, signature := range map[string]string{
		"nothing":          "",
		"a user's token":   mia.Get("Authorization"),
		"another term":     peerScheme + " " + sign(b.node.present().Term, recordingOf("a1"), time.Now()),
		"another attempt":  peerScheme + " " + sign(a.node.present().Term, recordingOf("a2"), time.Now()),
		"an old signature": peerScheme + " " + sign(a.node.present().Term, recordingOf("a1"), time.Now().Add(-2*peerSkew)),
		"no signature":     peerScheme + " 12",
	} {
		if res, body := ask(t, a, "GET", api.PeerRecordings+"a1", http.Header{"Authorization": {signature}}); res.StatusCode != 401 || strings.Contains(body, audio) {
			t.Errorf("with %s: %s", what, res.Status)
		}
	}

	problem := func(id string, want ...string) {
		t.Helper()
		res, body := ask(t, b, "GET", "/api/v1/recordings/"+id, mia.Clone())
		if res.StatusCode != 503 || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %s", id, res.Status, body)
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %s, want %s in it", id, body, w)
			}
		}
	}
	problem("a3", `node \"n3\"`, "http.node_url is not set")
	before := plays()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	problem("a1", `node \"n1\", which is not running`)
	// It died without a word: its address is known, and nobody answers there.
	nodes, _ := campaigns.As[campaigns.Nodes](b.store)
	if err := nodes.Join(ctx, campaigns.Member{Node: "n1", Term: "dead", URL: first.HTTP.NodeURL}, time.Minute); err != nil {
		t.Fatal(err)
	}
	problem("a1", `node \"n1\", which does not answer at http://`, "connection refused")
	if plays() != before {
		t.Error("what could not be played is audited as a play")
	}
}
