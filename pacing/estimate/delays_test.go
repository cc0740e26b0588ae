package estimate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// rung returns delays that have seen dials on trunks with these mean delays, by
// turns, each within 20 % of its mean.
func rung(dials int, trunks ...float64) *Delays {
	rng := rand.New(rand.NewPCG(3, 4))
	d := NewDelays(1.5)
	for i := range dials {
		k := i % len(trunks)
		d.Rang(d.Dialled(fmt.Sprint("trunk", k)), trunks[k]*(0.8+0.4*rng.Float64()))
	}
	d.Rebuild()
	return d
}

func TestDelaysOfTrunksAreLearnt(t *testing.T) {
	d := rung(2000, 1, 6, 1.1)
	for i, want := range []float64{1, 6, 1.1} {
		if got := d.Trunks()[i].Seconds; math.Abs(got-want) > 0.2 {
			t.Errorf("trunk %d rings after %.2f s, want %.1f", i, got, want)
		}
	}
	for i, want := range []int{0, 10, 0} {
		if got := d.Lag(i); got != want {
			t.Errorf("trunk %d lags by %d bins, want %d", i, got, want)
		}
	}
	if d := rung(2000, 6, 1); d.Lag(0) != 0 || d.Lag(1) != -10 {
		t.Errorf("the slow trunk first: lags %d and %d, want 0 and -10", d.Lag(0), d.Lag(1))
	}
}

func TestOneTrunkHasNoLag(t *testing.T) {
	d := rung(100, 9)
	if d.Lag(0) != 0 || math.Abs(d.First()-9) > 0.5 {
		t.Errorf("lag %d, delay %.2f s; want 0, 9", d.Lag(0), d.First())
	}
	c := NewDials(25).Curve(1, 1)
	if d.Mixed(c) != c {
		t.Error("the curve of a dial is another one")
	}
}

func TestDelayOfANewTrunkIsThatOfTheOthers(t *testing.T) {
	d := rung(300, 4)
	fresh := d.Dialled("new")
	if got := d.Trunks()[fresh].Seconds; math.Abs(got-d.First()) > 1e-9 {
		t.Errorf("a new trunk: %.2f s, want %.2f", got, d.First())
	}
	d.Rang(fresh, 10)
	if got := d.Trunks()[fresh].Seconds; got < 4.5 || got > 6 {
		t.Errorf("after one call of 10 s: %.2f s, want a little more than 4", got)
	}
	for range 1000 {
		d.Rang(fresh, 2)
	}
	if got := d.Trunks()[fresh].Seconds; math.Abs(got-2) > 0.1 {
		t.Errorf("after many of 2 s: %.2f s, want 2", got)
	}
}

func TestMixedCurveIsTheMeanOfTheTrunks(t *testing.T) {
	d, c := rung(2000, 1, 6), NewDials(25).Curve(1, 1)
	m := d.Mixed(c)
	for i := 10; i <= DialBins; i++ {
		if want := (c.Answered[i] + c.Answered[i-10]) / 2; math.Abs(m.Answered[i]-want) > 0.003 {
			t.Fatalf("answered by bin %d: %.3f, want %.3f", i, m.Answered[i], want)
		}
	}
	if got, want := m.Quantile(0.5), c.Quantile(0.5)+2.5; math.Abs(got-want) > 1 {
		t.Errorf("median answer of a dial on either trunk after %.1f s, want %.1f", got, want)
	}
}

func TestADialBehindBeginsLater(t *testing.T) {
	c := NewDials(25).Curve(1, 1)
	for _, seconds := range []float64{0, 3, 5, 12, 70} {
		want := 0.0
		if seconds >= 4 {
			want = c.Within(0, seconds-4)
		}
		if got := c.Within(-8, seconds); math.Abs(got-want) > 1e-12 {
			t.Errorf("8 bins behind, within %v s: %.4f, want %.4f", seconds, got, want)
		}
	}
}

func TestTrunksAreBounded(t *testing.T) {
	d := NewDelays(1.5)
	for i := range 1000 {
		d.Rang(d.Dialled(fmt.Sprint(i)), 1+float64(i))
	}
	d.Rebuild()
	if got := len(d.Trunks()); got != maxTrunks || d.First() > 2 {
		t.Errorf("%d trunks are known, the first rings after %.2f s; want %d, about 1", got, d.First(), maxTrunks)
	}
}

func TestRecallOfDelays(t *testing.T) {
	d := NewDelays(1.5)
	if !d.Recall(rung(2000, 1, 6).Trunks()) {
		t.Fatal("delays are not recalled")
	}
	if i := d.Dialled("trunk1"); d.Lag(i) != 10 || math.Abs(d.First()-1) > 0.1 {
		t.Errorf("recalled: the second trunk lags by %d bins, the first rings after %.2f s; want 10, 1", d.Lag(i), d.First())
	}
	for _, garbage := range [][]TrunkDelay{
		{{"a", -1}}, {{"a", math.NaN()}}, {{"a", 1e9}}, {{"a", 1}, {"a", 2}}, make([]TrunkDelay, maxTrunks+1),
	} {
		if d := NewDelays(1.5); d.Recall(garbage) || len(d.Trunks()) > 0 {
			t.Errorf("%v is recalled", garbage)
		}
	}
}
