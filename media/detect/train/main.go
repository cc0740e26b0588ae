// Command train learns the forest of package detect from recorded calls in
// $SHARED/audio and says how good it is on speakers that it did not hear.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media/detect"
)

func main() {
	out := flag.String("out", "", "file for the forest; none: only measure")
	seed := flag.Uint64("seed", 1, "of all that is random")
	trees := flag.Int("trees", 120, "in the forest")
	rate := flag.Float64("rate", 0.07, "of learning")
	copies := flag.Int("copies", 8, "variations of each call")
	drop := flag.String("drop", "", "features to do without, with commas")
	search := flag.Int("search", 0, "tries to find better bounds")
	flag.Parse()
	how := recipe{trees: *trees, rate: *rate, lambda: 2, least: 2, rowShare: 0.6, columnShare: 0.5, seed: *seed}
	for i, n := range detect.FeatureNames {
		if !slices.Contains(strings.Split(*drop, ","), n) {
			how.columns = append(how.columns, i)
		}
	}
	if err := train(*out, how, *copies, *search); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func train(out string, how recipe, copies, tries int) error {
	var calls []*call
	for _, set := range []string{"public", "tune"} {
		c, err := readCalls(filepath.Join(os.Getenv("SHARED"), "audio", set))
		if err != nil {
			return fmt.Errorf("SHARED names a folder with audio/public and audio/tune: %w", err)
		}
		calls = append(calls, c...)
	}
	listen(calls, copies, how.seed)
	const folds = 5
	part(calls, folds)
	for fold := range folds {
		var rest, kept []*call
		for _, c := range calls {
			if c.fold == fold {
				kept = append(kept, c)
			} else {
				rest = append(rest, c)
			}
		}
		ask(learn(table(rest), how), kept)
	}
	report("speakers kept back", calls)
	if tries > 0 {
		find(calls, tries, how.seed)
	}
	if out == "" {
		return nil
	}
	f := learn(table(calls), how)
	ask(f, calls)
	report("speakers learnt from", calls)
	return os.WriteFile(out, f.Bytes(), 0o644)
}

// listen hears each call and some variations of it.
func listen(calls []*call, copies int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	var talkers []*call
	for _, c := range calls {
		if c.label == "machine" {
			talkers = append(talkers, c)
		}
	}
	for _, c := range calls {
		c.heard, c.tones = hear(c.pcm, c.answer)
		for range copies {
			heard, _ := hear(vary(c, talkers, random))
			c.varied = append(c.varied, heard)
		}
	}
}

func ask(f detect.Forest, calls []*call) {
	for _, c := range calls {
		for i := range c.heard {
			c.heard[i].odds = f.Odds(&c.heard[i].features)
		}
	}
}

// table takes every tenth moment of the calls and of their variations.
func table(calls []*call) rows {
	const every, latest = 10, 8 // seconds after the first syllable
	r := rows{x: make([][]float32, len(detect.FeatureNames))}
	for _, c := range calls {
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
				w := float32(1)
				if since > 2.5 {
					w = 0.5 // most verdicts have fallen
				}
				r.person, r.weight = append(r.person, c.label == "human"), append(r.weight, w)
			}
		}
	}
	return r
}

func report(name string, calls []*call) {
	fmt.Println(name)
	for _, after := range []time.Duration{600, 800, 1000, 1500, 2000, 3000, 4000} {
		after *= time.Millisecond
		fmt.Printf("  right %v after the first syllable: %v\n", after, forced(calls, after))
	}
	r := judge(calls, detect.DefaultBounds, 5*time.Second, 7*time.Second)
	fmt.Println(" ", r)
	fmt.Println("  wrong:", r.wrong)
}
