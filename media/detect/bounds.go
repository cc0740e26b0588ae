package detect

import (
	"math"
	"time"
)

// Bounds are the log odds of a person at which a verdict falls.
type Bounds struct {
	Person  [5]float64 // at least this after a quiet of Pauses
	Machine float64    // at most this, any time after Talk
}

// Pauses are the lengths of quiet that Bounds.Person is for; between them it
// is interpolated. A person is told only in a pause, as it is then that they wait.
var Pauses = [5]time.Duration{300 * time.Millisecond, 500 * time.Millisecond, 700 * time.Millisecond, time.Second, 1500 * time.Millisecond}

// DefaultBounds were set on calls that the forest had not learnt from.
var DefaultBounds = Bounds{Person: [5]float64{1.5, 0.8, -0.6, -0.9, -1.0}, Machine: -3.6}

// After is the bound for a person after a quiet.
func (b *Bounds) After(quiet time.Duration) float64 {
	if quiet < Pauses[0] {
		return math.Inf(1)
	}
	for i, p := range Pauses[1:] {
		if quiet < p {
			share := float64(quiet-Pauses[i]) / float64(p-Pauses[i])
			return b.Person[i] + share*(b.Person[i+1]-b.Person[i])
		}
	}
	return b.Person[len(b.Person)-1]
}

// Prices are what mistakes and waiting cost. Only their ratios count.
type Prices struct {
	DeadAir  float64 `yaml:"dead_air"` // a second that a person hears nobody; default 1
	Operator float64 `yaml:"operator"` // an operator given a machine; default 5
	Person   float64 `yaml:"person"`   // a person taken for a machine; default 20
}

// at moves the bounds from the default prices to others: the odds that a
// verdict needs are in proportion to what it costs where it is wrong.
func (b Bounds) at(p Prices) Bounds {
	operator, deadAir, person := ratio(p.Operator, 5), ratio(p.DeadAir, 1), ratio(p.Person, 20)
	for i := range b.Person {
		b.Person[i] += math.Log(operator / deadAir)
	}
	b.Machine += math.Log(operator / person)
	return b
}

func ratio(price, usual float64) float64 {
	if price == 0 {
		return 1
	}
	return price / usual
}
