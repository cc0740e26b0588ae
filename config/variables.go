package config

import (
	"slices"
	"strings"
	"sync"
)

// variables are all that set a key: OUTPACE_HTTP__LISTEN. What is in a list is set with the
// whole of it.
var variables = sync.OnceValue(func() (all []string) {
	for _, key := range knownKeys() {
		if !strings.Contains(key, "[]") {
			all = append(all, envPrefix+strings.ToUpper(strings.ReplaceAll(key, ".", "__")))
		}
	}
	slices.Sort(all)
	return all
})

// isKey says whether a variable sets a key.
func isKey(variable string) bool {
	_, found := slices.BinarySearch(variables(), variable)
	return found
}

func nearestVariable(variable string) string {
	best, _ := nearest(variable, variables())
	return best
}

// elsewhere are variables of the project that set no key: they say to tests, benchmarks and
// scripts what they are to do, and may be there while the product runs. Each stands for all
// that begin with it and a _.
var elsewhere = []string{
	"AXE", "BENCH", "BIN", "BRIDGED", "BROWSERS", "CALLER_ID", "COLLEAGUE", "COST", "CROWD", "DESK", "DESKS", "DUTY", "FAULTS", "FLOOD", "FLOOR",
	"INTEROP", "KILLS", "LAB", "LASTS", "LINK", "LIST", "LIVE", "LOAD", "MANAGER", "MICROPHONE", "OPERATOR", "OUTSIDE", "PAGES", "PASSWORD", "PAST",
	"PAUSE", "READ", "REQUIRE", "ROUNDS", "SECURITY", "SETUP", "TALK", "TEST",
	"TOKEN", // of people's scripts
	"TOKENS", "URL", "USER", "WIRE",
}

// usedElsewhere says whether a variable is one that the project has for something else.
func usedElsewhere(variable string) bool {
	name := strings.TrimPrefix(variable, envPrefix)
	return slices.ContainsFunc(elsewhere, func(begin string) bool { return name == begin || strings.HasPrefix(name, begin+"_") }) && !strings.Contains(name, "__")
}
