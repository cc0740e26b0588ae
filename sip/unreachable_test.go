package sip

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// An INVITE that the network cannot deliver is told at once where another target
// could take the call; where none could, it is sent again.
func TestInviteIsUndeliverable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a socket that talks to many")
	}
	n, f := newNear(t), newFarEnd(t)
	gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := gone.LocalAddr().String()
	_ = gone.Close()
	began := time.Now()
	inv := inviteOver("udp", addr)
	inv.AnswerTimeout = time.Minute
	n.Invite("leg", inv)
	if e := event[Ended](n); e.Cause.Result != ResultTrunkDown {
		t.Errorf("ended = %+v", e)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("after %s", took)
	}
	// The error of one target is not that of another, and the socket lives on.
	for i := range 20 {
		n.Invite(LegID("lone"+string(rune('a'+i))), inviteOver("udp", addr))
		n.alive(f)
	}
	n.quiet() // they have no other target: they are sent again
}

// What an ICMP error quotes ends a call only where it is our INVITE, whole enough.
func TestQuotedInvite(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	invite := n.invite(f, func(i *Invitation) { i.AnswerTimeout = time.Minute })
	branch := parameterOf(header(invite, "Via"), "branch")
	for _, quoted := range []string{
		"", "INVITE ", "OPTIONS" + strings.TrimPrefix(invite, "INVITE"),
		strings.ReplaceAll(invite, branch, branch+"x"),
		strings.ReplaceAll(invite, "From: ", "X: "), invite[:strings.Index(invite, "Max-Forwards")],
	} {
		n.onUndelivered([]byte(quoted))
	}
	n.alive(f)
	n.quiet()
	n.onUndelivered([]byte(invite[:strings.Index(invite, "CSeq")]))
	if e := event[Ended](n); e.Cause.Result != ResultTrunkDown {
		t.Errorf("ended = %+v", e)
	}
	// A target that was there all the same is taken back.
	f.answer(invite, "180 Ringing", "T", f.contact(), "")
	f.expect("CANCEL")
}
