package operator

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the state table into the package doc")

// begin is when every shift of these tests begins.
var begin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// happening is an event with the word that the state table has for it.
type happening struct {
	word  string
	event func(o *Operator) Event
}

func always(ev Event) func(*Operator) Event { return func(*Operator) Event { return ev } }

// happenings are all events, each in the variants that a state may tell apart.
var happenings = []happening{
	{"on_duty", always(OnDuty{})},
	{"leg_up", always(LegUp{})},
	{"leg_away", always(LegAway{})},
	{"leg_down", always(LegDown{})},
	{"ready", always(SetReady{})},
	{"pause", always(Pause{Reason: "lunch"})},
	{"reserve", always(Reserve{Call: "c1"})},
	{"reserve own", always(Reserve{Call: "c1", Own: true})},
	{"bridged", always(Bridged{})},
	{"stage", always(Stage{Name: StageForm})},
	{"call_over", always(CallOver{WrapUp: time.Minute})},
	{"call_over disposed", always(CallOver{})},
	{"disposed", always(Disposed{})},
	{"wrap_timeout", func(o *Operator) Event { return WrapTimeout{Since: o.since} }},
	{"off_duty", always(OffDuty{})},
}

// walk visits every situation that an operator can come to, by every event.
func walk(visit func(before Operator, h happening, after Operator, actions []Action)) {
	type situation struct {
		state, wants State
		inCall, away bool
	}
	seen := map[situation]bool{}
	var open []Operator
	note := func(o Operator) {
		if s := (situation{o.state, o.wants, o.call != "", o.away}); !seen[s] {
			seen[s] = true
			open = append(open, o)
		}
	}
	note(*New("ann", begin))
	for len(open) > 0 {
		before := open[0]
		open = open[1:]
		for _, h := range happenings {
			after := before
			actions := after.Step(before.since.Add(time.Second), h.event(&after))
			visit(before, h, after, actions)
			note(after)
		}
	}
}

// stateTable is the transitions, one line for each state.
func stateTable() []string {
	to := map[State]map[string][]State{}
	walk(func(before Operator, h happening, after Operator, _ []Action) {
		if before.state == after.state {
			return
		}
		if to[before.state] == nil {
			to[before.state] = map[string][]State{}
		}
		if !slices.Contains(to[before.state][h.word], after.state) {
			to[before.state][h.word] = append(to[before.state][h.word], after.state)
		}
	})
	var lines []string
	for _, s := range States {
		lines = append(lines, fmt.Sprintf("%-10s %s", s, arrows(to[s])))
	}
	return lines
}

// arrows writes "pause → paused; leg_down → lost": events with the same
// destinations together, in the order of happenings.
func arrows(to map[string][]State) string {
	var parts, done []string
	for _, h := range happenings {
		dest := destinations(to[h.word])
		if dest == "" || slices.Contains(done, h.word) {
			continue
		}
		var words []string
		for _, other := range happenings {
			if destinations(to[other.word]) == dest && !slices.Contains(words, other.word) {
				words = append(words, other.word)
			}
		}
		done = append(done, words...)
		parts = append(parts, strings.Join(words, ", ")+" → "+dest)
	}
	return strings.Join(parts, "; ")
}

func destinations(states []State) string {
	var words []string
	for _, s := range States {
		if slices.Contains(states, s) {
			words = append(words, string(s))
		}
	}
	return strings.Join(words, " | ")
}

// The table in the package doc is what the code does.
func TestStateTable(t *testing.T) {
	const file = "operator.go"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var block strings.Builder
	for _, line := range stateTable() {
		fmt.Fprintf(&block, "//\t%s\n", line)
	}
	from := bytes.Index(source, []byte("//\toffline"))
	to := bytes.Index(source, []byte("package operator"))
	if from < 0 || to < from {
		t.Fatalf("no state table in the package doc of %s", file)
	}
	if got := string(source[from:to]); got == block.String() {
		return
	}
	if !*update {
		t.Fatalf("the package doc differs from what the code does; go test -run TestStateTable -update writes it.\nwant:\n%s", &block)
	}
	source = slices.Concat(source[:from], []byte(block.String()), source[to:])
	if err := os.WriteFile(file, source, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every state can be reached and left.
func TestEveryStateIsUsed(t *testing.T) {
	reached, left := map[State]bool{}, map[State]bool{}
	walk(func(before Operator, _ happening, after Operator, _ []Action) {
		if before.state != after.state {
			reached[after.state], left[before.state] = true, true
		}
	})
	for _, s := range States {
		if !reached[s] || !left[s] {
			t.Errorf("%s: reached %v, left %v", s, reached[s], left[s])
		}
	}
}

// Whatever an operator does, going off duty and the end of what they do brings
// them off duty.
func TestShiftEnds(t *testing.T) {
	walk(func(_ Operator, _ happening, o Operator, _ []Action) {
		from := o.state
		now := o.since.Add(time.Minute)
		o.Step(now, OffDuty{})
		o.Step(now, CallOver{WrapUp: time.Minute})
		o.Step(now, Disposed{})
		if o.state != Offline {
			t.Errorf("off duty while %s: ends %s", from, o.state)
		}
	})
}
