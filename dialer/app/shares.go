package app

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// trunkShares asks for this node's part of each carrier's limits and puts it in
// force. Trunks of one name are one carrier for all nodes. Only the node's renewals
// touch it, one after the other.
//
//	renewal ─► wants ─► store: shares ─► given ─► trunk.Trunks, until the term is over
type trunkShares struct {
	trunks *trunk.Trunks
	have   map[string]float64 // by name of the limit: the share that was given last
}

func newTrunkShares(t *trunk.Trunks) *trunkShares {
	s := &trunkShares{trunks: t}
	s.lost()
	return s
}

// names of the limits of a trunk, in the store.
func limitNames(trunk string) (cps, channels, ringing string) {
	return "trunk/" + trunk + "/cps", "trunk/" + trunk + "/channels", "trunk/" + trunk + "/ringing"
}

// lost takes everything back until the next shares are given.
func (s *trunkShares) lost() {
	s.have = map[string]float64{}
	none := map[string]trunk.Share{}
	for _, st := range s.trunks.Stats() {
		none[st.Trunk] = trunk.Share{}
	}
	s.trunks.SetShares(none)
}

func (s *trunkShares) wants(context.Context) []campaigns.Want {
	var all []campaigns.Want
	for _, u := range s.trunks.Uses() {
		cps, channels, ringing := limitNames(u.Trunk)
		all = append(all,
			campaigns.Want{Limit: cps, Total: u.MaxCPS, Need: u.NeedCPS, Obeys: s.have[cps]},
			campaigns.Want{
				Limit: channels, Total: float64(u.MaxChannels), Need: u.NeedChannels,
				Obeys: max(s.have[channels], float64(u.Channels)), Whole: true, Lasts: true,
			})
		if u.MaxRinging < u.MaxChannels {
			all = append(all, campaigns.Want{
				Limit: ringing, Total: float64(u.MaxRinging), Need: u.NeedRinging,
				Obeys: max(s.have[ringing], float64(u.Ringing)), Whole: true, Lasts: true,
			})
		}
	}
	return all
}

// given puts shares in force, in the order of the wants.
func (s *trunkShares) given(wants []campaigns.Want, shares []campaigns.Share, until time.Time) {
	for i, w := range wants {
		s.have[w.Limit] = shares[i].Amount
	}
	all := map[string]trunk.Share{}
	for _, st := range s.trunks.Stats() {
		cps, channels, ringing := limitNames(st.Trunk)
		share := trunk.Share{CPS: s.have[cps], Channels: int(s.have[channels]), Ringing: int(s.have[channels]), Until: until}
		if n, limited := s.have[ringing]; limited {
			share.Ringing = int(n)
		}
		all[st.Trunk] = share
	}
	s.trunks.SetShares(all)
}

// sharings are several that share with one renewal.
type sharings struct {
	all  []sharing
	each []int // wants of each, last time
}

func (s *sharings) wants(ctx context.Context) []campaigns.Want {
	var wants []campaigns.Want
	s.each = s.each[:0]
	for _, one := range s.all {
		its := one.wants(ctx)
		wants, s.each = append(wants, its...), append(s.each, len(its))
	}
	return wants
}

func (s *sharings) given(wants []campaigns.Want, shares []campaigns.Share, until time.Time) {
	for i, one := range s.all {
		n := s.each[i]
		one.given(wants[:n], shares[:n], until)
		wants, shares = wants[n:], shares[n:]
	}
}

func (s *sharings) lost() {
	for _, one := range s.all {
		one.lost()
	}
}
