package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	sipgosip "github.com/emiago/sipgo/sip"
)

// send builds a request of a leg and hands it to the transport: at once where
// that cannot block (UDP to an address), else in the lane of its destination.
func (a *Agent) send(l *line, s send) {
	req, err := a.build(l, s)
	if err == nil {
		err = checkMessage(req)
	}
	if err != nil {
		a.count.refused.Add(1)
		a.log.Error("request refused", "agent", a.cfg.Name, "leg", l.id, "method", s.method, "error", err)
		a.fail(l.id, s, err, true)
		return
	}
	a.count.request(s.method, "out")
	a.schedule(req.MessageData.Transport(), req.Destination(), func() { a.transmit(l, s, req) })
}

// schedule runs a write where it may block nobody.
func (a *Agent) schedule(transport, destination string, f func()) {
	if _, err := netip.ParseAddrPort(destination); err == nil && transport == "UDP" {
		f()
		return
	}
	a.lanes.run(transport+" "+destination, f)
}

// fail tells the leg that a request had no final response.
func (a *Agent) fail(id LegID, s send, err error, refused bool) {
	if s.method != "ACK" {
		a.inbox.put(envelope{leg: id, in: failed{
			method: s.method, cseq: s.cseq, tag: s.peer.tag, text: err.Error(), refused: refused,
		}})
	}
}

func (a *Agent) transmit(l *line, s send, req *sipgosip.Request) {
	if s.method == "ACK" {
		if err := a.writeAck(req); err != nil {
			a.log.Debug("ACK", "agent", a.cfg.Name, "leg", l.id, "error", err)
		}
		return
	}
	tx, err := a.request(req)
	if err != nil {
		a.fail(l.id, s, err, false)
		return
	}
	if s.method == "INVITE" {
		l.inviteMu.Lock()
		l.invite = tx
		l.inviteMu.Unlock()
	}
	a.tasks.Go(func() {
		if _, err := await(context.Background(), tx); err != nil {
			a.fail(l.id, s, err, false)
		}
		a.count.transactions.Add(-1)
	})
}

func (l *line) stopInvite() {
	l.inviteMu.Lock()
	defer l.inviteMu.Unlock()
	if l.invite != nil {
		l.invite.Terminate()
	}
}

