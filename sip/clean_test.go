package sip

import (
	"testing"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Whichever piece of the request line or of a Via has a control character in it, the
// message is neither sent nor taken.
func TestFenceSeesEveryPiece(t *testing.T) {
	const evil = "x\r\nRoute: <sip:elsewhere>"
	for name, spoil := range map[string]func(req *sipgosip.Request, via *sipgosip.ViaHeader){
		"nothing":     func(*sipgosip.Request, *sipgosip.ViaHeader) {},
		"method":      func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Method = evil },
		"version":     func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.SipVersion = evil },
		"scheme":      func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Recipient.Scheme = evil },
		"user":        func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Recipient.User = evil },
		"password":    func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Recipient.Password = evil },
		"host":        func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Recipient.Host = evil },
		"parameter":   func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Recipient.UriParams.Add("lr", evil) },
		"uri header":  func(req *sipgosip.Request, _ *sipgosip.ViaHeader) { req.Recipient.Headers.Add(evil, "1") },
		"via name":    func(_ *sipgosip.Request, via *sipgosip.ViaHeader) { via.ProtocolName = evil },
		"via version": func(_ *sipgosip.Request, via *sipgosip.ViaHeader) { via.ProtocolVersion = evil },
		"transport":   func(_ *sipgosip.Request, via *sipgosip.ViaHeader) { via.Transport = evil },
		"via host":    func(_ *sipgosip.Request, via *sipgosip.ViaHeader) { via.Host = evil },
		"via key":     func(_ *sipgosip.Request, via *sipgosip.ViaHeader) { via.Params.Add(evil, "") },
		"branch":      func(_ *sipgosip.Request, via *sipgosip.ViaHeader) { via.Params.Add("branch", evil) },
	} {
		req := sipgosip.NewRequest(sipgosip.INVITE, sipgosip.Uri{Scheme: "sip", User: "1", Password: "p", Host: "far"})
		via := &sipgosip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "near", Port: 5060}
		via.Params.Add("branch", newBranch())
		req.AppendHeader(via)
		spoil(req, via)
		if err := checkMessage(req); (err == nil) != (name == "nothing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
