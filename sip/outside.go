package sip

import (
	"context"
	"fmt"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Options asks a far end for a sign of life and returns its status and the
// time it took. Any status, also 404 or 405, is a sign of life. It blocks until
// the answer, the end of ctx or 32 s (Timer F); before Run it waits for Run.
func (a *Agent) Options(ctx context.Context, transport, destination, requestURI string) (code int, rtt time.Duration, err error) {
	return a.OptionsBy(ctx, nil, transport, destination, requestURI)
}

// OptionsBy is Options through proxies: routes are their URIs, the nearest, which is
// at destination, first.
func (a *Agent) OptionsBy(ctx context.Context, routes []string, transport, destination, requestURI string) (code int, rtt time.Duration, err error) {
	d := NewDialog(a.cfg.Name, transport, destination, requestURI, "sip:outpace@"+a.sentBy[transport], requestURI, "")
	res, rtt, err := a.ask(ctx, d, send{method: "OPTIONS", cseq: 1, peer: &peer{target: requestURI, routes: routes}})
	if err != nil {
		return 0, 0, fmt.Errorf("options %s: %w", destination, err)
	}
	return res.StatusCode, rtt, nil
}

// ask sends a request that belongs to no leg and waits for its final response.
// The loop has no part in it, so s brings its own credentials.
func (a *Agent) ask(ctx context.Context, d Dialog, s send) (*sipgosip.Response, time.Duration, error) {
	req, err := a.build(&line{leg: &leg{dialog: d}}, s)
	if err == nil {
		err = checkMessage(req)
	}
	if err != nil {
		return nil, 0, err
	}
	select {
	case <-a.serving:
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
	began := time.Now()
	a.count.request(s.method, "out")
	tx, err := a.request(req)
	if err != nil {
		return nil, 0, err
	}
	defer a.count.transactions.Add(-1)
	res, err := await(ctx, tx)
	if err != nil {
		return nil, 0, err
	}
	return res, time.Since(began), nil
}
