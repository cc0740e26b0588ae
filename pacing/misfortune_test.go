package pacing

import (
	"math"
	"testing"
)

// Calls are placed until their misfortune would not be payable any more. What few
// calls lose beyond the means is then about as unlikely as sureSpread says, although
// many answers at once are likelier than the normal law has it.
func TestMisfortuneOfFewCallsIsPayable(t *testing.T) {
	const unlikely = 0.0003 // without the correction up to 0.0010 happens
	s := Settings{Limit: 0.03}.withDefaults()
	for means := 1; means <= 4; means++ {
		for free := 1; free <= 4; free++ {
			for _, q := range []float64{0.05, 0.1, 0.2, 0.4} {
				a := account{allowed: 0.03, live: 500, whole: 1000, credit: float64(means) + sureCredit}
				if got := a.means(s); math.Abs(got-float64(means)) > 1e-9 {
					t.Fatalf("means = %v, want %d", got, means)
				}
				l := &lookAhead{}
				l.reset(free, 0)
				l.finish()
				n := 0
				for l.abandonChance() <= a.sure(s, l) && n < maxTerms-1 {
					l.addCalls(same(q), 1)
					n++
				}
				if beyond := binomialTail(free+means+1, 0, n, 0, q); beyond > unlikely {
					t.Errorf("%d free, %d calls answered with %v: more than %d are lost with %.5f", free, n, q, means, beyond)
				}
				if n < free {
					t.Errorf("%d calls for %d free operators", n, free)
				}
			}
		}
	}
}
