// Command train learns a verdict from recorded calls in $SHARED/audio and says
// how good it is on speakers that it did not hear. It writes nothing: what it
// learns is not in the product yet.
package main

import (
	"encoding/binary"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
)

type clip struct {
	set, file, label, subtype, source, speaker string
	answer, start, end                         int // ms
	pcm                                        []int16
	fold                                       int
	at                                         []int // ms of each row
	rows                                       []detect.Features
	p                                          []float64
	more                                       [][]detect.Features
}

func readSet(dir string) (clips []*clip, err error) {
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	col := map[string]int{}
	for i, c := range all[0] {
		col[c] = i
	}
	ms := func(s string) int { v, _ := strconv.ParseFloat(s, 64); return int(v) }
	for _, r := range all[1:] {
		c := &clip{set: filepath.Base(dir), file: r[col["file"]], label: r[col["label"]], subtype: strings.Split(r[col["subtype"]], "+")[0],
			source: r[col["source"]], speaker: r[col["speaker"]],
			answer: ms(r[col["answer_ms"]]), start: ms(r[col["greeting_start_ms"]]), end: ms(r[col["greeting_end_ms"]])}
		if c.pcm, err = readWAV(filepath.Join(dir, c.file)); err != nil {
			return nil, err
		}
		clips = append(clips, c)
	}
	return clips, nil
}

func readWAV(path string) ([]int16, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for at := 12; at+8 <= len(b); {
		size := int(binary.LittleEndian.Uint32(b[at+4:]))
		if string(b[at:at+4]) == "data" {
			body := b[at+8 : min(len(b), at+8+size)]
			pcm := make([]int16, len(body))
			codec.DecodeULaw(pcm, body)
			return pcm, nil
		}
		at += 8 + size + size&1
	}
	return nil, errors.New("no data chunk")
}

// extract runs the front end over the clip.
func extract(pcm []int16, answer int) (at []int, out []detect.Features) {
	d := detect.New(detect.Config{})
	var f detect.Features
	for i := 0; i+media.SamplesPerFrame <= len(pcm); i += media.SamplesPerFrame {
		t := i / 8
		if t >= answer {
			d.Answered()
		}
		d.Hear(pcm[i : i+media.SamplesPerFrame])
		if d.Features(&f) {
			at = append(at, t+20)
			out = append(out, f)
		}
	}
	return at, out
}

func person(label string) bool { return label == "human" }

var step = flag.Int("step", 10, "")
var list = flag.Bool("list", false, "")

func main() {
	trees := flag.Int("trees", 80, "")
	rate := flag.Float64("rate", 0.1, "")
	seed := flag.Uint64("seed", 1, "")
	drop := flag.String("drop", "", "features to leave out")
	only := flag.String("only", "", "features to use")
	copies := flag.Int("copies", 3, "")
	flag.Parse()
	begin := time.Now()
	var clips []*clip
	for _, s := range []string{"public", "tune"} {
		c, err := readSet(filepath.Join(os.Getenv("SHARED"), "audio", s))
		if err != nil {
			fmt.Fprintln(os.Stderr, "train: SHARED names a folder with audio/public and audio/tune:", err)
			os.Exit(1)
		}
		clips = append(clips, c...)
	}
	for _, c := range clips {
		c.at, c.rows = extract(c.pcm, c.answer)
	}
	var talkers []*clip
	for _, c := range clips {
		if c.label == "machine" {
			talkers = append(talkers, c)
		}
	}
	random := rand.New(rand.NewPCG(*seed, 3))
	for _, c := range clips {
		for range *copies {
			pcm, answer := vary(c, talkers, random)
			_, rows := extract(pcm, answer)
			c.more = append(c.more, rows)
		}
	}
	fmt.Println("extracted", time.Since(begin))
	folds(clips, 5)
	var columns []int
	for i, n := range detect.FeatureNames {
		if slices.Contains(strings.Split(*drop, ","), n) || *only != "" && !slices.Contains(strings.Split(*only, ","), n) {
			continue
		}
		columns = append(columns, i)
	}
	for fold := range 5 {
		var train []*clip
		for _, c := range clips {
			if c.fold != fold {
				train = append(train, c)
			}
		}
		r := table(train)
		f := learn(r, recipe{classes: 2, trees: *trees, rate: *rate, lambda: 2, least: 2, rowShare: 0.6, columnShare: 0.5, columns: columns, seed: *seed})
		for _, c := range clips {
			if c.fold == fold {
				c.p = c.p[:0]
				for i := range c.rows {
					var p [detect.MaxClasses]float64
					f.Probabilities(&c.rows[i], &p)
					c.p = append(c.p, p[1])
				}
			}
		}
	}
	fmt.Println("learned", time.Since(begin))
	report(clips)
	prices(clips)
}

