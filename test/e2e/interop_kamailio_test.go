package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
)

// kamailioConfig is a record-routing proxy before one carrier. With an address of
// rtpengine's control socket the audio goes through that.
const kamailioConfig = `#!KAMAILIO
debug=0
log_stderror=yes
children=2
auto_aliases=no
disable_tcp=yes
listen=udp:%[1]s
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
%[3]s
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { t_relay(); exit; }
	if (has_totag()) {
		if (!loose_route()) {
			if (is_method("ACK") && t_check_trans()) { t_relay(); }
			exit;
		}
		xlog("L_ALERT", "in dialog: $rm for $ru\n");
		%[4]s
		t_relay();
		exit;
	}
	if (is_method("INVITE")) { record_route(); %[4]s }
	$du = "sip:%[2]s";
	t_on_reply("back");
	t_relay();
}
onreply_route[back] {
	if (!has_body("application/sdp")) { exit; }
	%[4]s
	exit;
}
`

// kamailio starts the proxy before a carrier and returns its address. control is
// that of rtpengine, "" where audio goes directly.
func kamailio(t *testing.T, carrier, control string) (*peer, string) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	load, manage := "", ""
	if control != "" {
		load = fmt.Sprintf("loadmodule \"rtpengine.so\"\nmodparam(\"rtpengine\", \"rtpengine_sock\", \"udp:%s\")\n", control)
		manage = `rtpengine_manage("replace-origin replace-session-connection ICE=remove RTP/AVP");`
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "kamailio.cfg")
	must(t, os.WriteFile(file, fmt.Appendf(nil, kamailioConfig, address, carrier, load, manage), 0o600))
	p := startPeer(t, "kamailio", "-DD", "-E", "-f", file, "-Y", dir, "-m", "32", "-M", "4")
	options := "OPTIONS sip:" + address + " SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKready\r\nMax-Forwards: 5\r\n" +
		"From: <sip:a@a>;tag=a\r\nTo: <sip:b@b>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	awaitAnswer(t, p, address, func(own string) string { return fmt.Sprintf(options, own) })
	return p, address
}

// awaitAnswer asks a program over UDP until it answers.
func awaitAnswer(t *testing.T, p *peer, address string, question func(own string) string) {
	t.Helper()
	eventually(t, 20*time.Second, p.name+" answers", func() (bool, any) {
		conn, err := net.Dial("udp", address)
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(time.Second)))
		if _, err = conn.Write([]byte(question(conn.LocalAddr().String()))); err == nil {
			_, err = conn.Read(make([]byte, 2000))
		}
		return err == nil, p.said()
	})
}

// rtpengine starts the relay of audio in user space and returns its control address.
func rtpengine(t *testing.T) (*peer, string) {
	t.Helper()
	control := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p := startPeer(t, "rtpengine", "--foreground", "--log-stderr", "--log-level=6", "--table=-1", "--num-threads=2", "--delete-delay=0",
		"--interface=127.0.0.1", "--listen-ng="+control, "--port-min=30000", "--port-max=30999", "--pidfile=/dev/null")
	awaitAnswer(t, p, control, func(string) string { return "1 d7:command4:pinge" })
	return p, control
}

// TestInteropProxyBeforeTrunk has whole calls go through Kamailio, which stays in the
// dialog: tones both ways in the recordings, and BYEs of both sides along the route
// set. Once the audio goes directly, once through rtpengine.
func TestInteropProxyBeforeTrunk(t *testing.T) {
	interop(t, "kamailio", "rtpengine")
	for _, through := range []string{"signalling", "rtpengine"} {
		t.Run(through, func(t *testing.T) {
			far, journal := personsOnly(t, 5*time.Second)
			control := ""
			var relay *peer
			if through == "rtpengine" {
				relay, control = rtpengine(t)
			}
			proxy, address := kamailio(t, far.Addr(), control)
			const user = "op-proxy"
			p := newProduct(t, trunkText("line", address, "options_interval: 1s"), func(s app.Store) {
				seedOperator(t, s, user, "")
				var numbers []string
				for i := range callsEach {
					numbers = append(numbers, fmt.Sprintf("+999778%04d", i))
				}
				seedCampaign(t, s, campaigns.Campaign{ID: user, Trunks: "line", Detection: "before", Recording: campaigns.RecordAlways,
					Operators: []campaigns.UserID{user}}, numbers...)
			})
			p.serve(t)
			boss := p.signIn(t, manager, managerPassword)
			ear := newSoftphone(t, p, user)
			d := p.sitDown(t, user)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			worked := make(chan error, 1)
			go func() { worked <- shift(ctx, d) }()
			leg := ear.takeLeg(t)
			leg.Audio.Play(&phone.Tone{Hz: operatorHz, Peak: 8000})
			if err := <-worked; err != nil {
				t.Fatal(err)
			}
			eventually(t, 10*time.Second, "every call is written down", func() (bool, any) {
				n := journal.count(t, "bye")
				return n == callsEach, n
			})
			eventually(t, 10*time.Second, "every call has its disposition", func() (bool, any) {
				all := boss.attempts(t, user)
				return !slices.ContainsFunc(all, func(a campaigns.Attempt) bool { return a.Disposition == "" }), all
			})
			checkRecordings(t, boss, user)
			journal.noFaults(t)
			checkRouteSet(t, proxy, journal, relay)
			p.stop(t) // while the phone is there
		})
	}
}

// checkRouteSet wants every ACK and BYE to have gone through the proxy, BYEs of both
// sides, and the audio through rtpengine where there is one.
func checkRouteSet(t *testing.T, proxy *peer, journal *journal, relay *peer) {
	t.Helper()
	by := map[string]int{}
	for _, e := range journal.events(t) {
		if e.Event == "bye" {
			by[e.By]++
		}
	}
	if by["carrier"] == 0 || by["dialer"] == 0 {
		t.Errorf("calls were ended by %v, want some by each side", by)
	}
	if acks, byes := proxy.times("in dialog: ACK"), proxy.times("in dialog: BYE"); acks < callsEach || byes < callsEach {
		t.Errorf("%d ACKs and %d BYEs went through the proxy, want at least %d of each", acks, byes, callsEach)
	}
	if relay != nil {
		if n := relay.times("Final packet stats"); n < callsEach {
			t.Errorf("rtpengine tells of %d calls, want %d", n, callsEach)
		}
	}
}
