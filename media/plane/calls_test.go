package plane

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/tone"
	"github.com/outpace-dialer/outpace/media/wav"
)

// recording is what a far end says, in µ-law; what is before the answer is early media.
type recording struct {
	sound  []byte
	answer time.Duration
}

// network is what becomes of a far end's packets on their way.
type network struct {
	name   string
	loss   float64       // share that is lost
	jitter time.Duration // each is late by up to this
	pauses bool          // nothing is sent in pauses
	law    media.Law
}

// voice is a made-up voice of one speaker: harmonics of a pitch through two
// resonances, in syllables.
func voice(r *rand.Rand, length time.Duration) []int16 {
	pcm := make([]int16, media.Samples(length))
	pitch, phase := 90+130*r.Float64(), 0.0
	for at := 0; at < len(pcm); {
		syllable := pcm[at:min(len(pcm), at+1200+r.IntN(900))]
		low, high := 300+500*r.Float64(), 1000+1400*r.Float64()
		for i := range syllable {
			phase += 2 * math.Pi * pitch / media.SampleRate
			sum := 0.0
			for h := 1.0; h*pitch < 3400; h++ {
				near := func(hz, width float64) float64 { return 1 / (1 + math.Pow((h*pitch-hz)/width, 2)) }
				sum += math.Sin(h*phase) * (near(low, 90) + near(high, 140)/2 + 0.02)
			}
			syllable[i] = int16(5000 * sum * math.Sin(math.Pi*float64(i)/float64(len(syllable))))
		}
		at += len(syllable)
	}
	return pcm
}

// madeRecordings are people, machines and tones.
func madeRecordings(n int) (all []recording) {
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		rest := func(from, to int) []int16 {
			return make([]int16, media.Samples(time.Duration(from+r.IntN(to-from))*time.Millisecond))
		}
		say := func(from, to int) []int16 {
			return voice(r, time.Duration(from+r.IntN(to-from))*time.Millisecond)
		}
		beep := tone.Sine(500+1200*r.Float64(), 400*time.Millisecond)
		for _, parts := range [][][]int16{
			{rest(200, 900), say(300, 900), rest(3000, 4000)},
			{rest(200, 900), say(1400, 2600), rest(3000, 4000)},
			{rest(200, 900), say(800, 1600), rest(150, 350), say(900, 1900), rest(150, 350), say(900, 1900), rest(300, 700), beep.Samples(400 * time.Millisecond), rest(800, 900)},
			{rest(200, 900), tone.FaxCED().Samples(3 * time.Second), rest(200, 300)},
			{rest(200, 900), tone.Busy("DE").Samples(5 * time.Second)},
		} {
			pcm := slices.Concat(parts...)
			for j := range pcm {
				pcm[j] += int16(12 * r.NormFloat64())
			}
			b := make([]byte, len(pcm))
			codec.Encode(media.ULaw, b, pcm)
			all = append(all, recording{sound: b})
		}
	}
	return all
}

// recordings are each nth of those in $SHARED/audio, where present.
func recordings(t *testing.T, nth int) (all []recording) {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(os.Getenv("SHARED"), "audio", "*", "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		b, err := os.Open(m)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(b).ReadAll()
		b.Close()
		if err != nil {
			t.Fatal(err)
		}
		file, answer := slices.Index(rows[0], "file"), slices.Index(rows[0], "answer_ms")
		for i := 1; i < len(rows); i += nth {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(m), rows[i][file]))
			if err != nil {
				t.Fatal(err)
			}
			sound, err := wav.DecodePrompt(rows[i][file], b)
			if err != nil {
				t.Fatal(err)
			}
			ms, err := strconv.Atoi(rows[i][answer])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, recording{sound.Bytes(media.ULaw), due((ms+19)/20 - 1)}) // between two frames
		}
	}
	return all
}

// sent is a packet on its way, or, where it has none, a tick of the wheel.
type sent struct {
	at time.Duration
	*media.Packet
}

