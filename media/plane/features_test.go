package plane

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/wav"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// pcmFile is a WAV of 16-bit PCM with a tone in it.
func pcmFile(freq float64, length time.Duration) []byte {
	var b bytes.Buffer
	n := media.Samples(length)
	b.WriteString("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
	b.Write(binary.LittleEndian.AppendUint32(nil, 8000))
	b.Write(binary.LittleEndian.AppendUint32(nil, 16000))
	b.WriteString("\x02\x00\x10\x00data")
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(2*n)))
	f := farEnd{freq: freq}
	for range n / 160 {
		for _, s := range f.samples() {
			b.Write(binary.LittleEndian.AppendUint16(nil, uint16(s)))
		}
	}
	return b.Bytes()
}

// The beep at the bridge is heard over the customer, who loses no packet.
func TestBeepIsMixedOverTheCustomer(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Prompts = fstest.MapFS{"beep.wav": {Data: pcmFile(1000, 200*time.Millisecond)}}
	})
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	customer.talk(2)
	r.Bridge("c", "o")
	r.Play("o", "beep")
	customer.talk(20)
	tones := func(got []heard, freq float64) (n int) {
		for _, h := range got {
			if level(h.payload, media.ULaw, freq) > 0.9 {
				n++
			}
		}
		return n
	}
	got := operator.await("20 packets of the customer", func(got []heard) bool { return tones(got, 440) == 20 })
	continuous(t, got)
	if n := tones(got, 1000); n != 10 {
		t.Errorf("beep in %d packets, want 10", n)
	}
	if e := next[media.Played](r); e.Leg != "o" || e.Prompt != "beep" || e.Cut {
		t.Errorf("Played = %+v", e)
	}
	if lost := r.Stats().RelayedLost; lost != 0 {
		t.Errorf("%d packets lost under the beep", lost)
	}
}

func TestPromptsQueueAndAreCut(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Prompts = fstest.MapFS{
			"a.wav": {Data: pcmFile(600, 100*time.Millisecond)}, "b.wav": {Data: pcmFile(900, 100*time.Millisecond)},
		}
	})
	f := newFarEnd(t, media.ALaw, 440)
	r.call("c", local, f)
	for _, prompt := range []string{"a", "b", "missing"} {
		r.Play("c", prompt)
	}
	if e := next[media.Played](r); e.Prompt != "missing" || !e.Cut {
		t.Errorf("first Played = %+v, want the missing one, cut", e)
	}
	for _, want := range []string{"a", "b"} {
		if e := next[media.Played](r); e.Prompt != want || e.Cut {
			t.Errorf("Played = %+v, want %s", e, want)
		}
	}
	got := relayed(f.await("both prompts", func(got []heard) bool { return len(relayed(got)) >= 10 }))
	for i, h := range got {
		freq := 600.0
		if i >= 5 {
			freq = 900
		}
		if l := level(h.payload, media.ALaw, freq); l < 0.9 {
			t.Errorf("frame %d: %v Hz at %.2f, want about 1", i, freq, l)
		}
	}
	r.Play("c", "a")
	r.Close("c")
	if e := next[media.Played](r); !e.Cut {
		t.Errorf("Played = %+v, want it cut by Close", e)
	}
}

