package webrtc

import (
	"crypto/rand"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/outpace-dialer/outpace/test/browser"
)

// stray makes what strangers send to a port that is open to the internet.
func stray(t *testing.T, n int) []byte {
	t.Helper()
	noise := make([]byte, 20+n%1200)
	_, _ = rand.Read(noise) // never fails
	switch n % 5 {
	case 0: // STUN for a session that there is not
		m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(rand.Text()+":"+rand.Text()),
			stun.NewShortTermIntegrity(rand.Text()), stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	case 1: // STUN for nobody
		m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	case 2: // what looks like RTP
		noise[0], noise[1] = 0x80, 0
	case 3: // and like a DTLS handshake
		noise[0], noise[1], noise[2] = 22, 254, 253
	}
	return noise
}

// Strangers who send whatever they like to the port neither disturb who talks nor keep
// anybody from connecting.
func TestFloodDisturbsNobody(t *testing.T) {
	r := start(t, Config{})
	r.sitDown("anna", browser.Config{Hz: 440})
	end := newEcho(r.Phone("anna"))
	end.awaitPackets(t, 10)

	conn, err := net.Dial("udp4", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stop := make(chan struct{})
	var flood sync.WaitGroup
	flood.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			for range 50 {
				_, _ = conn.Write(stray(t, n)) // what does not arrive does no harm either
				n++
			}
		}
	})
	before := len(end.heard())
	r.sitDown("bob", browser.Config{Hz: 700}) // somebody comes in the middle of it
	got := end.awaitPackets(t, before+100)
	close(stop)
	flood.Wait()

	lost := int(sequence(got[len(got)-1])-sequence(got[0])) + 1 - len(got)
	if lost > 2 { // the port's buffer may overflow on a machine that stands still
		t.Errorf("%d packets of %d were lost", lost, len(got))
	}
	if s := r.Stats(); s.Strays < 1000 || s.Connected != 2 || s.Failed != 0 {
		t.Errorf("stats = %+v", s)
	}
}

// Who knows the name of a session and not its password gets nothing and changes nothing.
func TestWrongPasswordChangesNothing(t *testing.T) {
	r := start(t, Config{})
	page, offer := openPage(t, browser.Config{Hz: 440})
	answer, session, err := r.Connect("anna", offer)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp4", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ours, theirs := attribute(t, answer, "ice-ufrag"), attribute(t, offer, "ice-ufrag")
	for range 20 {
		m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ours+":"+theirs),
			stun.NewShortTermIntegrity(rand.Text()), stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(m.Raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := page.Accept(answer); err != nil {
		t.Fatal(err)
	}
	r.await(Event{"anna", session, Connected})
	newEcho(r.Phone("anna")).awaitPackets(t, 10)
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var b [1500]byte
	for {
		n, err := conn.Read(b[:])
		if err != nil {
			return
		}
		m := &stun.Message{Raw: b[:n]}
		if m.Decode() != nil || m.Type.Class == stun.ClassSuccessResponse {
			t.Fatalf("a stranger got %x", b[:n])
		}
	}
}
