package door

import (
	"cmp"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"
)

// Where too many say nothing, one goes of the address that has the most of them: the
// longest quiet. Who has few stays, and who has a request under way.
func TestS36LongestQuietGoes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := NewCrowd(l, mostQuiet+10, nil, zap.NewNop())
	come := func(from string) *guest { // none of them has a socket: they are counted alone
		g := &guest{crowd: c, from: netip.MustParsePrefix(from)}
		c.enter(g.from, false, time.Now())
		return g
	}
	all := []*guest{come("192.0.2.2/32")}
	first := c.hush(all[0], true)
	for len(all) < mostQuiet {
		g := come("192.0.2.1/32")
		all, first = append(all, g), cmp.Or(first, c.hush(g, true))
	}
	if first != nil {
		t.Fatal("one goes while there is room")
	}
	c.hush(all[1], false) // its request
	for _, from := range []string{"192.0.2.1/32", "192.0.2.2/32"} {
		all = append(all, come(from))
	}
	if goes := c.hush(all[mostQuiet], true); goes != nil {
		t.Error("one goes while there is room")
	}
	if goes := c.hush(all[mostQuiet+1], true); goes != all[2] {
		t.Error("it is not the longest quiet one of the address with the most that goes")
	}
	for range 2 { // the server closes some twice
		c.leave(all[2])
	}
	if goes := c.hush(all[1], true); goes != all[3] {
		t.Error("one that is idle again is not the last to go")
	}
	for _, g := range all {
		c.leave(g)
	}
	if len(c.open) != 0 || c.quiet != 0 {
		t.Errorf("all are gone, and %d addresses and %d quiet connections are known", len(c.open), c.quiet)
	}
}

func TestNeighbourhood(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%lo": "fe80::/64",
	} {
		if got := neighbourhood(netip.MustParseAddr(ip)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", ip, got, want)
		}
	}
}
