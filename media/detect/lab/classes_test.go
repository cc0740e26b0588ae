package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

// The chances that the product tells of voices nobody learnt from hold about what they say:
// of all moments at which a person was told with a chance of 70 %, a person was there in
// about 70 of 100.
func TestReliableOnKeptBackVoices(t *testing.T) {
	var r reliable
	for _, c := range made(80, 77) {
		d := detect.New(detect.Config{})
		d.Answered()
		for i := 0; i+media.SamplesPerFrame <= len(c.pcm) && i < 8*media.SampleRate; i += media.SamplesPerFrame {
			d.Hear(c.pcm[i : i+media.SamplesPerFrame])
			if i/media.SamplesPerFrame%20 != 0 || d.Final().Beep {
				continue
			}
			p, is := d.Chances(), detect.AtHome
			if c.label != "human" {
				is = detect.Machine
			}
			person := p[detect.AtHome] + p[detect.Business]
			r.add(detect.Chances{detect.AtHome: person, detect.Machine: 1 - person}, is)
		}
	}
	off, share := r.off(detect.AtHome)
	t.Logf("%d moments, a person in %.1f %%: off by %.1f points; log loss %.3f", r.n, 100*share, 100*off, r.loss/float64(r.n))
	for _, b := range r.bins[detect.AtHome] {
		if b.n > 0 {
			t.Logf("told %.0f %%, was %.0f %% of %.0f", 100*b.said/b.n, 100*b.was/b.n, b.n)
		}
	}
	if off > mostOff {
		t.Errorf("off by %.3f, want %v at most", off, mostOff)
	}
	if got := r.loss / float64(r.n); got > mostLoss {
		t.Errorf("log loss %.3f, want %v at most; without knowledge it is %.3f", got, mostLoss, -share*math.Log(share)-(1-share)*math.Log(1-share))
	}
}

// Where the model stands, with room for another draw.
const mostOff, mostLoss = 0.08, 0.42

// Weights that made labels are found again from them, and predict them as well as they
// themselves.
func TestFit(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var truth detect.Split
	for c := range truth {
		truth[c] = []float64{random.NormFloat64(), 2 * random.NormFloat64(), 2 * random.NormFloat64()}
	}
	of := [...]call{{label: "human"}, {label: "human", kind: "business"}, {label: "machine"}, {label: "screening"}, {label: "fax"}, {label: "sit"}, {label: "silence"}}
	for i := range of {
		if got := classOf(&of[i]); int(got) != i {
			t.Fatalf("class of %+v is %d, want %d", of[i], got, i)
		}
	}
	var all []glance
	for range 4000 {
		x := []float64{1, random.NormFloat64(), random.NormFloat64()}
		draw, c := random.Float64(), 0
		for p := truth.Of(x); c < len(p)-1 && draw >= p[c]; c++ {
			draw -= p[c]
		}
		all = append(all, glance{x, true, &of[c]})
	}
	found := fit(all, 3)
	var best, got reliable
	for _, g := range all {
		best.add(truth.Of(g.x), classOf(g.call))
		got.add(found.Of(g.x), classOf(g.call))
	}
	if got.loss > best.loss {
		t.Errorf("loss %.1f, that of the truth is %.1f", got.loss, best.loss)
	}
	for c := range got.bins {
		if off, _ := got.off(detect.Class(c)); off > 0.02 {
			t.Errorf("%s is off by %.3f", detect.ClassNames[c], off)
		}
	}
}
