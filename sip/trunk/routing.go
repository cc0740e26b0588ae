package trunk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/outpace-dialer/outpace/sip"
)

// ErrNoRoute means that no trunk of the group takes calls to the number: its
// prefix is in nobody's list. No later time changes that.
var ErrNoRoute = sip.ErrNoRoute

// How the trunks of a group share calls.
const (
	// RoutingWeighted prefers the trunk that names the longest prefix of the number;
	// among equals, priority and weight decide.
	RoutingWeighted = "weighted"
	// RoutingLeastCost prefers the trunk that is cheapest for the number; among
	// equals, priority and weight decide.
	RoutingLeastCost = "least_cost"
)

// Prefix is a part of the world that a trunk takes calls to.
type Prefix struct {
	Prefix string  `yaml:"prefix"` // E.164, "+48" or "4822"
	Cost   float64 `yaml:"cost"`   // of a minute, in one currency for all trunks
}

// match is how a trunk takes calls to a number: by the longest of its prefixes.
type match struct {
	length int // digits of the prefix
	cost   float64
}

// matches says whether the trunk takes calls to digits, and how. One without
// prefixes takes all.
func (c *Config) matches(digits string) (match, bool) {
	if len(c.Prefixes) == 0 {
		return match{cost: c.Cost}, true
	}
	best, found := match{}, false
	for _, p := range c.Prefixes {
		prefix := strings.TrimPrefix(p.Prefix, "+")
		if strings.HasPrefix(digits, prefix) && (!found || len(prefix) > best.length) {
			best, found = match{len(prefix), p.Cost}, true
		}
	}
	return best, found
}

func (c *Config) checkRouting(refuse refusal) {
	switch c.Routing {
	case "", RoutingWeighted, RoutingLeastCost:
	default:
		refuse("routing", "%q is not weighted or least_cost", c.Routing)
	}
	if !(c.Cost >= 0) {
		refuse("cost", "%v is below 0", c.Cost)
	}
	for i, p := range c.Prefixes {
		key := fmt.Sprintf("prefixes[%d].", i)
		if digits := strings.TrimPrefix(p.Prefix, "+"); digits == "" || len(digits) > 15 || !onlyDigits(digits) {
			refuse(key+"prefix", "%q is not the beginning of a number (+48)", p.Prefix)
		}
		if !(p.Cost >= 0) {
			refuse(key+"cost", "%v is below 0", p.Cost)
		}
	}
}

// ValidateGroups checks what the trunks of a group must agree on. Errors name the
// YAML key.
func ValidateGroups(cfgs []Config) error {
	var errs []error
	said := map[string]string{}
	for i, cfg := range cfgs {
		group := cmp.Or(cfg.Group, DefaultGroup)
		switch {
		case cfg.Routing == "":
		case said[group] == "":
			said[group] = cfg.Routing
		case said[group] != cfg.Routing:
			errs = append(errs, fmt.Errorf("trunks[%d].routing: %q, and another trunk of group %s says %q", i, cfg.Routing, group, said[group]))
		}
	}
	return errors.Join(errs...)
}

// leastCost says whether the trunks of a group are chosen by cost.
func (t *Trunks) leastCost(group string) bool {
	return slices.ContainsFunc(t.carriers, func(c *carrier) bool {
		return c.cfg.Group == group && c.cfg.Routing == RoutingLeastCost
	})
}

// bestMatch keeps the candidates whose trunks fit the number best.
func bestMatch(candidates []candidate, leastCost bool) []candidate {
	better := func(a, b candidate) int {
		if leastCost {
			return cmp.Compare(a.match.cost, b.match.cost)
		}
		return b.match.length - a.match.length
	}
	best := slices.MinFunc(candidates, better)
	return slices.DeleteFunc(candidates, func(c candidate) bool { return better(c, best) != 0 })
}
