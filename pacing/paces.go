package pacing

import (
	"maps"
	"slices"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

const (
	maxPaces   = 1000 // operators whose pace is remembered
	paceWeight = 10.0 // of a pace that is worth remembering
)

// paces are what was learnt of the pace of each operator. Forecasts and those who
// look at the floor use them. A decision does not: tables for slow and for quick
// operators were tried, and foretold better who comes free, but a threshold on the
// sum over a floor gains nothing by it.
type paces struct {
	byID map[string]*estimate.Pace
	ids  []string // in the order they were first seen
	all  []*estimate.Pace
	wrap estimate.UsualLength
}

func newPaces() paces { return paces{byID: map[string]*estimate.Pace{}} }

// of returns the pace of an operator, a new one where none is known.
func (p *paces) of(id string) *estimate.Pace {
	if known := p.byID[id]; known != nil {
		return known
	}
	fresh := &estimate.Pace{}
	p.byID[id] = fresh
	p.ids = append(p.ids, id)
	p.all = append(p.all, fresh)
	return fresh
}

// spread is by how much the operators differ, see estimate.PaceSpread.
func (p *paces) spread() float64 { return estimate.PaceSpread(p.all) }

// remember copies the paces that are known well enough.
func (p *paces) remember() map[string]estimate.Pace {
	kept := map[string]estimate.Pace{}
	for i, id := range p.ids {
		if p.all[i].Weight >= paceWeight && len(kept) < maxPaces {
			kept[id] = *p.all[i]
		}
	}
	return kept
}

// recall takes what was remembered for what was seen; garbage is left out.
func (p *paces) recall(kept map[string]estimate.Pace) {
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		if hint, ok := kept[id].Recalled(); ok && len(p.ids) < maxPaces {
			*p.of(id) = hint
		}
	}
}
