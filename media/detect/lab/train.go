package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

func train(out string, how recipe, tries int) error {
	calls, err := readAll(how)
	if err != nil {
		return err
	}
	cross(calls, how)
	report("speakers kept back", calls)
	reportClasses(calls)
	if tries > 0 {
		fmt.Println("speakers kept back, bounds set on the others:\n ", nested(calls, tries, how.seed))
		fmt.Printf("bounds set on all: %.2f\n", find(calls, tries, how.seed))
	}
	if out == "" {
		return nil
	}
	classes := splits(glances(calls, keptBack))
	f := learn(table(calls), how)
	ask(f, calls)
	report("speakers learnt from", calls)
	if err := os.WriteFile(filepath.Join(filepath.Dir(out), "classes.bin"), classes.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(out, f.Bytes(), 0o644)
}

// cross gives each call the odds of a forest that did not learn from its speaker.
func cross(calls []*call, how recipe) {
	listen(calls, how)
	part(calls)
	for fold := range folds {
		kept, rest := split(calls, fold)
		ask(learn(table(rest), how), kept)
	}
}

// listen hears each call and some variations of it.
func listen(calls []*call, how recipe) {
	random := rand.New(rand.NewPCG(how.seed, 3))
	var talkers []*call
	for _, c := range calls {
		if c.label == "machine" {
			talkers = append(talkers, c)
		}
	}
	for _, c := range calls {
		c.heard, c.tones = hear(c.pcm, c.answer)
		for range how.copies {
			heard, _ := hear(vary(c, talkers, random))
			c.varied = append(c.varied, heard)
		}
	}
}

func ask(f detect.Forest, calls []*call) {
	for _, c := range calls {
		c.forest = f
		for i := range c.heard {
			c.heard[i].odds = f.Odds(&c.heard[i].features)
		}
	}
}

// table takes every tenth moment of the calls and of their variations.
func table(calls []*call) rows {
	const every, latest = 10, 8 // seconds after the first syllable
	r := rows{x: make([][]float32, len(detect.FeatureNames))}
	for n, c := range calls {
		for k, heard := range append(c.varied, c.heard) {
			for i := k % every; i < len(heard); i += every {
				f := &heard[i].features
				since := f[detect.SinceOnset]
				if since > latest {
					continue
				}
				for j, v := range f {
					r.x[j] = append(r.x[j], v)
				}
				r.call = append(r.call, int32(n))
				r.weight = append(r.weight, importance(since, f[detect.Quiet]))
				r.person = append(r.person, c.label == "human")
			}
		}
	}
	return r
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
