package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/tool"
)

// callsEach is how many calls an operator takes.
const callsEach = 3

// baresipConfig has no audio device: the microphone is a file with a tone, and
// what is heard is written to a file (module sndfile, *-dec.wav).
const baresipConfig = `
sip_listen		127.0.0.1:0
net_interface		127.0.0.1
audio_source		aufile,%[1]s/tone.wav
audio_player		aufile,%[1]s/player.wav
audio_alert		aufile,%[1]s/alert.wav
audio_buffer		20-160
jitter_buffer_delay	5-10
snd_path		%[1]s/heard
module_path		%[2]s
module			g711.so
module			sndfile.so
module			aufile.so
module			rtcpsummary.so
module			srtp.so
sip_cafile		%[3]s
sip_verify_server	yes
module_app		account.so
module_app		menu.so
`

// baresip is a softphone that somebody else wrote.
type baresip struct {
	dir    string
	cmd    *exec.Cmd
	mu     sync.Mutex
	output bytes.Buffer
	more   chan struct{}
	exit   chan error
}

func (b *baresip) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	return b.output.Write(p)
}

func (b *baresip) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.output.String()
}

// awaitLine waits for something that baresip says.
func (b *baresip) awaitLine(t *testing.T, line *regexp.Regexp) {
	t.Helper()
	over := time.After(15 * time.Second)
	for !line.MatchString(b.said()) {
		select {
		case <-b.more:
		case <-over:
			t.Fatalf("baresip did not say %v\n%s", line, b.said())
		}
	}
}

// modules is where Debian, and others, keep baresip's modules.
func modules(t *testing.T) string {
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules", "/opt/homebrew/lib/baresip/modules"} {
		if found, _ := filepath.Glob(filepath.Join(pattern, "sndfile.so")); len(found) > 0 {
			return filepath.Dir(found[0])
		}
	}
	t.Fatal("baresip is installed without its modules")
	return ""
}

// startBaresip registers a phone over a transport, through an outbound proxy where
// there is one ("sip:host:port"), and waits for the 200.
func startBaresip(t *testing.T, p *product, user, transport, proxy string) *baresip {
	t.Helper()
	b := &baresip{dir: t.TempDir(), more: make(chan struct{}, 1), exit: make(chan error, 1)}
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600)) }
	must(t, os.Mkdir(filepath.Join(b.dir, "heard"), 0o700))
	write("config", fmt.Sprintf(baresipConfig, b.dir, modules(t), p.certificate))
	address, more := p.phones, ""
	if proxy != "" {
		more = fmt.Sprintf(`;outbound="%s"`, proxy)
	}
	if transport == "tls" {
		address, more = p.phonesTLS, ";mediaenc=srtp-mand" // a call without SRTP is refused
	}
	write("accounts", fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%s;answermode=auto;regint=60%s\n", user, address, transport, user, sipPassword(user), more))
	writeWAV(t, filepath.Join(b.dir, "tone.wav"), tone(operatorHz, 120_000))
	b.cmd = exec.Command("baresip", "-f", b.dir)
	b.cmd.Stdout, b.cmd.Stderr = b, b
	must(t, b.cmd.Start())
	go func() { b.exit <- b.cmd.Wait() }()
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill() // it has ended where the test is good
		if t.Failed() {
			t.Logf("%s says\n%s", user, b.said())
		}
	})
	b.awaitLine(t, regexp.MustCompile(`200 OK`))
	return b
}

// quit ends baresip; it closes its recordings.
func (b *baresip) quit(t *testing.T) {
	t.Helper()
	must(t, b.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-b.exit: // its status is its own affair
	case <-time.After(10 * time.Second):
		t.Fatalf("baresip does not end\n%s", b.said())
	}
}

// TestBaresipAsOperators has phones of another maker take calls: they register
// with digest, over UDP, TCP and TLS, that with SRTP, answer their leg by
// themselves and record what they hear.
func TestBaresipAsOperators(t *testing.T) {
	tool.Path(t, "baresip", "calls to it")
	t.Parallel()
	phonesTakeCalls(t, map[string]string{"bob": "udp", "carl": "tcp", "dora": "tls"}, baresipEnv,
		func(t *testing.T, p *product, user, transport string) handset {
			t.Helper()
			return startBaresip(t, p, user, transport, "")
		})
}

// baresipEnv lets Debian's baresip in: it gives up where a challenge offers SHA-256,
// besides MD5 too.
var baresipEnv = []string{"OUTPACE_PHONES__REGISTRAR__SHA256=false"}

