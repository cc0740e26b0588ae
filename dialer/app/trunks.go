package app

import (
	"time"

	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/sip/figures"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// trunkFigures puts what the trunks are and what their calls came to side by side.
func trunkFigures(trunks *trunk.Trunks, now func() time.Time) []api.TrunkFigures {
	hours := map[string]trunk.Figures{}
	for _, f := range trunks.Figures() {
		hours[f.Trunk] = f
	}
	var all []api.TrunkFigures
	for _, t := range trunks.Stats() {
		f := hours[t.Trunk]
		all = append(all, api.TrunkFigures{
			Trunk: t.Trunk, Group: t.Group, Up: t.Up, Paused: t.Paused, Unusable: t.Unusable, Why: t.Why, TargetsUp: t.TargetsUp, Targets: t.TargetsTotal,
			Channels: t.Channels, MaxChannels: t.MaxChannels, Ringing: t.Ringing, CPS: t.CPS, OptionsRTT: t.OptionsRTT.Seconds(),
			FullCPS: t.ShareCPS, Registers: t.MustRegister, RegisteredUntil: t.RegisteredUntil,
			Hour: hourOf(f.Figures), CallerIDs: callersOf(f.CallerIDs, now()),
		})
	}
	return all
}

func callersOf(shown []trunk.CallerFigures, now time.Time) []api.CallerFigures {
	all := []api.CallerFigures{}
	for _, id := range shown {
		c := api.CallerFigures{CallerID: id.CallerID, Suspect: id.Suspect, Hour: hourOf(id.Figures)}
		if id.RestsUntil.After(now) {
			c.RestsUntil = id.RestsUntil
		}
		all = append(all, c)
	}
	return all
}

func hourOf(f figures.Figures) api.HourFigures {
	h := api.HourFigures{
		Calls: f.Calls, Answered: f.Answered, ASR: f.ASR, NER: f.NER, PDDP50: f.DelayP50.Seconds(), PDDP95: f.DelayP95.Seconds(),
		ACD: f.ACD.Seconds(), ShortShare: f.ShortShare, FalseShare: f.FalseShare, Codes: []api.CodeCount{},
	}
	for _, c := range f.Codes {
		h.Codes = append(h.Codes, api.CodeCount{Code: c.Code, Calls: c.Calls})
	}
	return h
}
