package main

import (
	"fmt"
	"math"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

// glance is one moment of a call, to tell its class by.
type glance struct {
	x     []float64
	spoke bool
	call  *call
}

// classOf is the class of a recorded call.
func classOf(c *call) detect.Class {
	switch c.label {
	case "human":
		if c.kind == "business" {
			return detect.Business
		}
		return detect.AtHome
	case "machine":
		return detect.Machine
	case "screening":
		return detect.Screening
	case "fax":
		return detect.Fax
	case "silence":
		return detect.Silence
	}
	return detect.Network
}

// glances are moments of calls, 0.4 s apart, from the answer until a tone
// says all or for 8 s.
func glances(calls []*call, odds func(*call, *detect.Features) float64) (all []glance) {
	const every, latest = 20, 400 // frames
	for _, c := range calls {
		d := detect.NewWith(detect.Config{}, nil, never)
		frames := 0
		for i := 0; i+media.SamplesPerFrame <= len(c.pcm) && frames < latest; i += media.SamplesPerFrame {
			if float64(i)/media.SampleRate >= c.answer.Seconds() {
				d.Answered()
				frames++
			}
			d.Hear(c.pcm[i : i+media.SamplesPerFrame])
			if k := d.Final().Kind; k != "" && k != media.Silence && k != media.Ringback {
				break
			}
			if frames == 0 || frames%every != 0 {
				continue
			}
			all = append(all, glanceAt(c, d, odds))
		}
	}
	return all
}

func glanceAt(c *call, d *detect.Detector, odds func(*call, *detect.Features) float64) glance {
	var f detect.Features
	if d.Features(&f) {
		var l detect.Look
		detect.LookOf(&f, odds(c, &f), &l)
		return glance{l[:], true, c}
	}
	var h detect.Hush
	d.Hush(&h)
	return glance{h[:], false, c}
}

// keptBack are the odds by the forest that did not learn from the call's speaker.
func keptBack(c *call, f *detect.Features) float64 { return c.forest.Odds(f) }

// splits learns both models.
func splits(all []glance) detect.Splits {
	var spoke, quiet []glance
	for _, g := range all {
		if g.spoke {
			spoke = append(spoke, g)
		} else {
			quiet = append(quiet, g)
		}
	}
	return detect.NewSplits(fit(spoke, len(detect.Look{})), fit(quiet, len(detect.Hush{})))
}

// fit is multinomial logistic regression with a little shrinkage, by gradient descent with
// momentum (Nesterov 1983): the loss is convex, so it has one lowest point.
func fit(all []glance, n int) (s detect.Split) {
	const steps, rate, momentum, shrink = 300, 0.5, 0.9, 1e-4
	var pace [detect.Classes][]float64
	for c := range s {
		s[c], pace[c] = make([]float64, n), make([]float64, n)
	}
	for range steps {
		var slope [detect.Classes][]float64
		for c := range slope {
			slope[c] = make([]float64, n)
		}
		for _, g := range all {
			p := s.Of(g.x)
			p[classOf(g.call)]--
			for c, by := range p {
				for i, x := range g.x {
					slope[c][i] += by * x
				}
			}
		}
		for c := range s {
			for i := range s[c] {
				step := slope[c][i]/float64(len(all)) + shrink*s[c][i]
				pace[c][i] = momentum*pace[c][i] - rate*step
				s[c][i] += momentum*pace[c][i] - rate*step
			}
		}
	}
	return s
}

// reliable compares chances with what was there.
type reliable struct {
	n    int
	bins [detect.Classes][10]struct{ n, said, was float64 }
	loss float64 // sum of the logarithm of the chance of what was there
}

func (r *reliable) add(p detect.Chances, is detect.Class) {
	r.n++
	r.loss -= math.Log(max(1e-9, p[is]))
	for c, v := range p {
		b := &r.bins[c][min(9, int(10*v))]
		b.n++
		b.said += v
		if detect.Class(c) == is {
			b.was++
		}
	}
}

// off is the mean distance of what was said from what was there, weighed by how often.
func (r *reliable) off(c detect.Class) (off, share float64) {
	for _, b := range r.bins[c] {
		off += math.Abs(b.said-b.was) / float64(max(1, r.n))
		share += b.was / float64(max(1, r.n))
	}
	return off, share
}

func (r *reliable) print(name string) {
	fmt.Printf("%s: %d moments, log loss %.3f\n", name, r.n, r.loss/float64(max(1, r.n)))
	for c, class := range detect.ClassNames {
		off, share := r.off(detect.Class(c))
		fmt.Printf("  %-12s share %5.1f %%, off by %.1f points; said → was:", class, 100*share, 100*off)
		for _, b := range r.bins[c] {
			if b.n >= 30 {
				fmt.Printf(" %.0f→%.0f", 100*b.said/b.n, 100*b.was/b.n)
			}
		}
		fmt.Println()
	}
}

// reportClasses judges each fold by models that learnt from the others, in all their parts.
func reportClasses(calls []*call) {
	var before, after reliable
	all := glances(calls, keptBack)
	for fold := range folds {
		var kept, rest []glance
		for _, g := range all {
			if g.call.fold != fold {
				rest = append(rest, g)
			} else if !g.call.made {
				kept = append(kept, g)
			}
		}
		m := splits(rest)
		for _, g := range kept {
			p := m.Of(g.spoke, g.x)
			if g.spoke {
				after.add(p, classOf(g.call))
			} else {
				before.add(p, classOf(g.call))
			}
		}
	}
	before.print("classes before anybody spoke, speakers kept back")
	after.print("classes once somebody spoke, speakers kept back")
}
