package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// linphoneConfig is a phone on loopback that opens no port for others over TLS. It
// checks who vouches for a certificate, but not for whom: it finds no addresses there,
// only names.
const linphoneConfig = `[sip]
bind_address=127.0.0.1
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-2
use_ipv6=0
default_proxy=0
root_ca=%[1]s
verify_server_certs=1
verify_server_cn=0
media_encryption=%[2]s
media_encryption_mandatory=%[3]d

[rtp]
bind_address=127.0.0.1
audio_rtp_port=-1

[sound]
echocancellation=0

[auth_info_0]
username=%[4]s
passwd=%[5]s

[proxy_0]
reg_proxy=<sip:%[6]s;transport=%[7]s>
reg_identity=sip:%[4]s@%[6]s
reg_expires=60
reg_sendregister=1
publish=0
`

// linphone is the console client of Linphone. It speaks a tone from a file and
// writes what it hears to another.
type linphone struct {
	*peer
	heard    string
	commands io.WriteCloser
}

// startLinphone registers a phone over a transport and waits until it says so. Over
// TLS it takes no call without SRTP.
func startLinphone(t *testing.T, p *product, user, transport string) handset {
	t.Helper()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, ".local/share/linphone"), 0o700)) // for its database; without, it registers nowhere
	file := filepath.Join(dir, "linphonerc")
	address, encryption, mandatory := p.phones, "none", 0
	if transport == "tls" {
		address, encryption, mandatory = p.phonesTLS, "srtp", 1
	}
	must(t, os.WriteFile(file, fmt.Appendf(nil, linphoneConfig, p.certificate, encryption, mandatory, user, sipPassword(user), address, transport), 0o600))
	speech := filepath.Join(dir, "tone.wav")
	writeWAV(t, speech, tone(operatorHz, 120_000))
	l := &linphone{heard: filepath.Join(dir, "heard.wav")}
	cmd := exec.Command("linphonec", "-a", "-c", file) // answers by itself
	cmd.Env = append(os.Environ(), "HOME="+dir)
	var err error
	l.commands, err = cmd.StdinPipe()
	must(t, err)
	l.peer = startCommand(t, user+"'s linphonec", cmd)
	_, err = fmt.Fprintf(l.commands, "soundcard use files\nplay %s\nrecord %s\n", speech, l.heard)
	must(t, err)
	eventually(t, 30*time.Second, user+" is registered", func() (bool, any) {
		_, err := io.WriteString(l.commands, "status register\n")
		must(t, err)
		return l.times("registered, identity=") > 0, l.said()
	})
	return l
}

// quit ends the phone, which leaves the registrar and closes its recording.
func (l *linphone) quit(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(l.commands, "quit\n")
	must(t, err)
	select {
	case err := <-l.exit: // its status is its own affair
		l.exit <- err
	case <-time.After(15 * time.Second):
		t.Fatalf("linphonec does not end\n%s", l.said())
	}
}

// checkEar wants half a second of each customer's tone in what the operator heard.
func (l *linphone) checkEar(t *testing.T, _ *journal, user string) {
	t.Helper()
	heard := readPCM(t, l.heard)
	if n := toneFrames(heard, customerHz); n < 25*callsEach {
		t.Errorf("%s: %d frames of the customers' tone in a recording of %d samples, want %d", user, n, len(heard), 25*callsEach)
	}
}

// TestInteropLinphoneAsOperators has Linphone take calls over UDP, TCP and TLS, that
// with SRTP.
func TestInteropLinphoneAsOperators(t *testing.T) {
	interop(t, "linphonec")
	phonesTakeCalls(t, map[string]string{"lena": "udp", "lars": "tcp", "lisa": "tls"}, nil, startLinphone)
}