// request starts a client transaction.
func (a *Agent) request(req *sipgosip.Request) (tx *sipgosip.ClientTx, err error) {
	err = a.reach(req, func(ctx context.Context) error {
		tx, err = a.ua.TransactionLayer().Request(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.count.transactions.Add(1)
	return tx, nil
}

func (a *Agent) writeAck(req *sipgosip.Request) error {
	return a.reach(req, func(context.Context) error { return a.ua.TransportLayer().WriteMsg(req) })
}

// reach resolves the destination of req and lets f connect to it. What it
// takes is bounded.
func (a *Agent) reach(req *sipgosip.Request, f func(context.Context) error) error {
	if to, err := netip.ParseAddrPort(req.Destination()); err == nil && req.Transport() == "UDP" {
		if to.Addr().Is4In6() {
			req.SetDestination(netip.AddrPortFrom(to.Addr().Unmap(), to.Port()).String())
		}
		return f(context.Background()) // there is nothing to resolve or to connect
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	address, err := resolve(ctx, req.Destination())
	if err != nil {
		return err
	}
	req.SetDestination(address)
	if req.Transport() == "TLS" {
		if err := a.connectTLS(ctx, address); err != nil {
			return err
		}
	}
	a.dials.add(address, 1)
	defer a.dials.add(address, -1)
	return f(ctx)
}

// connectTLS makes a connection to an address over TLS where there is none.
func (a *Agent) connectTLS(ctx context.Context, address string) error {
	i := slices.IndexFunc(a.sockets, func(s *socket) bool { return s.tls != nil })
	if i < 0 {
		return errors.New("no tls listener")
	}
	return a.sockets[i].tls.connect(ctx, address, func() bool {
		c, err := a.ua.TransportLayer().GetConnection("tls", address)
		if err == nil {
			_, _ = c.TryClose() // gives back what the look-up took
		}
		return err == nil
	})
}

// resolve makes an address of host:port.
func resolve(ctx context.Context, destination string) (string, error) {
	host, port, err := net.SplitHostPort(destination)
	if err != nil {
		return "", err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return net.JoinHostPort(ip.Unmap().String(), port), nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	best := slices.IndexFunc(ips, func(ip netip.Addr) bool { return ip.Unmap().Is4() })
	return net.JoinHostPort(ips[max(best, 0)].Unmap().String(), port), nil
}

// await drains a transaction until its final response and then drops it: the
// library would keep it, and a goroutine blocked in it, for another 32 s. What
// comes late is for the leg.
func await(ctx context.Context, tx *sipgosip.ClientTx) (*sipgosip.Response, error) {
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, tx.Err()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// build makes the message of s.
func (a *Agent) build(l *line, s send) (*sipgosip.Request, error) {
	d := l.dialog
	target, routes := strictRoute(s.peer.target, s.peer.routes)
	var uri sipgosip.Uri
	if hasControl(target) {
		return nil, fmt.Errorf("%w: request URI", errControl)
	}
	if err := sipgosip.ParseUri(target, &uri); err != nil {
		return nil, fmt.Errorf("request URI: %w", err)
	}
	transport, destination := a.nextHop(d, s, target, routes)
	local, ok := a.contact[transport]
	if !ok {
		return nil, fmt.Errorf("no %s listener", transport)
	}
	req := sipgosip.NewRequest(sipgosip.RequestMethod(s.method), uri)
	branch := s.branch
	if branch == "" {
		branch = newBranch()
	}
	via := a.via(transport, branch)
	via.Transport = a.viaTransport(transport, destination)
	if s.overload {
		offerOverload(via)
	}
	req.AppendHeader(via)
	for _, r := range routes {
		req.AppendHeader(sipgosip.NewHeader("Route", "<"+r+">"))
	}
	if err := addressHeaders(req, d, s); err != nil {
		return nil, err
	}
	a.addContact(req, transport)
	auth := a.credentials(l, s, req, destination)
	for _, h := range slices.Concat(auth, s.extra) {
		req.AppendHeader(sipgosip.NewHeader(h.Name, h.Value))
	}
	if len(s.body) > 0 {
		req.AppendHeader(sipgosip.NewHeader("Content-Type", "application/sdp"))
	}
	length := sipgosip.ContentLengthHeader(len(s.body)) // SetBody would look for one among all headers
	req.AppendHeader(&length)
	req.SetBody(s.body)
	a.route(req, transport, destination, local)
	return req, nil
}

// credentials of a request: for an ACK those of its INVITE (RFC 3261 section
// 22.1), none for a CANCEL, which nobody may challenge.
func (a *Agent) credentials(l *line, s send, req *sipgosip.Request, destination string) []Header {
	switch s.method {
	case "ACK":
		return l.inviteAuth
	case "CANCEL":
		return nil
	}
	auth := a.nonces.authorize(l.dialog.Destination, l.invitation.Credentials, s.method, req.Recipient.String(), s.body)
	if s.method == "INVITE" {
		l.inviteAuth = auth
	}
	return auth
}

// addContact adds the headers that say who we are and what we can do.
func (a *Agent) addContact(req *sipgosip.Request, transport string) {
	switch req.Method {
	case sipgosip.INVITE, sipgosip.UPDATE, sipgosip.OPTIONS:
		req.AppendHeader(sipgosip.NewHeader("Contact", a.contactURI(transport)))
		req.AppendHeader(sipgosip.NewHeader("Allow", allowed))
		req.AppendHeader(sipgosip.NewHeader("Supported", "timer"))
	}
	req.AppendHeader(sipgosip.NewHeader("User-Agent", a.cfg.UserAgent))
}

func (a *Agent) contactURI(transport string) string {
	uri := "<sip:outpace@" + a.sentBy[transport]
	if transport != "udp" {
		uri += ";transport=" + transport
	}
	return uri + ">"
}

func (a *Agent) via(transport, branch string) *sipgosip.ViaHeader {
	host, port, _ := net.SplitHostPort(a.sentBy[transport])
	n, _ := strconv.Atoi(port)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	via := &sipgosip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0",
		Transport: strings.ToUpper(transport), Host: host, Port: n,
	}
	via.Params.Add("rport", "") // RFC 3581: answer to where this came from
	via.Params.Add("branch", branch)
	return via
}

// route tells the library where a request goes and which socket it leaves by.
func (a *Agent) route(req *sipgosip.Request, transport, destination string, local netip.AddrPort) {
	req.SetTransport(strings.ToUpper(transport))
	req.SetDestination(destination)
	if transport == "udp" {
		req.Laddr = sipgosip.Addr{IP: local.Addr().AsSlice(), Port: int(local.Port())}
	}
}

func addressHeaders(req *sipgosip.Request, d Dialog, s send) error {
	maxForwards := sipgosip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	from, to := &sipgosip.FromHeader{}, &sipgosip.ToHeader{}
	var err error
	if from.DisplayName, err = address(d.LocalURI, &from.Address); err != nil {
		return fmt.Errorf("local URI: %w", err)
	}
	if to.DisplayName, err = address(d.RemoteURI, &to.Address); err != nil {
		return fmt.Errorf("remote URI: %w", err)
	}
	from.Params.Add("tag", d.LocalTag)
	if s.peer.tag != "" {
		to.Params.Add("tag", s.peer.tag)
	}
	callID := sipgosip.CallIDHeader(d.CallID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sipgosip.CSeqHeader{SeqNo: s.cseq, MethodName: sipgosip.RequestMethod(s.method)})
	return nil
}

// strictRoute obeys a first route without lr (RFC 3261 section 12.2.1.1): it
// becomes the Request-URI, and the target the last route.
func strictRoute(target string, routes []string) (string, []string) {
	if len(routes) == 0 || isLoose(routes[0]) {
		return target, routes
	}
	return routes[0], append(slices.Clone(routes[1:]), target)
}

func isLoose(uri string) bool {
	for _, p := range splitQuoted(uri, ';')[1:] {
		if name, _ := parameter(p); name == "lr" {
			return true
		}
	}
	return false
}

// nextHop is where a request goes. INVITE and CANCEL, and the ACK of a refusal,
// go where the call was sent; requests inside a dialog follow its route set or
// its target, or for phones behind NAT go back to where they came from.
func (a *Agent) nextHop(d Dialog, s send, target string, routes []string) (transport, destination string) {
	inDialog := s.peer.tag != "" && (s.method != "ACK" || s.branch == "")
	if !inDialog || a.cfg.Symmetric {
		return d.Transport, d.Destination
	}
	hop := target
	if len(routes) > 0 {
		hop = routes[0]
	}
	var uri sipgosip.Uri
	if err := sipgosip.ParseUri(hop, &uri); err != nil || uri.Host == "" {
		return d.Transport, d.Destination
	}
	transport = d.Transport
	if uri.Scheme == "sips" && a.contact["tls"].IsValid() {
		transport = "tls"
	}
	if t, ok := uri.UriParams.Get("transport"); ok && a.contact[strings.ToLower(t)].IsValid() {
		transport = strings.ToLower(t)
	}
	port := uri.Port
	if port == 0 {
		port = sipgosip.DefaultPort(transport)
	}
	return transport, net.JoinHostPort(strings.Trim(uri.Host, "[]"), strconv.Itoa(port))
}

// respond answers a request of the far end.
func (a *Agent) respond(l *line, r respond) {
	s := r.to.wire
	if s == nil {
		return
	}
	res := sipgosip.NewResponseFromRequest(s.req, r.code, r.phrase, r.body)
	if to := res.To(); l != nil && r.code > 100 && to != nil {
		to.Params.Add("tag", l.dialog.LocalTag)
	}
	a.decorate(res, s.req, r.extra)
	if len(r.body) > 0 {
		res.AppendHeader(sipgosip.NewHeader("Content-Type", "application/sdp"))
	}
	a.schedule(res.Transport(), res.Destination(), func() { a.write(s, res) })
}

// decorate adds the headers of ours that a response to req carries.
func (a *Agent) decorate(res *sipgosip.Response, req *sipgosip.Request, extra []Header) {
	if transport := sipgosip.NetworkToLower(req.Transport()); res.StatusCode > 100 && res.StatusCode < 300 && a.contact[transport].IsValid() {
		switch req.Method {
		case sipgosip.INVITE, sipgosip.UPDATE, sipgosip.OPTIONS:
			res.AppendHeader(sipgosip.NewHeader("Contact", a.contactURI(transport)))
			res.AppendHeader(sipgosip.NewHeader("Supported", "timer"))
			res.AppendHeader(sipgosip.NewHeader("Allow", allowed))
		}
	}
	if res.StatusCode == 405 {
		res.AppendHeader(sipgosip.NewHeader("Allow", allowed))
	}
	res.AppendHeader(sipgosip.NewHeader("Server", a.cfg.UserAgent))
	for _, h := range extra {
		res.AppendHeader(sipgosip.NewHeader(h.Name, h.Value))
	}
}