// shift is an operator's work through the public API: calls are ended in turn
// by the operator and by the customer.
func shift(ctx context.Context, d *desk) error {
	if err := d.ask(ctx, "on-duty", nil); err != nil {
		return err
	}
	if _, err := d.await(ctx, "paused", 15*time.Second); err != nil {
		return err
	}
	if err := d.ask(ctx, "ready", nil); err != nil {
		return err
	}
	for i := range callsEach {
		v, err := d.await(ctx, "talking", 20*time.Second)
		if err != nil {
			return err
		}
		if i%2 == 0 {
			if err := sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			if err := d.ask(ctx, "hangup", nil); err != nil {
				return err
			}
		}
		if _, err := d.await(ctx, "wrapping", 15*time.Second); err != nil {
			return err
		}
		if err := d.ask(ctx, "disposition", map[string]any{"attempt": v.Attempt, "disposition": "not_interested"}); err != nil {
			return err
		}
	}
	if err := d.ask(ctx, "off-duty", nil); err != nil {
		return err
	}
	_, err := d.await(ctx, "offline", 10*time.Second)
	return err
}

// checkEar looks at what an operator heard: the tone of each customer and, by
// their marks, the packets between the first and the last. RTCP counts every
// one of them by its sequence number and must miss none; the recording is made
// after baresip's jitter buffer, which drops what a busy machine has made late,
// so a fiftieth may be missing there.
func (b *baresip) checkEar(t *testing.T, j *journal, user string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "heard", "*-dec.wav"))
	must(t, err)
	var heard []int16
	for _, f := range files {
		heard = append(heard, readPCM(t, f)...)
	}
	sent := map[uint32]bool{}
	for _, e := range j.events(t) {
		if e.Event == "marks" {
			sent[e.Stream] = true
		}
	}
	marks := marksIn(heard, sent)
	for _, e := range j.events(t) {
		if e.Event != "marks" || marks[e.Stream] == nil {
			continue
		}
		m := marks[e.Stream]
		if lost := int(m.last-m.first+1) - m.count; lost > m.count/50 {
			t.Errorf("%s: %d of %d packets of a customer are missing in the operator's recording", user, lost, m.last-m.first+1)
		}
		if m.tones < 25 {
			t.Errorf("%s: %d frames of a customer's tone in the operator's recording, want half a second", user, m.tones)
		}
	}
	if len(marks) != callsEach {
		t.Errorf("%s heard %d customers, want %d (%d samples in %v)", user, len(marks), callsEach, len(heard), files)
	}
	if lost := regexp.MustCompile(`PL=(\d+),(\d+)`).FindStringSubmatch(b.said()); lost == nil || lost[1] != "0" || lost[2] != "0" {
		t.Errorf("%s: RTCP of the leg reports lost packets: %v", user, lost)
	}
}

// markRun is what came of one customer.
type markRun struct {
	first, last uint32
	count       int // different packets
	tones       int // of these, with the customer's tone
}

// marksIn finds the marked packets of the streams that were sent in linear audio:
// µ-law that was decoded and is encoded again is what it was. Where no packet
// begins, every sample is tried, and one in 65,536 passes the check of a mark by
// chance: such a mark names a stream that nobody sent.
func marksIn(pcm []int16, sent map[uint32]bool) map[uint32]*markRun {
	found := map[uint32]*markRun{}
	bytes := make([]byte, len(pcm))
	phone.PCMU.Encode(bytes, pcm)
	for at := 0; at+phone.FrameSamples <= len(bytes); {
		mark, ok := phone.ReadMark(bytes[at : at+phone.FrameSamples])
		if !ok || !sent[mark.Stream] {
			at++
			continue
		}
		m := found[mark.Stream]
		if m == nil {
			m = &markRun{first: mark.Number}
			found[mark.Stream] = m
		}
		if mark.Number > m.last {
			m.last = mark.Number
			m.count++
		}
		if isTone(pcm[at:at+phone.FrameSamples], customerHz) {
			m.tones++
		}
		at += phone.FrameSamples
	}
	return found
}

// checkRecordings looks at the product's own stereo recordings: the customer on
// the left, the operator on the right.
func checkRecordings(t *testing.T, boss *client, campaign campaigns.CampaignID) {
	t.Helper()
	all := boss.attempts(t, campaign)
	if len(all) != callsEach {
		t.Errorf("%s: %d attempts, want %d", campaign, len(all), callsEach)
	}
	for _, a := range all {
		if a.Outcome != campaigns.Connected || a.Disposition != "not_interested" {
			t.Errorf("%s: attempt %s: outcome %q, disposition %q", campaign, a.ID, a.Outcome, a.Disposition)
		}
		wav, err := boss.raw(t.Context(), http.MethodGet, "/api/v1/recordings/"+string(a.ID), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		left, right := readStereo(t, wav)
		if l, r := toneFrames(left, customerHz), toneFrames(right, operatorHz); l < 25 || r < 25 {
			t.Errorf("%s: recording %s of %d samples: %d frames of the customer's tone on the left, %d of the operator's on the right, want 25 of each",
				campaign, a.ID, len(left), l, r)
		}
	}
}

func toneFrames(pcm []int16, hz float64) int {
	n := 0
	for ; len(pcm) >= phone.FrameSamples; pcm = pcm[phone.FrameSamples:] {
		if isTone(pcm[:phone.FrameSamples], hz) {
			n++
		}
	}
	return n
}
