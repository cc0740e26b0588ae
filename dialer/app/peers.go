package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// peers asks the other nodes on the store by HTTP, at the address that each has
// published with its name. What is asked is signed with the term of who is asked: a
// random word that only those know who can read the store, and that is never sent. A
// signature is good for one recording for half a minute, or for one call once. What
// travels is not encrypted where the address is http: such nodes belong into one private
// network.
type peers struct {
	own         *node
	authorities *x509.CertPool // who may vouch for nodes that publish no pin; nil: those of the system

	mu   sync.Mutex
	used map[string]time.Time // signatures of calls, and when they are good for nothing any more
}

const (
	peerScheme = "Outpace-Node" // of the Authorization header
	// peerSkew is how old or early a signature may be; clocks on one store differ by
	// two seconds at most.
	peerSkew = 30 * time.Second
	// peerDial and peerAnswer bound how long a node that is gone is waited for.
	peerDial   = 2 * time.Second
	peerAnswer = 5 * time.Second
	// peerCall is peerAnswer of a call, which may wait for the rate of a carrier.
	peerCall = 30 * time.Second
)

func newPeers(own *node, authorities *x509.CertPool) *peers {
	return &peers{own: own, authorities: authorities, used: map[string]time.Time{}}
}

// client asks one node; what is asked is rare, so no connection is kept.
func (p *peers) client(pin string, within time.Duration) *http.Client {
	t := nodeTransport(pin, p.authorities)
	t.DialContext, t.TLSHandshakeTimeout = (&net.Dialer{Timeout: peerDial}).DialContext, peerDial
	t.ResponseHeaderTimeout, t.DisableKeepAlives = within, true
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Recording asks the node that made a recording for it; see api.Peers.
func (p *peers) Recording(ctx context.Context, node, method string, a campaigns.AttemptID, header http.Header) (*http.Response, error) {
	if node == p.own.name {
		return nil, fs.ErrNotExist // it would be here
	}
	res, err := p.ask(ctx, node, request{
		method: method, path: api.PeerRecordings + string(a), header: header, there: "the recording", means: recordingOf(a), within: peerAnswer,
	})
	if err != nil {
		return nil, err
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusNotModified, http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return res, nil
	}
	_ = res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, fs.ErrNotExist
	}
	return nil, &api.PeerError{What: "the recording", Node: node, Problem: fmt.Sprintf("answers %q at %s", res.Status, res.Request.URL.Host)}
}

// Call asks the node where an operator is on duty for a call; see api.Peers.
func (p *peers) Call(ctx context.Context, node string, user campaigns.UserID, wanted []byte) (*http.Response, error) {
	return p.ask(ctx, node, request{
		method: http.MethodPost, path: api.PeerCalls(user), header: http.Header{"Content-Type": {"application/json"}}, body: wanted,
		there: "the operator", means: callFor(user, wanted), within: peerCall,
	})
}

// request is what is asked of another node.
type request struct {
	method, path string
	header       http.Header
	body         []byte
	there        string // why that node is asked: the recording, the operator
	means        string // what the signature is for
	within       time.Duration
}

func (p *peers) ask(ctx context.Context, node string, q request) (*http.Response, error) {
	problem := func(format string, args ...any) error {
		return &api.PeerError{What: q.there, Node: node, Problem: fmt.Sprintf(format, args...)}
	}
	m, err := p.find(ctx, node)
	switch {
	case err != nil:
		return nil, err
	case m.Node == "":
		return nil, problem("is not running")
	case m.URL == "":
		return nil, problem("cannot be asked: its http.node_url is not set")
	}
	address, pin, _ := strings.Cut(m.URL, pinPrefix)
	req, err := http.NewRequestWithContext(ctx, q.method, strings.TrimRight(address, "/")+q.path, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	req.Header = q.header
	req.Header.Set("Authorization", peerScheme+" "+sign(m.Term, q.means, time.Now()))
	res, err := p.client(pin, q.within).Do(req)
	if err != nil {
		if failed, is := errors.AsType[*url.Error](err); is {
			err = failed.Err // the rest is said already
		}
		return nil, problem("does not answer at %s: %v", address, err)
	}
	return res, nil
}

// find is a node as the store knows it; empty where it does not.
func (p *peers) find(ctx context.Context, node string) (campaigns.MemberState, error) {
	all, err := p.own.nodes.Members(ctx)
	for _, m := range all {
		if m.Node == node && m.For == "" {
			return m, err
		}
	}
	return campaigns.MemberState{}, err
}

// Trusts says whether another node asks for a recording; see api.Peers.
func (p *peers) Trusts(r *http.Request, a campaigns.AttemptID) bool {
	_, ok := p.signed(r, recordingOf(a))
	return ok
}

// TrustsCall says whether another node asks for a call; see api.Peers. Whoever listens on
// the way and sends the same again has no second call placed.
func (p *peers) TrustsCall(r *http.Request, user campaigns.UserID, wanted []byte) bool {
	signature, ok := p.signed(r, callFor(user, wanted))
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(p.used, func(_ string, until time.Time) bool { return now.After(until) })
	_, again := p.used[signature]
	p.used[signature] = now.Add(2 * peerSkew)
	return !again
}

// signed is the signature of a request that another node has made for what it means.
func (p *peers) signed(r *http.Request, means string) (signature string, ok bool) {
	signature, ok = strings.CutPrefix(r.Header.Get("Authorization"), peerScheme+" ")
	stamp, _, cut := strings.Cut(signature, ":")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if !ok || !cut || err != nil {
		return "", false
	}
	at, term := time.Unix(seconds, 0), p.own.present().Term
	return signature, term != "" && time.Since(at).Abs() <= peerSkew && hmac.Equal([]byte(signature), []byte(sign(term, means, at)))
}

// What signatures mean.
func recordingOf(a campaigns.AttemptID) string { return "recording " + string(a) }

func callFor(user campaigns.UserID, wanted []byte) string {
	sum := sha256.Sum256(wanted)
	return "call " + string(user) + " " + hex.EncodeToString(sum[:])
}

// sign says when something is asked for, under a term.
func sign(term, means string, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(term))
	mac.Write([]byte(means + " " + stamp)) // never fails
	return stamp + ":" + hex.EncodeToString(mac.Sum(nil))
}
