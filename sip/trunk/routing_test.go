package trunk

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// market is three carriers: one for the world, one for Poland, one for Warsaw.
func market(routing string) []Config {
	world, poland, warsaw := good(), good(), good()
	world.Name, world.Cost, world.Routing = "world", 0.02, routing
	poland.Name, poland.Prefixes = "poland", []Prefix{{"+48", 0.01}, {"+4822", 0.05}, {"+49", 0.03}}
	warsaw.Name, warsaw.Prefixes = "warsaw", []Prefix{{"4822", 0.03}}
	cfgs := []Config{world, poland, warsaw}
	for i := range cfgs {
		cfgs[i].MaxCPS = 1000
		cfgs[i].Targets = []Target{{Address: fmt.Sprintf("192.0.2.%d:5060", i+1)}}
	}
	return cfgs
}

func TestRouting(t *testing.T) {
	for _, tt := range []struct{ routing, number, want string }{
		{RoutingLeastCost, "+48600100200", "poland"},
		{RoutingLeastCost, "+48221234567", "world"}, // its longest prefix is dear in Poland's list
		{RoutingLeastCost, "+4930123456", "world"},
		{RoutingLeastCost, "+12025550123", "world"},
		{RoutingWeighted, "+48600100200", "poland"},
		{RoutingWeighted, "+4930123456", "poland"},
		{RoutingWeighted, "+12025550123", "world"},
	} {
		f := newFloor(t, market(tt.routing)...)
		for range 5 {
			r, err := f.Reserve("default", tt.number, nil, "")
			if err != nil || r.Trunk != tt.want {
				t.Errorf("%s %s: %s, %v; want %s", tt.routing, tt.number, r.Trunk, err, tt.want)
			}
			f.at = f.at.Add(time.Second)
		}
	}
	// Two carriers know 4822: they share.
	f := newFloor(t, market(RoutingWeighted)...)
	shares := map[string]int{}
	for range 10 {
		r, err := f.Reserve("default", "+48221234567", nil, "")
		if err != nil {
			t.Fatal(err)
		}
		shares[r.Trunk]++
	}
	if shares["poland"] != 5 || shares["warsaw"] != 5 {
		t.Errorf("shares %v", shares)
	}
}

// Where the cheapest has no room the next takes over; where nobody has a prefix,
// that is told apart from a lack of room.
func TestRoutingOverflows(t *testing.T) {
	cfgs := market(RoutingLeastCost)
	cfgs[1].MaxChannels = 1
	f := newFloor(t, cfgs...)
	for _, want := range []string{"poland", "world"} {
		if r, err := f.Reserve("default", "+48600100200", nil, ""); err != nil || r.Trunk != want {
			t.Errorf("%s, %v; want %s", r.Trunk, err, want)
		}
	}
	f = newFloor(t, market("")[1:]...)
	if _, err := f.Reserve("default", "+12025550123", nil, ""); !errors.Is(err, ErrNoRoute) {
		t.Errorf("no prefix: %v, want ErrNoRoute", err)
	}
	f.carriers[0].targets[0].health.up, f.carriers[1].targets[0].health.up = false, false
	if _, err := f.Reserve("default", "+48600100200", nil, ""); !errors.Is(err, ErrDown) {
		t.Errorf("down: %v, want ErrDown", err)
	}
}

func TestValidateGroups(t *testing.T) {
	cfgs := market(RoutingLeastCost)
	if err := ValidateGroups(cfgs); err != nil {
		t.Error(err)
	}
	cfgs[2].Routing = RoutingWeighted
	want := `trunks[2].routing: "weighted", and another trunk of group default says "least_cost"`
	if err := ValidateGroups(cfgs); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := New(cfgs, Deps{}); err == nil {
		t.Error("New took them")
	}
	cfgs[2].Group = "other"
	if err := ValidateGroups(cfgs); err != nil {
		t.Error(err)
	}
}
