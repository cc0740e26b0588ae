package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"time"

	"github.com/outpace-dialer/outpace/media/detect"
)

// judged is what a forest that learnt from others made of a recorded call.
type judged struct {
	By, File, Voice, Label, Kind string // By is what was kept back
	Told                         string
	After                        time.Duration // from the first syllable to the verdict
	Through                      bool
	RightAtTwo                   *bool   // 2 s after the first syllable; nil where the call is shorter, or nobody answered
	Loss                         float64 // nats, mean of its moments
}

// keptBacks are what is kept back at a time.
var keptBacks = []struct {
	name string
	by   func(*call) string
}{{"speaker", (*call).voice}, {"source", (*call).origin}}

// judge writes what becomes of each recorded call, speakers kept back and sources kept back, for compare.
func judge(out string, how recipe) error {
	calls, err := readAll(how)
	if err != nil {
		return err
	}
	listen(calls, how)
	var all []judged
	for _, k := range keptBacks {
		how.by = k.by
		cross(calls, how)
		for _, c := range calls {
			if !c.made {
				all = append(all, judgedOf(k.name, c))
			}
		}
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	w := json.NewEncoder(f)
	for _, j := range all {
		if err := w.Encode(j); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

func judgedOf(by string, c *call) judged {
	v := ours(c, c.forest)
	j := judged{By: by, File: c.file, Voice: c.voice(), Label: c.label, Kind: c.kind, Told: v.label, After: v.at - c.start, Through: v.through}
	if two := forced([]*call{c}, 2*time.Second); two.n > 0 {
		right := two.k > 0
		j.RightAtTwo = &right
	}
	n := 0
	for i, m := range c.heard {
		if i%every != 0 || m.features[detect.SinceOnset] > latest {
			continue
		}
		odds := m.odds
		if c.label != "human" {
			odds = -odds
		}
		j.Loss += math.Log1p(math.Exp(-odds))
		n++
	}
	j.Loss /= float64(max(1, n))
	return j
}
