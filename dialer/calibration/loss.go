package calibration

// Loss is the share of live people whom the detector loses: each is abandoned in law.
type Loss struct {
	Share     float64 `json:"share"` // to reckon with
	Low       float64 `json:"low"`   // 95 % interval of what was checked
	High      float64 `json:"high"`
	People    int     `json:"people"`    // checked
	Lost      int     `json:"lost"`      // of them, were they not checked
	Suspected int     `json:"suspected"` // held to be machines, and hung up before a beep
	Basis     string  `json:"basis"`     // assumed, checked, suspected
}

// enoughPeople must have been checked before that counts for more than what is assumed.
const enoughPeople = 200

// loss estimates it from what is assumed before anything is known. People who hang up in
// doubt are only some of those who are lost, so they may raise the estimate, never lower it.
func (t *tally) loss(assumed float64) Loss {
	checked := shareOf(t.checkedLost, t.checkedPeople)
	l := Loss{
		Share: assumed, Low: checked.Low, High: checked.High, People: checked.N, Lost: checked.K,
		Suspected: t.suspected, Basis: "assumed",
	}
	if checked.N >= enoughPeople {
		l.Share, l.Basis = (float64(checked.K)+0.5)/float64(checked.N+1), "checked" // nobody lost of so many is not nobody ever
	}
	if least := shareOf(t.suspected, t.suspected+t.people).Low; least > l.Share {
		l.Share, l.Basis = least, "suspected"
	}
	return l
}
