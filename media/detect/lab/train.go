package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

func train(out string, how recipe, tries int) error {
	calls, err := readAll(how)
	if err != nil {
		return err
	}
	listen(calls, how)
	cross(calls, how)
	report("kept back", calls)
	reportClasses(calls)
	if tries > 0 {
		fmt.Println("kept back, bounds set on the others:\n ", nested(calls, tries, how.seed))
		fmt.Printf("bounds set on all: %.2f\n", find(calls, tries, how.seed))
	}
	if out == "" {
		return nil
	}
	classes := splits(glances(calls, keptBack))
	f := learn(table(calls, how, allFolds), how)
	ask(f, calls)
	report("learnt from", calls)
	if err := os.WriteFile(filepath.Join(filepath.Dir(out), "classes.bin"), classes.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(out, f.Bytes(), 0o644)
}

// cross gives each call that was listened to the odds of a forest that did not learn from its speaker, or source.
func cross(calls []*call, how recipe) {
	part(calls, how.by)
	for fold := range folds {
		kept, rest := split(calls, fold)
		if len(kept) > 0 {
			ask(learn(table(rest, how, fold), how), kept)
		}
	}
}

// listen hears each call and some variations of it.
func listen(calls []*call, how recipe) {
	var talkers []*call
	for _, c := range calls {
		if c.label == "machine" && !c.spoken() {
			talkers = append(talkers, c)
		}
	}
	voices := donors(calls)
	each(len(calls), func(n int) {
		c := calls[n]
		c.heard, c.tones = hear(c.pcm, c.answer)
		random := rand.New(rand.NewPCG(how.seed, 1<<32|uint64(n)))
		c.lessons = how.lessons(c, talkers, voices, random)
	})
}

// each does n things, as many at once as there are cores.
func each(n int, do func(int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// lesson is some moments of a call, as it is or varied, perhaps in the voice of a donor.
type lesson struct {
	donor *call // nil: its own voice
	asIs  bool  // not varied
	heard []detect.Features
}

// lessons are what is learnt from a call.
func (how recipe) lessons(c *call, talkers []*call, voices [][]*call, random *rand.Rand) (all []lesson) {
	copies, voiced := how.copies, how.voiced
	if c.spoken() {
		copies, voiced = 1, 2
	}
	for k := range copies {
		heard, _ := hear(vary(c, talkers, random))
		all = append(all, lesson{heard: some(heard, k)})
	}
	all = append(all, lesson{asIs: true, heard: some(c.heard, copies)})
	if len(c.spans) == 0 {
		return all
	}
	for k := range voiced {
		by := voices[random.IntN(len(voices))]
		donor := by[random.IntN(len(by))]
		heard, _ := hear(vary(revoice(c, donor, random), talkers, random))
		all = append(all, lesson{donor: donor, heard: some(heard, k)})
	}
	return all
}

const (
	every  = 10 // frames, of those that are learnt from
	latest = 8  // seconds after the first syllable
)

// some are every tenth moment, from one of the first on.
func some(heard []moment, from int) (m []detect.Features) {
	for i := from % every; i < len(heard); i += every {
		if heard[i].features[detect.SinceOnset] <= latest {
			m = append(m, heard[i].features)
		}
	}
	return m
}

func ask(f detect.Forest, calls []*call) {
	for _, c := range calls {
		c.forest = f
		for i := range c.heard {
			c.heard[i].odds = f.Odds(&c.heard[i].features)
		}
	}
}

// allFolds keeps nothing back.
const allFolds = -1

// table takes what is learnt from calls, nothing in a voice of the fold that is kept back.
func table(calls []*call, how recipe, keptBack int) rows {
	r := rows{x: make([][]float32, len(detect.FeatureNames))}
	for n, c := range calls {
		for _, l := range c.lessons {
			if l.donor != nil && l.donor.fold == keptBack {
				continue
			}
			weight := float32(1)
			if c.spoken() {
				weight = how.spokenShare
			}
			if l.asIs && !c.made {
				weight = how.own
			}
			r.add(n, c, l.heard, weight)
		}
	}
	return r
}

// add takes moments of the n-th call.
func (r *rows) add(n int, c *call, heard []detect.Features, weight float32) {
	for i := range heard {
		f := &heard[i]
		for j, v := range f {
			r.x[j] = append(r.x[j], v)
		}
		r.call = append(r.call, int32(n))
		r.weight = append(r.weight, weight*importance(f[detect.SinceOnset], f[detect.Quiet]))
		r.person = append(r.person, c.label == "human")
	}
}

// importance is more where verdicts fall: in pauses, and before long.
func importance(since, quiet float32) float32 {
	w := float32(1)
	if since > 2.5 {
		w = 0.5
	}
	if quiet > 0.25 && quiet < 1.2 || since > 1.9 && since < 2.1 {
		w *= 5
	}
	return w
}

func report(name string, calls []*call) {
	fmt.Println(name)
	var recorded []*call
	for _, c := range calls {
		if !c.made {
			recorded = append(recorded, c)
		}
	}
	for _, after := range []time.Duration{600, 800, 1000, 1500, 2000, 3000, 4000} {
		after *= time.Millisecond
		fmt.Printf("  right %v after the first syllable: %v\n", after, forced(recorded, after))
	}
	r, m := newResult(), newResult()
	for _, c := range calls {
		if c.made {
			m.add(c, ours(c, c.forest))
		} else {
			r.add(c, ours(c, c.forest))
		}
	}
	fmt.Println(" ", r)
	fmt.Println("  wrong:", r.wrong)
	fmt.Println("  made voices:", m)
}

// ours is the verdict of the product with a forest.
func ours(c *call, f detect.Forest) (v verdict) {
	d := detect.NewWith(detect.Config{}, f, detect.DefaultBounds)
	play(c, d, func(k media.VerdictKind) { v.through = v.through || k == media.Person })
	v.label, v.at = detect.Label(d.Final()), d.Final().At
	return v
}

func play(c *call, d *detect.Detector, found func(media.VerdictKind)) {
	var at time.Duration
	for pcm := c.pcm; len(pcm) >= media.SamplesPerFrame; pcm = pcm[media.SamplesPerFrame:] {
		if at >= c.answer {
			d.Answered()
		}
		if f, ok := d.Hear(pcm[:media.SamplesPerFrame]); ok && !f.Early {
			found(f.Kind)
		}
		at += media.FrameDuration
	}
}
