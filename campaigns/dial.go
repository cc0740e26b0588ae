package campaigns

import (
	"slices"
	"strings"
)

// Dialable says whether n may be dialled at all: not proven bad, and with zones
// and rule regions, without which nobody knows when it may be called.
func (n Number) Dialable() bool {
	return !n.Bad && len(n.Zones) > 0 && len(n.Regions) > 0
}

// NumberToDial returns the preferred number where it is one of the lead's and
// may be dialled, else the first that may be dialled.
func (l Lead) NumberToDial(preferred string) (Number, bool) {
	first := -1
	for i, n := range l.Numbers {
		if !n.Dialable() {
			continue
		}
		if n.E164 == preferred {
			return n, true
		}
		if first < 0 {
			first = i
		}
	}
	if first < 0 {
		return Number{}, false
	}
	return l.Numbers[first], true
}

// MayTransferTo says whether c allows operators to have a number called into a talk.
func (c Campaign) MayTransferTo(e164 string) bool {
	return e164Form.MatchString(e164) && slices.ContainsFunc(c.TransferNumbers, func(allowed string) bool {
		beginning, is := strings.CutSuffix(allowed, "*")
		return allowed == e164 || is && strings.HasPrefix(e164, beginning)
	})
}

// Disposition returns the disposition of a code. A campaign that names no
// dispositions has DefaultDispositions.
func (c Campaign) Disposition(code string) (Disposition, bool) {
	list := c.Dispositions
	if len(list) == 0 {
		list = DefaultDispositions()
	}
	for _, d := range list {
		if d.Code == code {
			return d, true
		}
	}
	return Disposition{}, false
}

// Apply returns g with the effect on it. Progress only rises.
func (e Effect) Apply(g Grades) Grades {
	if e.Stage != "" {
		g.Stage = e.Stage
	}
	if e.Temperature != "" {
		g.Temperature = e.Temperature
	}
	if e.CP != nil {
		g.CP = *e.CP
	}
	if e.PI != nil {
		g.PI = *e.PI
	}
	if e.Level != nil {
		g.Level = *e.Level
	}
	g.Progress = max(g.Progress, e.Progress)
	return g
}
