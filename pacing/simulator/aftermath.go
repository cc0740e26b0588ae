package simulator

// The spans after an incident that are looked at, in minutes.
const (
	aftermathPeak        = 45
	aftermathExcess      = 30
	aftermathUtilisation = 15
)

// Aftermath is how a policy took one incident of the scenario. What comes after
// a carrier's outage comes after its end, since nothing can be done while no dial
// goes through; abandoned calls are counted from its beginning all the same.
type Aftermath struct {
	Note        string  `json:"note"`
	At          Seconds `json:"t"`
	Peak        float64 `json:"peak_abandonment_10m"` // in any ten minutes that end from its beginning to 45 after it
	Excess      float64 `json:"excess_abandons"`      // above the limit, from its beginning to 30 minutes after it
	Utilisation float64 `json:"utilisation_15m"`      // in the 15 minutes after it
}

// aftermath looks at the minutes after each incident, warm-up or not.
func (t *tally) aftermath(s *Scenario) []Aftermath {
	var all []Aftermath
	for _, e := range s.Events {
		begins, from := int(e.At/60), int(e.ends()/60)
		a := Aftermath{Note: e.Note, At: e.At}
		if a.Note == "" {
			a.Note = e.Type
		}
		for m := begins; m < min(from+aftermathPeak, len(t.minutes)); m++ {
			if x := t.between(m+1-peakWindow, m+1); x.live >= peakLeast {
				a.Peak = max(a.Peak, float64(x.abandoned)/float64(x.live))
			}
		}
		x := t.between(begins, from+aftermathExcess)
		a.Excess = float64(x.abandoned) - s.Limit.MaxAbandon*float64(x.live)
		x = t.between(from, from+aftermathUtilisation)
		a.Utilisation = ratio(x.talking+x.wrapping, x.talking+x.wrapping+x.idle)
		all = append(all, a)
	}
	return all
}

// ends is from when on an incident may be got over.
func (e Incident) ends() Seconds {
	if e.Type == CarrierOutage {
		return e.At + e.Lasts
	}
	return e.At
}

// between sums up the minutes from one up to another, as far as there are any.
func (t *tally) between(from, to int) minute {
	var sum minute
	for _, m := range t.minutes[min(max(0, from), len(t.minutes)):min(max(0, to), len(t.minutes))] {
		sum.add(m)
	}
	return sum
}

// meanAftermath is the mean over runs of one scenario.
func meanAftermath(runs []Run) []Aftermath {
	var mean []Aftermath
	n := float64(len(runs))
	for i := range runs[0].Events {
		a := Aftermath{Note: runs[0].Events[i].Note, At: runs[0].Events[i].At}
		for _, r := range runs {
			a.Peak += r.Events[i].Peak / n
			a.Excess += r.Events[i].Excess / n
			a.Utilisation += r.Events[i].Utilisation / n
		}
		mean = append(mean, a)
	}
	return mean
}
