package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// edgeConfig is a proxy before our registrar: it names itself in Path with where it
// saw the phone, and brings requests to us or, by their Route, to the phone.
const edgeConfig = `#!KAMAILIO
debug=0
log_stderror=yes
children=2
auto_aliases=no
disable_tcp=yes
listen=udp:%[1]s
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "path.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
modparam("path", "use_received", 1)
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	force_rport();
	if (is_method("CANCEL")) { t_relay(); exit; }
	# false where a Route without a dialog ends here: then the phone is where Path says
	if (loose_route() || $du != $null) {
		xlog("L_ALERT", "by Route: $rm for $ru by $du\n");
		if (is_method("INVITE") && !has_totag()) { record_route(); }
		t_relay();
		exit;
	}
	if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
	if (is_method("REGISTER")) {
		add_path_received();
		$du = "sip:%[2]s";
		xlog("L_ALERT", "to the registrar: $rm of $si:$sp\n");
		t_relay();
		exit;
	}
	sl_send_reply("403", "Forbidden");
}
`

// edgeHost is not where the phones are: a phone at the address of a proxy would be
// taken for one.
const edgeHost = "127.0.0.2"

// kamailioEdge starts the proxy before a registrar and returns its address.
func kamailioEdge(t *testing.T, registrar string) (*peer, string) {
	t.Helper()
	address := fmt.Sprintf("%s:%d", edgeHost, freePort(t))
	dir := t.TempDir()
	file := filepath.Join(dir, "edge.cfg")
	must(t, os.WriteFile(file, fmt.Appendf(nil, edgeConfig, address, registrar), 0o600))
	p := startPeer(t, "kamailio", "-DD", "-E", "-f", file, "-Y", dir, "-m", "32", "-M", "4")
	question := "OPTIONS sip:" + address + " SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKready\r\nMax-Forwards: 5\r\n" +
		"From: <sip:a@a>;tag=a\r\nTo: <sip:b@b>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	awaitAnswer(t, p, address, func(own string) string { return fmt.Sprintf(question, own) })
	return p, address
}

// TestInteropProxyBeforePhones has phones register through Kamailio, which names
// itself in Path: their calls go by it, with tones both ways, and so do the questions
// whether they are there.
func TestInteropProxyBeforePhones(t *testing.T) {
	interop(t, "kamailio", "baresip")
	var edge *peer
	var address string
	env := append([]string{"OUTPACE_PHONES__REGISTRAR__PROXIES=[" + edgeHost + "]", "OUTPACE_PHONES__REGISTRAR__KEEP_ALIVE=1s"}, baresipEnv...)
	users := map[string]string{"emil": "udp", "edda": "udp"}
	phonesTakeCalls(t, users, env, func(t *testing.T, p *product, user, transport string) handset {
		t.Helper()
		if edge == nil {
			edge, address = kamailioEdge(t, p.phones)
		}
		return startBaresip(t, p, user, transport, "sip:"+address)
	})
	for _, method := range []string{"INVITE", "ACK", "BYE", "OPTIONS"} {
		if n := edge.times("by Route: " + method); n < len(users) {
			t.Errorf("%d %s went by the proxy, want at least %d", n, method, len(users))
		}
	}
	if n := edge.times("to the registrar: REGISTER"); n < 2*len(users) {
		t.Errorf("%d REGISTERs went by the proxy, want at least %d", n, 2*len(users))
	}
	seen := regexp.MustCompile(`by Route: INVITE for \S+ by sip:127\.0\.0\.1:`) // received of Path, which came back in Route
	if n := len(seen.FindAllString(edge.said(), -1)); n < len(users) {
		t.Errorf("%d INVITEs went where the proxy had seen the phone, want %d", n, len(users))
	}
}
