package estimate

import "math"

const (
	maxTrunks    = 64
	delayMemory  = 200.0 // dials that rang
	mixMemory    = 200.0 // dials
	longestDelay = 60.0  // seconds
	lagHold      = 0.7   // bins of difference at which a lag is changed
)

// LagBins is how many bins of a dial's age a trunk may lag behind the first one,
// or be ahead of it.
const LagBins = 30

// Delays estimates the time from dial to ringing (the post-dial delay) of each
// trunk. Ages of dials are measured as on the first trunk that was seen: those of
// another lag behind by the difference. So one trunk alone has no lag, whatever its
// delay, and its hazards hold for the others. A lag is a whole number of bins, the
// resolution of the hazards, and is held until the difference is clearly another.
type Delays struct {
	trunks []trunkDelay
	byName map[string]int
	usual  float64 // seconds, before anything is known
}

type trunkDelay struct {
	name  string
	delay Mean
	dials float64 // discounted
	lag   int     // bins
}

// NewDelays returns one that expects a delay of usual seconds.
func NewDelays(usual float64) *Delays {
	return &Delays{byName: map[string]int{}, usual: usual}
}

// Dialled books a dial and returns the index of its trunk. A trunk not seen before
// is as the others until its own calls ring. Trunks beyond 64 count as the last.
func (d *Delays) Dialled(trunk string) int {
	i, known := d.byName[trunk]
	switch {
	case known:
	case len(d.trunks) < maxTrunks:
		i = d.add(trunk, NewMean(d.common(), delayMemory))
	default:
		i = maxTrunks - 1
	}
	for k := range d.trunks {
		d.trunks[k].dials *= 1 - 1/mixMemory
	}
	d.trunks[i].dials++
	return i
}

func (d *Delays) add(name string, delay Mean) int {
	i := len(d.trunks)
	d.byName[name] = i
	d.trunks = append(d.trunks, trunkDelay{name: name, delay: delay})
	return i
}

// common is the mean delay of the trunks, each weighing as much as it is dialled.
func (d *Delays) common() float64 {
	sum, dials := 0.0, 0.0
	for _, t := range d.trunks {
		sum += t.dials * t.delay.Value()
		dials += t.dials
	}
	if dials == 0 {
		return d.First()
	}
	return sum / dials
}

// Rang books that a call of a trunk rang so many seconds after it was dialled.
func (d *Delays) Rang(trunk int, seconds float64) {
	d.trunks[trunk].delay.Observe(math.Max(0, math.Min(longestDelay, seconds)))
}

// First is the delay of the first trunk in seconds, which ages are measured by.
func (d *Delays) First() float64 {
	if len(d.trunks) == 0 {
		return d.usual
	}
	return d.trunks[0].delay.Value()
}

// Rebuild sets the lags by what is known now. It is called together with
// Dials.Rebuild, so that ages change their measure with the hazards.
func (d *Delays) Rebuild() {
	for i := range d.trunks {
		t := &d.trunks[i]
		bins := (t.delay.Value() - d.First()) / DialBin
		if math.Abs(bins-float64(t.lag)) > lagHold {
			t.lag = int(math.Max(-LagBins, math.Min(LagBins, math.Round(bins))))
		}
	}
}

// Lag is by how many bins the dials of a trunk lag behind those of the first.
func (d *Delays) Lag(trunk int) int { return d.trunks[trunk].lag }

// Mixed is the curve of a dial whose trunk is not known yet, where c is that of the
// first trunk: each trunk is as likely as it was of late.
func (d *Delays) Mixed(c *Curve) *Curve {
	dials, alike := 0.0, true
	for _, t := range d.trunks {
		dials += t.dials
		alike = alike && t.lag == 0
	}
	if alike || dials == 0 {
		return c
	}
	mixed := &Curve{}
	for _, t := range d.trunks {
		for i := range mixed.Answered {
			at := max(0, min(DialBins, i-t.lag))
			mixed.Answered[i] += t.dials / dials * c.Answered[at]
			mixed.InFlight[i] += t.dials / dials * c.InFlight[at]
		}
	}
	return mixed
}

// TrunkDelay is the delay of one trunk.
type TrunkDelay struct {
	Trunk   string  `json:"trunk"`
	Seconds float64 `json:"seconds"` // from dial to ringing, mean
}

// Trunks are the delays of all trunks, the first first.
func (d *Delays) Trunks() []TrunkDelay {
	var all []TrunkDelay
	for _, t := range d.trunks {
		all = append(all, TrunkDelay{t.name, t.delay.Value()})
	}
	return all
}

// Recall begins with the delays that Trunks returned, before any dial. The order
// counts: remembered hazards are those of the first. It returns false, and changes
// nothing, where they are garbage.
func (d *Delays) Recall(known []TrunkDelay) bool {
	names := map[string]bool{}
	for _, t := range known {
		if !(t.Seconds >= 0 && t.Seconds <= longestDelay) || names[t.Trunk] {
			return false
		}
		names[t.Trunk] = true
	}
	if len(known) > maxTrunks || len(d.trunks) > 0 {
		return false
	}
	for _, t := range known {
		d.add(t.Trunk, NewMean(t.Seconds, delayMemory))
	}
	d.Rebuild()
	return true
}
