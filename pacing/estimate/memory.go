package estimate

import "math"

// Memory is what a campaign's estimates know, to be kept over a restart. Counts
// are discounted ones.
type Memory struct {
	Human     []float64 `json:"human"` // ends of dials by the bin of their age
	Other     []float64 `json:"other"`
	Cancelled []float64 `json:"cancelled"`
	Talk      []float64 `json:"talk"` // ends of talks by the bin of their age
	TalkMean  float64   `json:"talk_mean"`
	Wrap      []float64 `json:"wrap"`
	WrapMean  float64   `json:"wrap_mean"`
}

// Remember copies what d and the two durations know. It changes nothing.
func Remember(d *Dials, talk, wrap *Duration) Memory {
	copied := func(x []float64) []float64 { return append([]float64(nil), x...) }
	return Memory{
		Human: copied(d.human[:]), Other: copied(d.other[:]), Cancelled: copied(d.cancelled[:]),
		Talk: copied(talk.ends), TalkMean: talk.mean, Wrap: copied(wrap.ends), WrapMean: wrap.mean,
	}
}

// sound says whether m has the shape of d, talk and wrap and holds counts only.
func (m Memory) sound(talk, wrap *Duration) bool {
	shapes := []struct {
		counts []float64
		n      int
	}{
		{m.Human, DialBins}, {m.Other, DialBins}, {m.Cancelled, DialBins},
		{m.Talk, len(talk.ends)}, {m.Wrap, len(wrap.ends)},
	}
	for _, s := range shapes {
		if len(s.counts) != s.n {
			return false
		}
		for _, x := range s.counts {
			if !(x >= 0) || math.IsInf(x, 1) {
				return false
			}
		}
	}
	positive := func(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
	return positive(m.TalkMean) && positive(m.WrapMean)
}

// Recall adds what was remembered to the priors, each kind of count weighing at
// most so many events: yesterday is a hint, not the day itself. It returns false,
// and changes nothing, where m does not fit or is garbage.
func (m Memory) Recall(d *Dials, talk, wrap *Duration, most float64) bool {
	if !m.sound(talk, wrap) {
		return false
	}
	total := 0.0
	for _, counts := range [][]float64{m.Human, m.Other, m.Cancelled} {
		for _, x := range counts {
			total += x
		}
	}
	weigh := math.Min(1, most/math.Max(total, 1))
	add := func(to, from []float64, weight float64) {
		for i, x := range from {
			to[i] += weight * x
		}
	}
	add(d.human[:], m.Human, weigh)
	add(d.other[:], m.Other, weigh)
	add(d.cancelled[:], m.Cancelled, weigh)
	d.Rebuild(Ages{})
	recallDuration(talk, m.Talk, m.TalkMean, most)
	recallDuration(wrap, m.Wrap, m.WrapMean, most)
	return true
}

func recallDuration(d *Duration, ends []float64, mean, most float64) {
	total := 0.0
	for _, x := range ends {
		total += x
	}
	weigh := math.Min(1, most/math.Max(total, 1))
	for i, x := range ends {
		d.ends[i] += weigh * x
	}
	d.count, d.mean = weigh*total, mean
}