func TestRecordingHasEachSideOnItsChannel(t *testing.T) {
	dir := t.TempDir()
	r := start(t, func(c *Config) { c.RecordDir = dir })
	customer, operator := newFarEnd(t, media.ALaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	r.Bridge("c", "o")
	began := time.Now()
	r.Record("c", "2026/11/call.wav")
	stop := operator.keepTalking()
	customer.talk(40)
	stop()
	r.StopRecord("c")
	took := time.Since(began)
	e := next[media.Recorded](r)
	if e.Err != nil || e.Leg != "c" || e.Duration < 700*time.Millisecond || e.Duration > took+200*time.Millisecond { // and a burst
		t.Fatalf("Recorded = %+v after %v", e, took)
	}
	left, right := channels(t, filepath.Join(dir, e.Path))
	// The median of the frames: a machine that stands still for a moment leaves gaps, and
	// what comes after them is out of step with what went before.
	usual := func(b []byte, freq float64) float64 {
		var levels []float64
		for frame := range slices.Chunk(b[len(b)/4:len(b)*3/4], media.SamplesPerFrame) {
			levels = append(levels, level(frame, media.ULaw, freq))
		}
		slices.Sort(levels)
		return levels[len(levels)/2]
	}
	for _, tt := range []struct {
		name          string
		audio         []byte
		there, absent float64
	}{{"left", left, 440, 700}, {"right", right, 700, 440}} {
		if l := usual(tt.audio, tt.there); l < 0.8 {
			t.Errorf("%s: %v Hz at %.2f, want about 1", tt.name, tt.there, l)
		}
		if l := usual(tt.audio, tt.absent); l > 0.1 {
			t.Errorf("%s: %v Hz at %.2f, want none of it", tt.name, tt.absent, l)
		}
	}

	r.Record("c", "../escape.wav")
	if e := next[media.Recorded](r); e.Err == nil {
		t.Error("a recording left its directory")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "escape.wav")); err == nil {
		t.Error("a file was made outside the directory")
	}
	r.Record("c", "second.wav")
	r.Close("c")
	next[media.Recorded](r)
	next[media.Closed](r)
	if s := r.Stats(); s.RecordingFailures != 1 || s.Recordings != 0 {
		t.Errorf("failures %d, running %d, want 1 and 0", s.RecordingFailures, s.Recordings)
	}
}

// channels of a recording.
func channels(t *testing.T, path string) (left, right []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	audio := b[58:]
	if size := int(binary.LittleEndian.Uint32(b[54:])); size != len(audio) || size%2 != 0 {
		t.Fatalf("header says %d bytes, file has %d", size, len(audio))
	}
	for i := 0; i < len(audio); i += 2 {
		left, right = append(left, audio[i]), append(right, audio[i+1])
	}
	return left, right
}

func TestDigits(t *testing.T) {
	r := start(t, nil)
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	if answer, err := r.Answer("o", localOperator, regexp.MustCompile(`\b96\b`).ReplaceAll(operator.describe(1, ""), []byte("110"))); err != nil {
		t.Fatal(err)
	} else {
		operator.aim(answer)
	}
	r.Bridge("c", "o")
	operator.talk(2)
	operator.press('9', 110)
	operator.press('9', 110)
	for range 2 {
		if e := next[media.Digit](r); e.Leg != "o" || e.Digit != '9' {
			t.Errorf("Digit = %+v, want 9 of the operator", e)
		}
	}
	got := customer.await("relayed events", func(got []heard) bool { return len(events(got, 96)) >= 16 })
	for _, h := range events(got, 96) {
		if h.payload[0] != 9 {
			t.Errorf("event %d, want 9", h.payload[0])
		}
	}
	customer.press('#', 101) // with our payload type: some do
	if e := next[media.Digit](r); e.Leg != "c" || e.Digit != '#' {
		t.Errorf("Digit = %+v, want # of the customer", e)
	}
	operator.await("event with its own payload type", func(got []heard) bool { return len(events(got, 110)) >= 8 })
}

func events(got []heard, payloadType uint8) []heard {
	var list []heard
	for _, h := range got {
		if h.payloadType == payloadType {
			list = append(list, h)
		}
	}
	return list
}

func TestSendDigits(t *testing.T) {
	r := start(t, nil)
	f := newFarEnd(t, media.ULaw, 440)
	r.call("c", local, f)
	r.SendDigits("c", "1x2")
	got := f.await("16 event packets and audio after", func(got []heard) bool {
		return len(events(got, 96)) == 16 && got[len(got)-1].payloadType == 0
	})
	var times, keys []int
	for i, h := range events(got, 96) {
		if h.marker != (i%8 == 0) || (h.payload[1]&0x80 != 0) != (i%8 >= 5) {
			t.Errorf("event packet %d: marker %v, payload % x", i, h.marker, h.payload)
		}
		if i%8 == 0 {
			times, keys = append(times, int(h.timestamp)), append(keys, int(h.payload[0]))
		} else if int(h.timestamp) != times[len(times)-1] {
			t.Errorf("event packet %d moved its timestamp", i)
		}
	}
	if len(keys) != 2 || keys[0] != 1 || keys[1] != 2 || times[0] == times[1] {
		t.Errorf("keys %v at %v, want 1 and 2", keys, times)
	}
	for i := 1; i < len(got); i++ {
		if got[i].sequence != got[i-1].sequence+1 {
			t.Errorf("sequence %d after %d", got[i].sequence, got[i-1].sequence)
		}
	}
}

