package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// speaker is a synthesizer's voice. Its label is that of the recorded calls, so that a fold that
// keeps a speaker or a source back keeps these calls back too.
type speaker struct {
	label, source, tongue string
	say                   func(text string, tempo float64, r *rand.Rand) *exec.Cmd // a RIFF file to standard output
}

// speakers are voices that the recorded calls have, in more languages; others are left to judge by.
func speakers() (all []speaker) {
	for _, t := range tongues {
		variants := []string{"m1", "m2", "m3", "f1", "f2"}
		if t.code == "en" {
			variants = append(variants, "Annie", "Michael", "Alicia")
		}
		short, _, _ := strings.Cut(t.code, "-")
		for _, v := range variants {
			all = append(all, speaker{"es-" + short + "-" + v, "tts-espeak", t.code, func(text string, tempo float64, r *rand.Rand) *exec.Cmd {
				return exec.Command("espeak-ng", "-v", t.code+"+"+v, "-s", fmt.Sprint(int(175*tempo)), "-p", fmt.Sprint(30+r.IntN(40)), "--stdout", text)
			}})
		}
	}
	for _, v := range []string{"slt", "kal16"} {
		all = append(all, speaker{"flite-" + v, "tts-flite", "en", func(text string, tempo float64, _ *rand.Rand) *exec.Cmd {
			return exec.Command("flite", "-voice", v, "--setf", fmt.Sprintf("duration_stretch=%.2f", 1/tempo), "-t", text, "-o", "/dev/stdout")
		}})
	}
	return all
}

// spoken are n calls whose greetings synthesizers say, for more kinds of greeting than the
// recorded calls have. The same packages and seed give the same calls.
func spoken(n int, seed uint64) (calls []*call, err error) {
	all := speakers()
	calls, errs := make([]*call, n), make([]error, n)
	each(n, func(i int) {
		r := rand.New(rand.NewPCG(seed, 1<<40|uint64(i)))
		calls[i], errs[i] = speakCall(i, all[r.IntN(len(all))], r)
	})
	return calls, errors.Join(errs...)
}

// speakCall is the i-th call. Its kind goes by its number, so that each kind has its share.
func speakCall(i int, s speaker, r *rand.Rand) (*call, error) {
	t := &tongues[slices.IndexFunc(tongues, func(t tongue) bool { return t.code == s.tongue })]
	c := &call{made: true, file: fmt.Sprintf("spoken/%d", i), speaker: s.label, source: s.source, label: "machine", start: between(r, 0.05, 1.2)}
	line := &line{speaker: s, tongue: t, random: r, tempo: math.Exp(0.25 * (2*r.Float64() - 1))}
	line.rest(c.start)
	from := len(line.out)
	switch i % 20 {
	case 0, 1, 2, 3, 4:
		c.label, c.kind = "human", "short"
		line.say(one(t.hello, r), 0.05, 0.5)
	case 5, 6:
		c.label, c.kind = "human", "repeat"
		line.say(one(t.hello, r), 0.05, 0.5)
		line.rest(between(r, 0.9, 2.5))
		line.say(one(t.again, r), 0.05, 0.4)
	case 7, 8, 9:
		c.label, c.kind = "human", "business"
		line.say(one(t.business, r), 0.02, 0.45)
	case 10, 11, 12, 13, 14:
		c.kind = "personal"
		line.say(one(t.machine, r), 0.1, 0.8)
	case 15, 16:
		c.kind = "short_machine"
		line.say(one(t.short, r), 0.1, 0.8)
	case 17, 18:
		c.kind = "announcement"
		line.say(one(t.network, r), 0.1, 0.6)
	default:
		c.label, c.kind = "screening", "screening"
		line.say(one(t.asks, r), 0.1, 0.6)
	}
	if line.err != nil {
		return nil, line.err
	}
	c.end = time.Duration(len(line.out)) * time.Second / media.SampleRate
	speech := slices.Clone(line.out[from:])
	switch {
	case c.kind == "personal" || c.kind == "short_machine":
		line.rest(between(r, 0.2, 1.6))
		if r.IntN(8) > 0 {
			line.beep(between(r, 0.1, 0.8), rms(speech))
		}
		line.rest(between(r, 1.2, 3))
	case c.label == "human":
		line.rest(between(r, 1.5, 4.5))
	default:
		line.rest(between(r, 1.5, 3))
	}
	if c.label == "human" && r.IntN(5) == 0 { // answered in the middle of a word
		cut := min(samples(c.start)+samples(between(r, 0.05, 0.25)), samples(c.end)-2000)
		line.out = line.out[cut:]
		c.start, c.end = 0, c.end-time.Duration(cut)*time.Second/media.SampleRate
	}
	c.pcm = line.pcm(rms(speech))
	return c, nil
}

func one(of []string, r *rand.Rand) string { return of[r.IntN(len(of))] }

// line is a call while it is made.
type line struct {
	speaker
	*tongue
	random *rand.Rand
	tempo  float64
	out    []float64
	err    error
}

func (l *line) rest(d time.Duration) { l.out = append(l.out, make([]float64, samples(d))...) }