// send is what of a recording comes out of a network, and the wheel's ticks, in the
// order of their times. The packet with frame n leaves at 20 ms × (n+1).
func (w network) send(r recording, seed uint64) (all []sent) {
	draw := rand.New(rand.NewPCG(seed, 4))
	phase, quiet := time.Duration(draw.Int64N(int64(media.FrameDuration))), 0
	pcm := make([]int16, media.SamplesPerFrame)
	frames := len(r.sound) / media.SamplesPerFrame
	for n := range frames {
		payload := slices.Clone(r.sound[n*media.SamplesPerFrame : (n+1)*media.SamplesPerFrame])
		codec.DecodeULaw(pcm, payload)
		codec.Encode(w.law, payload, pcm)
		if quiet++; power(pcm) > 100*100 {
			quiet = 0
		}
		if w.pauses && quiet > 10 || draw.Float64() < w.loss {
			continue
		}
		late := time.Duration(draw.Float64() * float64(w.jitter))
		all = append(all, sent{due(n) + late, &media.Packet{Law: w.law, Sequence: uint16(n), Timestamp: uint32(n * media.SamplesPerFrame), Payload: payload}})
	}
	for n := -9; n < frames+6; n++ {
		all = append(all, sent{at: due(n) + phase})
	}
	slices.SortStableFunc(all, func(a, b sent) int { return int(a.at - b.at) })
	return all
}

func power(pcm []int16) (mean float64) {
	for _, x := range pcm {
		mean += float64(x) * float64(x) / float64(len(pcm))
	}
	return mean
}

// told is the last verdict on a recording, and the first one that there was.
type told struct{ last, first detect.Finding }

func (v *told) hear(f detect.Finding) {
	if v.first.Kind == "" {
		v.first = f
	}
}

// onFile plays a recording as outpace detect does.
func onFile(r recording) (v told) {
	d := detect.New(detect.Config{})
	pcm := make([]int16, media.SamplesPerFrame)
	for n := range len(r.sound) / len(pcm) {
		if due(n-1) >= r.answer {
			d.Answered()
		}
		codec.DecodeULaw(pcm, r.sound[n*len(pcm):(n+1)*len(pcm)])
		if f, ok := d.Hear(pcm); ok {
			v.hear(f)
		}
	}
	v.last = d.Final()
	return v
}

// onWire plays it through a network to an ear.
func (w network) onWire(r recording, seed uint64) (v told) {
	d, begin := detect.New(detect.Config{}), time.Unix(1000, 0)
	e := &ear{}
	e.listen(d)
	found := func(f detect.Finding, start time.Time) {
		f.At += start.Sub(begin)
		v.hear(f)
	}
	for _, s := range w.send(r, seed) {
		if s.at > r.answer {
			e.answer()
		}
		if s.Packet == nil {
			e.tick(begin.Add(s.at), found)
			continue
		}
		e.hear(begin.Add(s.at), s.Packet, found)
	}
	v.last = d.Final()
	return v
}

// What the detector says of a call does not depend on the way of its packets.
func TestVerdictsOverNetworks(t *testing.T) {
	once(t)
	all := append(madeRecordings(10), recordings(t, 20)...)
	var files []told
	for _, r := range all {
		files = append(files, onFile(r))
	}
	for _, w := range []struct {
		network
		same, near float64 // at least so many labels are the same; first verdicts within 40 ms
	}{
		{network{name: "clean"}, 1, 1},
		{network{name: "2 % loss", loss: 0.02}, 0.98, 0.9},
		{network{name: "40 ms jitter", jitter: 40 * time.Millisecond}, 0.98, 0.95},
		{network{name: "nothing in pauses", pauses: true}, 0.98, 0.9},
		{network{name: "A-law", law: media.ALaw}, 0.98, 0.9},
	} {
		t.Run(w.name, func(t *testing.T) {
			var same, near float64
			for i, r := range all {
				v := w.onWire(r, uint64(i))
				if v.last.Kind == files[i].last.Kind {
					same++
				}
				if v.first.Kind == files[i].first.Kind && (v.first.At-files[i].first.At).Abs() <= 40*time.Millisecond {
					near++
				}
			}
			n := float64(len(all))
			say := fmt.Sprintf("%.1f %% of %d labels are those of the file, %.1f %% of the first verdicts within 40 ms", 100*same/n, len(all), 100*near/n)
			t.Log(say)
			if same < w.same*n || near < w.near*n {
				t.Error(say)
			}
		})
	}
}
