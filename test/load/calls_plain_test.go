package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// plainEnv is "HOST:PORT CALLS CALLS/S" of the plain caller's process.
const plainEnv = "OUTPACE_LOAD_PLAIN"

// plainCost is the processor time per thousand calls of a program that does nothing
// but INVITE, 200, ACK, BYE, with the library that the product stands on: the dialogs
// of sipgo, as its documentation shows them.
func plainCost(tb testing.TB, calls, cps int) time.Duration {
	tb.Helper()
	far := startFarEnd(tb, trying, ringing, answers, isHungUpOn)
	cmd := exec.Command(os.Args[0], "-test.run=^TestPlainProcess$", "-test.timeout=0")
	cmd.Env = append(testbed.Environment(), fmt.Sprintf("%s=%s %d %d", plainEnv, far.address, calls, cps))
	out, in, err := os.Pipe()
	must(tb, err)
	defer out.Close()
	cmd.ExtraFiles = []*os.File{in}
	must(tb, cmd.Start())
	in.Close()
	var used time.Duration
	err = json.NewDecoder(out).Decode(&used)
	if waited := cmd.Wait(); err != nil || waited != nil {
		tb.Fatalf("plain calls: %v %v", err, waited)
	}
	return used * 1000 / time.Duration(calls)
}

// TestPlainProcess is no test but the process of plainCost.
func TestPlainProcess(t *testing.T) {
	var to string
	var calls, cps int
	if _, err := fmt.Sscan(os.Getenv(plainEnv), &to, &calls, &cps); err != nil {
		t.Skip("the process that the benchmarks start")
	}
	sipgosip.SetDefaultLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	p := newPlain(t, to)
	p.call(t, 200, cps) // warm
	before := ownTime()
	p.call(t, calls, cps)
	must(t, json.NewEncoder(os.NewFile(ordersFile, "answers")).Encode(ownTime()-before))
}

// plain is a caller of sipgo's own dialogs.
type plain struct {
	dialogs *sipgo.DialogClientCache
	to      sipgosip.Uri
}

func newPlain(t *testing.T, to string) *plain {
	ua, err := sipgo.NewUA()
	must(t, err)
	t.Cleanup(func() { ua.Close() })
	server, err := sipgo.NewServer(ua)
	must(t, err)
	own := testbed.Reserve(t)
	at, err := netip.ParseAddrPort(own)
	must(t, err)
	port := int(at.Port())
	client, err := sipgo.NewClient(ua, sipgo.WithClientHostname("127.0.0.1"), sipgo.WithClientPort(port), sipgo.WithClientConnectionAddr(own))
	must(t, err)
	contact := sipgosip.ContactHeader{Address: sipgosip.Uri{Scheme: "sip", User: "plain", Host: "127.0.0.1", Port: port}}
	p := &plain{dialogs: sipgo.NewDialogClientCache(client, contact)}
	must(t, sipgosip.ParseUri("sip:far@"+to, &p.to))
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	listening := make(chan struct{})
	serving.Go(func() {
		ctx := context.WithValue(ctx, sipgo.ListenReadyCtxKey, sipgo.ListenReadyCtxValue(listening))
		_ = server.ListenAndServe(ctx, "udp", own) // ends with ctx
	})
	t.Cleanup(func() { stop(); serving.Wait() })
	<-listening
	return p
}

const plainOffer = "v=0\r\no=plain 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n" +
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

// call places calls at a rate and waits until they are over.
func (p *plain) call(t *testing.T, calls, cps int) {
	tick := time.NewTicker(time.Second / time.Duration(cps))
	defer tick.Stop()
	var flying sync.WaitGroup
	for range calls {
		<-tick.C
		flying.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := p.one(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	flying.Wait()
}

func (p *plain) one(ctx context.Context) error {
	d, err := p.dialogs.Invite(ctx, p.to, []byte(plainOffer), sipgosip.NewHeader("Content-Type", "application/sdp"))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		return err
	}
	if err := d.Ack(ctx); err != nil {
		return err
	}
	return d.Bye(ctx)
}
