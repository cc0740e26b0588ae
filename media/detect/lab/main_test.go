package main

import (
	"math/rand/v2"
	"testing"

	"github.com/outpace-dialer/outpace/media/detect"
)

// A forest finds a rule of two features, gives the same scores after the round
// trip through its bytes, and the same bytes for the same seed.
func TestLearn(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r := rows{x: make([][]float32, len(detect.FeatureNames))}
	var all []detect.Features
	for range 2000 {
		var f detect.Features
		for i := range f {
			f[i] = random.Float32()
			r.x[i] = append(r.x[i], f[i])
		}
		all = append(all, f)
		r.person = append(r.person, (f[0] > 0.5) != (f[7] > 0.3))
		r.weight = append(r.weight, 1)
		r.call = append(r.call, int32(len(r.call)))
	}
	how := recipe{trees: 30, rate: 0.3, lambda: 1, least: 1, rowShare: 0.8, columnShare: 1, columns: []int{0, 3, 7}, seed: 4}
	f := learn(r, how)
	right := 0
	for i := range all {
		if (f.Odds(&all[i]) >= 0) == r.person[i] {
			right++
		}
	}
	if right < 1950 {
		t.Errorf("right = %d of 2000", right)
	}
	again, err := detect.ParseForest(f.Bytes())
	if err != nil || again.Odds(&all[0]) != f.Odds(&all[0]) {
		t.Errorf("after the round trip: %v, error %v, want %v", again.Odds(&all[0]), err, f.Odds(&all[0]))
	}
	if string(learn(r, how).Bytes()) != string(f.Bytes()) {
		t.Error("the same seed gives another forest")
	}
}

// No speaker may be on both sides, or the scores flatter.
func TestPart(t *testing.T) {
	var calls []*call
	for i := range 300 {
		calls = append(calls, &call{speaker: string(rune('a' + i%17))})
	}
	part(calls, (*call).voice)
	fold, size := map[string]int{}, [folds]int{}
	for _, c := range calls {
		if f, ok := fold[c.speaker]; ok && f != c.fold {
			t.Fatalf("speaker %s is in folds %d and %d", c.speaker, f, c.fold)
		}
		fold[c.speaker] = c.fold
		size[c.fold]++
	}
	for _, n := range size {
		if n < 40 || n > 80 {
			t.Errorf("folds of %v calls, want about 60 each", size)
		}
	}
}
