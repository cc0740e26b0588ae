package detect

import (
	"math"
	"time"
)

// Bounds are the log odds of a person at which a verdict falls.
type Bounds struct {
	Person   [6]float64 // at least this after a quiet of Pauses
	Talking  float64    // at least this after Hurry, though no pause is heard
	Machine  float64    // at most this, any time after Patience
	Deadline float64    // under this a machine when time is up on a noisy line, else a person
}

// Pauses are the lengths of quiet that Bounds.Person is for; between them it
// is interpolated. A person is told in a pause, as it is then that they wait.
var Pauses = [6]time.Duration{300 * time.Millisecond, 500 * time.Millisecond, 700 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2200 * time.Millisecond}

// DefaultBounds were set on calls that the forest had not learnt from.
var DefaultBounds = Bounds{Person: [6]float64{3.0, 2.5, 0.5, -0.9, -1.0, -1.0}, Talking: 0.75, Machine: -2.6, Deadline: -1.6}

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
	DeadAir  float64 `yaml:"dead_air" json:"dead_air"` // a second that a person hears nobody; default 1
	Operator float64 `yaml:"operator" json:"operator"` // an operator given a machine; default 5
	Person   float64 `yaml:"person" json:"person"`     // a person taken for a machine; default 20
}

// DefaultPrices are those that DefaultBounds were set for.
var DefaultPrices = Prices{DeadAir: 1, Operator: 5, Person: 20}

// at moves the bounds from the default prices to others: the odds that a
// verdict needs are in proportion to what it costs where it is wrong.
func (b Bounds) at(p Prices) Bounds {
	usual := DefaultPrices
	operator, deadAir, person := ratio(p.Operator, usual.Operator), ratio(p.DeadAir, usual.DeadAir), ratio(p.Person, usual.Person)
	for i := range b.Person {
		b.Person[i] += math.Log(operator / deadAir)
	}
	b.Talking += math.Log(operator / deadAir)
	b.Machine += math.Log(operator / person)
	b.Deadline += math.Log(operator / person)
	return b
}

func ratio(price, usual float64) float64 {
	if price == 0 {
		return 1
	}
	return price / usual
}
