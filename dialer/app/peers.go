package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// peers asks the other nodes on the store by HTTP, at the address that each has
// published with its name. What is asked is signed with the term of who is asked: a
// random word that only those know who can read the store, and that is never sent. A
// signature is good for one recording for half a minute. What travels is not encrypted
// where the address is http: such nodes belong into one private network.
type peers struct {
	own         *node
	authorities *x509.CertPool // who may vouch for nodes that publish no pin; nil: those of the system
}

const (
	peerScheme = "Outpace-Node" // of the Authorization header
	// peerSkew is how old or early a signature may be; clocks on one store differ by
	// two seconds at most.
	peerSkew = 30 * time.Second
	// peerDial and peerAnswer bound how long a node that is gone is waited for.
	peerDial   = 2 * time.Second
	peerAnswer = 5 * time.Second
)

func newPeers(own *node, authorities *x509.CertPool) *peers { return &peers{own, authorities} }

// client asks one node; a play is long and rare, so nothing of it is kept.
func (p *peers) client(pin string) *http.Client {
	t := nodeTransport(pin, p.authorities)
	t.DialContext, t.TLSHandshakeTimeout = (&net.Dialer{Timeout: peerDial}).DialContext, peerDial
	t.ResponseHeaderTimeout, t.DisableKeepAlives = peerAnswer, true
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Recording asks the node that made a recording for it; see api.Peers.
func (p *peers) Recording(ctx context.Context, node, method string, a campaigns.AttemptID, header http.Header) (*http.Response, error) {
	if node == p.own.name {
		return nil, fs.ErrNotExist // it would be here
	}
	problem := func(format string, args ...any) error {
		return &api.PeerError{Node: node, Problem: fmt.Sprintf(format, args...)}
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
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(address, "/")+api.PeerRecordings+string(a), nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	req.Header.Set("Authorization", peerScheme+" "+sign(m.Term, a, time.Now()))
	res, err := p.client(pin).Do(req)
	if err != nil {
		if failed, is := errors.AsType[*url.Error](err); is {
			err = failed.Err // the rest is said already
		}
		return nil, problem("does not answer at %s: %v", address, err)
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusNotModified, http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return res, nil
	}
	_ = res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, fs.ErrNotExist
	}
	return nil, problem("answers %q at %s", res.Status, address)
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

// Trusts says whether another node asks; see api.Peers.
func (p *peers) Trusts(r *http.Request, a campaigns.AttemptID) bool {
	signature, ok := strings.CutPrefix(r.Header.Get("Authorization"), peerScheme+" ")
	stamp, _, cut := strings.Cut(signature, ":")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if !ok || !cut || err != nil {
		return false
	}
	at, term := time.Unix(seconds, 0), p.own.present().Term
	return term != "" && time.Since(at).Abs() <= peerSkew && hmac.Equal([]byte(signature), []byte(sign(term, a, at)))
}

// sign says when the recording of an attempt is asked for, under a term.
func sign(term string, a campaigns.AttemptID, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(term))
	mac.Write([]byte("recording " + string(a) + " " + stamp)) // never fails
	return stamp + ":" + hex.EncodeToString(mac.Sum(nil))
}
