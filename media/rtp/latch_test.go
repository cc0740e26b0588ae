package rtp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media/sdp"
)

var (
	described  = netip.MustParseAddrPort("198.51.100.7:4000")
	otherPort  = netip.MustParseAddrPort("198.51.100.7:4999")
	signalled  = netip.MustParseAddrPort("198.51.100.9:4000")
	inNetwork  = netip.MustParseAddrPort("203.0.113.5:4000")
	stranger   = netip.MustParseAddrPort("192.0.2.66:4000")
	begin      = time.Unix(1_800_000_000, 0)
	looseRules = &Description{
		Agreed: sdp.Agreed{Remote: described}, Signalling: signalled.Addr(),
		Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	}
	strictRules = &Description{Agreed: sdp.Agreed{Remote: described}, Signalling: signalled.Addr(), Strict: true}
)

func TestLatch(t *testing.T) {
	type packet struct {
		from     netip.AddrPort
		ms       int
		sequence uint16
		ssrc     uint32
		want     bool
	}
	run := func(from netip.AddrPort, ms int, first uint16, ssrc uint32, want ...bool) (list []packet) {
		for i, w := range want {
			list = append(list, packet{from, ms + 20*i, first + uint16(i), ssrc, w})
		}
		return list
	}
	join := func(lists ...[]packet) (all []packet) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	const yes, no = true, false
	tests := []struct {
		name    string
		rules   *Description
		packets []packet
	}{
		{"described source at once", looseRules, run(described, 0, 1, 1, yes, yes)},
		{"another port after four in sequence", looseRules, run(otherPort, 0, 65534, 1, no, no, no, yes, yes)},
		{"signalling IP after four", looseRules, run(signalled, 0, 1, 1, no, no, no, yes)},
		{"configured network after four", looseRules, run(inNetwork, 0, 1, 1, no, no, no, yes)},
		{"stranger never", looseRules, run(stranger, 0, 1, 1, no, no, no, no, no, no)},
		{"strict: described only", strictRules, join(run(otherPort, 0, 1, 1, no, no, no, no, no),
			run(signalled, 200, 1, 1, no, no, no, no, no), run(described, 400, 1, 1, yes))},
		{"a break starts anew", looseRules, join(run(otherPort, 0, 1, 1, no, no, no), run(otherPort, 60, 5, 1, no, no, no, yes))},
		{"so does another SSRC", looseRules, join(run(otherPort, 0, 1, 1, no, no, no), run(otherPort, 60, 4, 2, no, no, no, yes))},
		{"two at once never prove themselves", looseRules, join(
			run(otherPort, 0, 1, 1, no), run(signalled, 5, 1, 1, no), run(otherPort, 20, 2, 1, no), run(signalled, 25, 2, 1, no),
			run(otherPort, 40, 3, 1, no), run(signalled, 45, 3, 1, no), run(otherPort, 60, 4, 1, no), run(signalled, 65, 4, 1, no))},
		{"a switch while the window is open", looseRules, join(run(described, 0, 1, 1, yes), run(otherPort, 100, 1, 2, no, no, no, yes),
			run(described, 300, 9, 1, no))},
		{"none after it", looseRules, join(run(described, 0, 1, 1, yes), run(otherPort, 5001, 1, 1, no, no, no, no, no, no),
			run(described, 5200, 2, 1, yes))},
		{"the window opens with the first packet that may count", looseRules, join(run(stranger, 0, 1, 1, no), run(otherPort, 60_000, 1, 1, no, no, no, yes))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := latch{described: tt.rules.Agreed.Remote, allowed: allow(tt.rules)}
			for i, p := range tt.packets {
				h := header{sequence: p.sequence, ssrc: p.ssrc}
				if got := l.admit(p.from, &h, begin.Add(time.Duration(p.ms)*time.Millisecond)); got != p.want {
					t.Errorf("packet %d from %v: %v, want %v", i, p.from, got, p.want)
				}
			}
		})
	}
}
