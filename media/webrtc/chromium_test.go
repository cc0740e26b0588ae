//go:build unix

package webrtc

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/tool"
)

// page does what an operator's desktop does: it asks for the microphone, makes an offer
// without waiting for candidates, takes the answer, listens, presses a key and tells
// what its own statistics say.
const page = `<!doctype html><title>phone</title><script>
const tell = (what) => fetch('/told', {method: 'POST', body: JSON.stringify(what)});
async function phone() {
  const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
  const pc = new RTCPeerConnection();
  const sender = pc.addTrack(microphone.getAudioTracks()[0], microphone);
  pc.ontrack = (e) => { const a = new Audio(); a.srcObject = new MediaStream([e.track]); a.play(); };
  await pc.setLocalDescription();
  const answer = await fetch('/offer', {method: 'POST', body: pc.localDescription.sdp});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  let pressed = false; // keys are taken once it is connected and the answer is in force, in either order
  setInterval(async () => {
    if (!pressed && pc.connectionState === 'connected' && sender.dtmf.canInsertDTMF) {
      pressed = true;
      sender.dtmf.insertDTMF('7');
    }
    const told = {state: pc.connectionState, received: 0, lost: 0, level: 0, codec: ''};
    const stats = await pc.getStats();
    stats.forEach((s) => {
      if (s.type === 'inbound-rtp') {
        Object.assign(told, {received: s.packetsReceived, lost: s.packetsLost, level: s.audioLevel || 0});
        if (s.codecId) told.codec = stats.get(s.codecId).mimeType;
      }
    });
    tell(told);
  }, 200);
}
phone().catch((e) => tell({state: 'failed: ' + e}));
</script>`

// told is what the page says of itself.
type told struct {
	State, Codec   string
	Received, Lost int
	Level          float64
}

// A real browser is a phone: audio both ways without loss in G.711, and its keys.
func TestChromium(t *testing.T) {
	path := tool.Path(t, "chromium", "a real browser")
	r := start(t, Config{})
	said, ends := make(chan told, 100), make(chan *echo, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) })
	mux.HandleFunc("POST /offer", func(w http.ResponseWriter, req *http.Request) {
		offer, _ := io.ReadAll(req.Body)
		answer, _, err := r.Connect("anna", string(offer))
		if err != nil {
			t.Errorf("%v\n%s", err, offer)
			return
		}
		ends <- newEcho(r.Phone("anna"))
		_, _ = io.WriteString(w, answer)
	})
	mux.HandleFunc("POST /told", func(_ http.ResponseWriter, req *http.Request) {
		var what told
		if json.NewDecoder(req.Body).Decode(&what) == nil {
			said <- what
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	log := openChromium(t, path, server.URL)

	var end *echo
	for deadline := time.After(2 * time.Minute); ; {
		select {
		case end = <-ends:
		case what := <-said:
			if strings.HasPrefix(what.State, "failed") {
				t.Fatalf("the page: %+v", what)
			}
			if what.Received < 100 || what.Level == 0 || !strings.Contains(keysOf(end), "7") {
				continue
			}
			t.Logf("%+v; %d packets came", what, len(end.heard()))
			if what.Lost > 2 || !strings.EqualFold(what.Codec, "audio/PCMU") {
				t.Errorf("the page: %+v", what)
			}
			if f := end.formats[0]; f.ULaw != 0 || f.ALaw != 8 || f.Event != 126 {
				t.Errorf("format = %+v", f)
			}
			return
		case <-deadline:
			t.Fatalf("stats %+v\n%s", r.Stats(), log())
		}
	}
}

// openChromium opens a page with a made-up microphone; it is closed with the test. log is
// what the browser wrote, after it has ended.
func openChromium(t *testing.T, path, url string) (log func() string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	browse := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
		"--user-data-dir="+dir, url)
	browse.Env = append(os.Environ(), "HOME="+dir)
	browse.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	browse.WaitDelay = 5 * time.Second
	var text strings.Builder
	browse.Stderr = &text
	if err := browse.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		_ = syscall.Kill(-browse.Process.Pid, syscall.SIGKILL) // with its helpers
		_ = browse.Wait()
		_ = os.RemoveAll(dir)
	})
	t.Cleanup(end)
	return func() string { end(); return text.String() }
}

// keysOf are the keys that came, each as often as it was said.
func keysOf(e *echo) string {
	keys := ""
	if e == nil {
		return keys
	}
	for _, b := range e.heard() {
		if payloadType(b) == e.formats[0].Event {
			keys += string(media.Keys[b[headerSize]])
		}
	}
	return keys
}