// scripted answers with a person after some frames of the tone.
type scripted struct {
	frames, loud int
	told         bool
	answered     atomic.Bool
}

func (s *scripted) Answered()  { s.answered.Store(true) }
func (s *scripted) Connected() {}
func (s *scripted) Machine()   {}

func (s *scripted) Features(*detect.Features) bool { return false }

func (s *scripted) Hear(f media.Frame) (detect.Finding, bool) {
	s.frames++
	for _, sample := range f {
		if sample > 4000 {
			s.loud++
			break
		}
	}
	if s.loud >= 10 && s.frames >= 40 && !s.told {
		s.told = true
		return detect.Finding{
			Kind: media.Person, Probability: 0.9, Early: !s.answered.Load(),
			GreetingEnd: 200 * time.Millisecond, At: time.Duration(s.frames) * media.FrameDuration,
		}, true
	}
	return detect.Finding{}, false
}

// The detector hears early audio, and silence where nothing comes.
func TestDetectorHearsTheClock(t *testing.T) {
	detector := &scripted{}
	r := start(t, func(c *Config) { c.NewDetector = func(string) Detector { return detector } })
	f := newFarEnd(t, media.ALaw, 440)
	offer, err := r.Offer("c", local)
	if err != nil {
		t.Fatal(err)
	}
	f.aim(offer)
	r.Detect("c", "")
	if err := r.Early("c", "fork", f.describe(1, "")); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	f.talk(10)
	if n := len(f.packets()); n != 0 {
		t.Errorf("%d packets sent before the answer", n)
	}
	if err := r.Accept("c", nil); err != nil { // the answer had no body
		t.Fatal(err)
	}
	v := next[media.Verdict](r)
	if v.Leg != "c" || v.Kind != media.Person || v.Early {
		t.Errorf("Verdict = %+v, want a person after the answer", v)
	}
	if at := v.At.Sub(begin); at < 700*time.Millisecond || at > 1500*time.Millisecond {
		t.Errorf("verdict at %v of the call, want about 0.8 s", at)
	}
	if greeting := v.GreetingEnd.Sub(begin); greeting < 100*time.Millisecond || greeting > 500*time.Millisecond {
		t.Errorf("greeting ended at %v, want about 0.2 s", greeting)
	}
	f.await("silence after the answer", func(got []heard) bool { return len(got) > 5 })
}

// A stranger who knows the port, the SSRC and the sequence numbers changes
// nothing: no packet goes to them and the recording is what the customer said.
func TestStrangersPacketsReachNothing(t *testing.T) {
	dir := t.TempDir()
	r := start(t, func(c *Config) { c.RecordDir = dir })
	customer, operator, stranger := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700), newFarEnd(t, media.ULaw, 2000)
	strict := local
	strict.Strict = true
	r.call("c", strict, customer)
	r.call("o", localOperator, operator)
	r.Bridge("c", "o")
	r.Record("c", "call.wav")
	stranger.to, stranger.ssrc, stranger.sequence = customer.to, customer.ssrc, customer.sequence
	stop := stranger.keepTalking()
	sent := customer.talk(40)
	got := relayed(operator.await("the customer", func(got []heard) bool { return len(relayed(got)) >= 40 }))
	stop()
	for i, h := range got {
		if !bytes.Equal(h.payload, sent[i]) {
			t.Fatalf("packet %d at the operator is not the customer's", i)
		}
	}
	if n := len(stranger.packets()); n != 0 {
		t.Errorf("%d packets went to the stranger", n)
	}
	r.Close("c")
	recorded, closed := next[media.Recorded](r), next[media.Closed](r)
	if closed.Stats.Foreign < 30 || closed.Stats.Received != 40 {
		t.Errorf("foreign %d, received %d, want about 40 and 40", closed.Stats.Foreign, closed.Stats.Received)
	}
	left, _ := channels(t, filepath.Join(dir, recorded.Path))
	rest := left
	for i, frame := range sent { // in order, with silence between at most
		at := bytes.Index(rest, frame)
		if at < 0 || !isSilence(heard{payload: rest[:at]}) {
			t.Fatalf("the recording is not what the customer sent: frame %d", i)
		}
		rest = rest[at+len(frame):]
	}
	if !isSilence(heard{payload: rest}) {
		t.Error("the recording has more than the customer sent")
	}
}

