package estimate

import "math"

// Handling answers when an operator comes free: by bins of DurationBin seconds
// of the age of the talk or the wrap-up, the chance of being through with both
// within each of the given horizons.
type Handling struct {
	horizons   int
	talk, wrap []float64 // [bin*horizons + k]
}

// NewHandling tabulates the laws of talk and wrap-up (the chance of ending in
// each bin, see Duration.Law) over the horizons, in seconds.
func NewHandling(talk, wrap, horizons []float64) *Handling {
	h := &Handling{
		horizons: len(horizons),
		talk:     make([]float64, len(talk)*len(horizons)),
		wrap:     make([]float64, len(wrap)*len(horizons)),
	}
	wrapped := cumulative(wrap)
	talking := remaining(talk)
	for k, horizon := range horizons {
		h.tabulateTalk(k, talk, talking, wrapped, horizon/DurationBin)
		h.tabulateWrap(k, wrapped, horizon)
	}
	return h
}

// Talking returns the chances for an operator in a talk of this age in seconds,
// one per horizon. The slice is valid until the next NewHandling.
func (h *Handling) Talking(age float64) []float64 { return h.row(h.talk, age) }

// Wrapping is Talking for an operator in the wrap-up after a talk.
func (h *Handling) Wrapping(age float64) []float64 { return h.row(h.wrap, age) }

func (h *Handling) row(table []float64, age float64) []float64 {
	i := DurationAgeBin(age, len(table)/h.horizons) * h.horizons
	return table[i : i+h.horizons]
}

// tabulateTalk fills column k: the rest of the talk and a whole wrap-up within
// horizon bins.
func (h *Handling) tabulateTalk(k int, talk, talking, wrapped []float64, horizon float64) {
	after := make([]float64, int(horizon)+1) // chance of wrapping up in time, when the talk ends j bins on
	for j := range after {
		after[j] = at(wrapped, horizon-float64(j)-0.5)
	}
	for i := range talk {
		if talking[i] < 1e-9 || i+len(after) >= len(talk) {
			h.repeat(h.talk, i, k)
			continue
		}
		sum := 0.0
		for j, chance := range after[:min(len(after), len(talk)-i)] {
			sum += talk[i+j] * chance
		}
		h.talk[i*h.horizons+k] = math.Min(1, sum/talking[i])
	}
}

// tabulateWrap fills column k: the rest of the wrap-up within horizon seconds.
func (h *Handling) tabulateWrap(k int, wrapped []float64, horizon float64) {
	for i := range len(wrapped) - 1 {
		age := float64(i) + 0.5
		done := at(wrapped, age)
		if 1-done < 1e-6 || age+horizon/DurationBin >= float64(len(wrapped)-2) {
			h.repeat(h.wrap, i, k)
			continue
		}
		h.wrap[i*h.horizons+k] = (at(wrapped, age+horizon/DurationBin) - done) / (1 - done)
	}
}

// repeat copies the row before: nobody has ever been here, or the table ends within
// the horizon. Its last bin holds all that last longer, and says nothing of when
// they end: taken for an end, a few talks of more than half an hour would have an
// operator come free each at every moment.
func (h *Handling) repeat(table []float64, i, k int) {
	if i > 0 {
		table[i*h.horizons+k] = table[(i-1)*h.horizons+k]
	}
}

// cumulative returns the chance of having ended before the start of each bin.
func cumulative(law []float64) []float64 {
	sum := make([]float64, len(law)+1)
	for i, chance := range law {
		sum[i+1] = sum[i] + chance
	}
	return sum
}

// remaining returns the chance of lasting at least until the start of each bin.
func remaining(law []float64) []float64 {
	left := make([]float64, len(law)+1)
	for i := len(law) - 1; i >= 0; i-- {
		left[i] = left[i+1] + law[i]
	}
	return left
}

// at reads a cumulative table between its points, x in bins.
func at(table []float64, x float64) float64 {
	if x < 0 {
		return 0
	}
	i := int(x)
	if i+1 >= len(table) {
		return table[len(table)-1]
	}
	part := x - float64(i)
	return table[i]*(1-part) + table[i+1]*part
}