// say speaks the parts of a text with pauses between, in seconds; some are said in one breath.
func (l *line) say(text string, least, most float64) {
	r := l.random
	for n := strings.Count(text, "{digits}"); n > 0; n-- {
		var number []string
		for range 4 + r.IntN(6) {
			number = append(number, one(l.digits, r))
		}
		text = strings.Replace(text, "{digits}", strings.Join(number, ", "), 1)
	}
	text = strings.ReplaceAll(text, "{name}", one(l.names, r))
	text = strings.ReplaceAll(text, "{company}", one(l.companies, r))
	var parts []string
	for i, p := range strings.Split(text, "|") {
		if i > 0 && r.IntN(3) == 0 {
			parts[len(parts)-1] += p
		} else {
			parts = append(parts, p)
		}
	}
	usual := between(r, least, most) // each has a rhythm
	for i, p := range parts {
		if i > 0 {
			l.rest(time.Duration(float64(usual) * math.Exp(0.4*r.NormFloat64())))
		}
		x, err := synthesize(l.speaker.say(strings.TrimSpace(p), l.tempo, r))
		if err != nil {
			l.err = fmt.Errorf("%s: %q: %w", l.label, p, err)
			return
		}
		l.out = append(l.out, x...)
	}
}

func (l *line) beep(d time.Duration, level float64) {
	hz, n := 400+1200*l.random.Float64(), samples(d)
	loud := level * (0.5 + 2*l.random.Float64())
	for i := range n {
		l.out = append(l.out, loud*min(1, float64(min(i, n-1-i))/40)*math.Sin(2*math.Pi*hz*float64(i)/media.SampleRate))
	}
}

// pcm is what comes of it over a telephone line: of some level, in some noise, perhaps with
// nothing at all sent in pauses, in µ-law.
func (l *line) pcm(level float64) []int16 {
	r := l.random
	gain := 600 * math.Exp(2.2*r.Float64()) / max(1, level)
	noise, dark, gated := 2*math.Exp(4.5*r.Float64()), 0.9*r.Float64(), r.IntN(5) == 0
	pcm := make([]int16, len(l.out))
	hum := 0.0
	for i, v := range l.out {
		hum = dark*hum + math.Sqrt(1-dark*dark)*r.NormFloat64()
		if v == 0 && gated {
			continue
		}
		pcm[i] = int16(max(-32000, min(32000, gain*v+noise*hum)))
	}
	ulaw := make([]byte, len(pcm))
	codec.EncodeULaw(ulaw, pcm)
	codec.DecodeULaw(pcm, ulaw)
	return pcm
}

// synthesize runs a synthesizer and gives its speech at 8 kHz, without the quiet around it.
func synthesize(cmd *exec.Cmd) ([]float64, error) {
	dir, err := os.MkdirTemp("", "spoken")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "x.wav")
	var b []byte
	if i := slices.Index(cmd.Args, "/dev/stdout"); i >= 0 { // some seek in what they write
		cmd.Args[i] = file
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		b, err = os.ReadFile(file)
	} else {
		b, err = cmd.Output()
	}
	if err != nil {
		return nil, err
	}
	at := bytes.Index(b, []byte("data"))
	if at < 0 || len(b) < at+8+2 || !bytes.HasPrefix(b, []byte("RIFF")) {
		return nil, errors.New("no sound")
	}
	rate := int(binary.LittleEndian.Uint32(b[24:]))
	body := b[at+8:]
	x := make([]float64, len(body)/2)
	for i := range x {
		x[i] = float64(int16(binary.LittleEndian.Uint16(body[2*i:])))
	}
	return trim(narrow(x, rate)), nil
}

// narrow brings sound to 8 kHz and takes away what a telephone does not pass: a windowed sinc,
// which comes round after as many samples as the rates have in common.
func narrow(x []float64, rate int) []float64 {
	const half, cutoff = 16, 3400.0 // zero crossings each side at 8 kHz, Hz
	ratio := float64(rate) / media.SampleRate
	reach := int(half * ratio)
	round := media.SampleRate / gcd(rate, media.SampleRate)
	kernels := make([][]float64, round)
	for i := range kernels {
		off := math.Mod(float64(i)*ratio, 1)
		for k := -reach; k <= reach; k++ {
			d := float64(k) - off
			w := 0.5 + 0.5*math.Cos(math.Pi*min(1, math.Abs(d)/float64(reach)))
			h := 2 * cutoff / float64(rate)
			if d != 0 {
				h = math.Sin(math.Pi*h*d) / (math.Pi * d)
			}
			kernels[i] = append(kernels[i], w*h)
		}
	}
	y := make([]float64, int(float64(len(x))/ratio))
	for i := range y {
		first := int(float64(i)*ratio) - reach
		for j, h := range kernels[i%round] {
			if k := first + j; k >= 0 && k < len(x) {
				y[i] += h * x[k]
			}
		}
	}
	return y
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// trim takes away quiet before and after.
func trim(x []float64) []float64 {
	loudest := 0.0
	for _, v := range x {
		loudest = max(loudest, math.Abs(v))
	}
	from := slices.IndexFunc(x, func(v float64) bool { return math.Abs(v) > loudest/50 })
	to := len(x)
	for to > 0 && math.Abs(x[to-1]) <= loudest/50 {
		to--
	}
	if from < 0 || from >= to {
		return nil
	}
	return x[from:to]
}