// folds parts clips by speaker.
func folds(clips []*clip, n int) {
	size := map[string]int{}
	group := func(c *clip) string {
		if c.speaker != "" {
			return c.speaker
		}
		return c.set + c.file
	}
	for _, c := range clips {
		size[group(c)]++
	}
	var names []string
	for g := range size {
		names = append(names, g)
	}
	sort.Slice(names, func(i, j int) bool {
		if size[names[i]] != size[names[j]] {
			return size[names[i]] > size[names[j]]
		}
		return names[i] < names[j]
	})
	of, sum := map[string]int{}, make([]int, n)
	for _, g := range names {
		b := 0
		for i := range sum {
			if sum[i] < sum[b] {
				b = i
			}
		}
		of[g] = b
		sum[b] += size[g]
	}
	for _, c := range clips {
		c.fold = of[group(c)]
	}
}

func table(clips []*clip) rows {
	r := rows{x: make([][]float32, len(detect.FeatureNames))}
	for _, c := range clips {
		for k, all := range append(c.more, c.rows) {
			for i, f := range all {
				if (i+k)%*step != 0 || f[2] > 8 {
					continue
				}
				for j, v := range f {
					r.x[j] = append(r.x[j], v)
				}
				y := uint8(0)
				if person(c.label) {
					y = 1
				}
				r.y = append(r.y, y)
				w := float32(1)
				if f[2] > 2.5 {
					w = 0.5
				}
				r.weight = append(r.weight, w)
			}
		}
	}
	return r
}

// at is p at t ms of the clip; 0.5 before there is any.
func (c *clip) pAt(t int) float64 {
	p := 0.5
	for i, at := range c.at {
		if at > t {
			break
		}
		p = c.p[i]
	}
	return p
}

func report(clips []*clip) {
	for _, ms := range []int{600, 800, 1000, 1500, 2000, 3000, 4000} {
		right, n, loss := 0, 0, 0.0
		for _, c := range clips {
			if c.label != "human" && c.label != "machine" || len(c.pcm)/8 < c.start+ms {
				continue
			}
			p := c.pAt(c.start + ms)
			n++
			if (p >= 0.5) == (c.label == "human") {
				right++
			}
			if c.label != "human" {
				p = 1 - p
			}
			loss -= math.Log(max(1e-3, p))
		}
		fmt.Printf("%5d ms after start: %.1f %%  loss %.3f (n=%d)\n", ms, 100*float64(right)/float64(n), loss/float64(n), n)
	}
	bad, all := map[string]int{}, map[string]int{}
	for _, c := range clips {
		if c.label != "human" && c.label != "machine" || len(c.pcm)/8 < c.start+2000 {
			continue
		}
		p := c.pAt(c.start + 2000)
		k := c.label + "/" + c.subtype
		all[k]++
		if (p >= 0.5) != (c.label == "human") {
			bad[k]++
			if *list && c.subtype != "business" {
				fmt.Println("BAD", c.set, c.file, k, c.speaker, p, c.start, c.end)
			}
		}
	}
	for k, n := range all {
		fmt.Printf("%s %d/%d  ", k, bad[k], n)
	}
	fmt.Println()
	// a simple policy: person at p >= th while quiet; machine at p <= tl; revise
	for _, th := range []float64{0.7, 0.8, 0.85, 0.9, 0.95} {
		for _, tl := range []float64{0.05} {
			policy(clips, th, tl)
		}
	}
}

func policy(clips []*clip, th, tl float64) {
	var h, hm, hmB, hB, m, mh, s, sh int
	var lat []float64
	wrong := map[string]int{}
	for _, c := range clips {
		got, when := "", 0
		for i, p := range c.p {
			if p >= th {
				got, when = "human", c.at[i]
				break
			}
			if p <= tl || c.at[i]-c.answer >= 5000 {
				if got == "" {
					got, when = "machine", c.at[i]
				}
			}
		}
		switch c.label {
		case "human":
			h++
			if c.subtype == "business" {
				hB++
			}
			if got == "machine" {
				hm++
				if c.subtype == "business" {
					hmB++
				}
				wrong[c.label+"/"+c.subtype]++
			}
			if got == "human" {
				lat = append(lat, float64(when-c.start))
			}
		case "machine":
			m++
			if got == "human" {
				mh++
				wrong[c.label+"/"+c.subtype]++
			}
		case "silence":
			s++
			if got == "human" {
				sh++
			}
		default:
			if got == "human" {
				wrong[c.label+"/"+c.subtype]++
			}
		}
	}
	slices.Sort(lat)
	q := func(p float64) float64 { return lat[int(p*float64(len(lat)-1))] }
	fmt.Printf("th %.2f tl %.2f: H>M %.1f%% nobus %.1f%% M>H %.1f%% sil>H %d/%d  p50 %.0f p90 %.0f %v\n", th, tl,
		100*float64(hm)/float64(h), 100*float64(hm-hmB)/float64(h-hB), 100*float64(mh)/float64(m), sh, s, q(.5), q(.9), wrong)
}