func TestMonitorHearsBothSides(t *testing.T) {
	r := start(t, nil)
	customer, operator, manager := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ALaw, 700), newFarEnd(t, media.ULaw, 1200)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	r.call("m", localOperator, manager)
	r.Monitor("m", "c", media.Listen)
	r.Bridge("c", "o")
	stops := []func(){customer.keepTalking(), operator.keepTalking(), manager.keepTalking()}
	manager.await("both tones", func(got []heard) bool {
		last := got[max(0, len(got)-1):]
		return len(last) > 0 && level(last[0].payload, media.ULaw, 440) > 0.7 && level(last[0].payload, media.ULaw, 700) > 0.7
	})
	for _, h := range relayed(operator.packets()) {
		if level(h.payload, media.ALaw, 1200) > 0.1 {
			t.Error("the operator hears the listener")
		}
	}
	r.Unmonitor("m")
	manager.await("silence", func(got []heard) bool { return isSilence(got[len(got)-1]) })
	for _, stop := range stops {
		stop()
	}
}

func TestRunClosesEverything(t *testing.T) {
	dir := t.TempDir()
	var file string
	t.Run("while it runs", func(t *testing.T) {
		r := start(t, func(c *Config) { c.RecordDir = dir })
		f := newFarEnd(t, media.ULaw, 440)
		r.call("c", local, f)
		r.Record("c", "cut.wav")
		f.talk(20)
		file = filepath.Join(dir, "cut.wav")
	}) // the plane is told to stop while it records
	left, _ := channels(t, file)
	if n := len(left) - bytes.Count(left, []byte{0xFF}); n < 10*media.SamplesPerFrame {
		t.Errorf("%d samples of audio in the recording that Run ended, want about 3200", n)
	}
}

// A crash leaves a header without sizes; the next start repairs it.
func TestStartRepairsRecordings(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	now := time.Now()
	rec := new(wav.Writer).Record(root, "a.wav", now, nil)
	rec.Hear(wav.Left, now, media.ULaw, make([]byte, 160))
	rec.Stop(now.Add(time.Second))
	eventually.Comes(t, patience, "the recording is on disk", rec.Done())
	b, err := root.ReadFile("a.wav")
	if err != nil {
		t.Fatal(err)
	}
	crashed := append([]byte(nil), b[:len(b)-101]...)
	copy(crashed[54:58], "\x00\x00\x00\x00")
	if err := root.WriteFile("a.wav", crashed, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, func(c *Config) { c.RecordDir = dir })
	channels(t, filepath.Join(dir, "a.wav"))
}

func TestConfigNamesTheKey(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "address"},
		{Config{Address: "0.0.0.0"}, "external"},
		{Config{Address: "127.0.0.1", External: "x"}, "external"},
		{Config{Address: "127.0.0.1", Ports: Ports{From: 10, To: 20}}, "ports"},
		{Config{Address: "127.0.0.1", Codecs: []string{"G729"}}, "codecs"},
	} {
		if err := tt.cfg.Validate(); err == nil || !bytes.HasPrefix([]byte(err.Error()), []byte(tt.want)) {
			t.Errorf("Validate(%+v) = %v, want an error that names %s", tt.cfg, err, tt.want)
		}
	}
	if err := (Config{Address: "127.0.0.1"}).Validate(); err != nil {
		t.Error(err)
	}
}
