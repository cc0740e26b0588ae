package figures

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// answerRate differs by region and hour, as people do.
func answerRate(region, hour int) float64 { return 0.12 + 0.03*float64(region) + 0.01*float64(hour%12) }

// floor of ten caller IDs that call four regions around the clock; factor is how
// much less the first is answered after so many calls.
func play(seed uint64, calls, from int, factor float64) (d *Drift, when map[string]int) {
	d, when = NewDrift(), map[string]int{}
	r := rand.New(rand.NewPCG(seed, 7))
	for i := range calls {
		id, region, hour := r.IntN(10), r.IntN(4), r.IntN(12)+8
		if id == 0 { // it calls the poor regions more than others do: no reason to suspect it
			region = r.IntN(2)
		}
		rate := answerRate(region, hour)
		if id == 0 && i >= from {
			rate *= factor
		}
		name := fmt.Sprint("id", id)
		if d.Add(name, Cell{fmt.Sprint(region), hour}, r.Float64() < rate) && d.Suspect(name) && when[name] == 0 {
			when[name] = i
		}
	}
	return d, when
}

// Five floors of 30,000 calls: innocent caller IDs are hardly ever suspected.
func TestDriftLeavesTheInnocent(t *testing.T) {
	suspected := 0
	for seed := range uint64(5) {
		_, when := play(seed, 30_000, 0, 1)
		suspected += len(when)
	}
	if suspected > 1 { // of 150,000 calls
		t.Errorf("%d caller IDs suspected in 150,000 calls", suspected)
	}
}

// One that loses half of its answers is found, nobody else with it, and let go when
// people answer again.
func TestDriftFindsTheLabelled(t *testing.T) {
	for seed := range uint64(6) {
		d, when := play(seed, 20_000, 8_000, 0.5)
		own := (when["id0"] - 8_000) / 10 // calls of its own
		if !d.Suspect("id0") || own < 0 || own > 900 {
			t.Errorf("seed %d: found after %d calls of its own, suspect at the end: %t", seed, own, d.Suspect("id0"))
		}
		for range 300 {
			d.Add("id0", Cell{"3", 9}, true)
		}
		if d.Suspect("id0") {
			t.Errorf("seed %d: still suspect although all answer", seed)
		}
		for i := 1; i < 10; i++ {
			if name := fmt.Sprint("id", i); when[name] > 0 && seed == 0 {
				t.Errorf("%s is suspected with it", name)
			}
		}
	}
}

// A caller ID without others to compare with is never suspected.
func TestDriftAlone(t *testing.T) {
	d := NewDrift()
	for range 2_000 {
		d.Add("only", Cell{"1", 9}, false)
	}
	if d.Suspect("only") || d.Suspect("unknown") {
		t.Error("suspected without anything to compare with")
	}
}
