package campaigns

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseScript reads the script that the console's test reads too.
func TestParseScript(t *testing.T) {
	text, err := os.ReadFile("testdata/script.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want Script
	parsed, err := os.ReadFile("testdata/script.json")
	if err == nil {
		err = json.Unmarshal(parsed, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, ParseScript(string(text))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c := (Campaign{Script: string(text)}); hasProblem(c, "script") {
		t.Errorf("a good script is refused: %v", c.Validate())
	}
}

func hasProblem(c Campaign, field string) bool {
	return c.Validate() != nil && strings.Contains(c.Validate().Error(), field+":")
}

func TestScriptProblems(t *testing.T) {
	for _, c := range []struct{ script, objections, want string }{
		{"# Greeting\nHello.\n- yes -> Need\n", "", `script: line 3: there is no stage "Need"; there are Greeting`},
		{"# A\n- -> A", "", "script: line 2: an answer has words before its arrow"},
		{"# A\n- yes -> B\n# B\n# B", "", `script: line 2: there are 2 stages "B"`},
		{"# A\n! Too dear\n- well -> C", "", `script: line 3: there is no stage "C"`},
		{"# A", "! No time\n- later -> D", `segments[0].objections: line 2: there is no stage "D"; there are A`},
		{"# A", "! No time\n# B", "segments[0].objections: line 2: a stage belongs into the script"},
		{"# A", "No time", `segments[0].objections: it begins with a line "! "`},
		{"# A\n- a list\n- of things\n- yes → A\n! No\n- a -> A", "! No\n- yes -> A", ""},
	} {
		var p problems
		Campaign{Script: c.script, Segments: []Segment{{Name: "s", Objections: c.objections}}}.validateScript(&p)
		got := ""
		for _, err := range p {
			got += err.Error() + "\n"
		}
		if len(p) > 1 || !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%q %q: %q, want %q", c.script, c.objections, got, c.want)
		}
	}
}

func TestObjectionsKeepPlaces(t *testing.T) {
	a := Campaign{Segments: []Segment{{Name: "s", Filter: "cp > 3"}}}
	b := Campaign{Segments: []Segment{{Name: "s", Filter: "cp > 3", Objections: "! Too dear"}}}
	if !a.SamePlaces(b) || b.Segments[0].Objections == "" || b.ObjectionsOf("s") != "! Too dear" || b.ObjectionsOf("t") != "" {
		t.Errorf("objections move no lead: %v", b)
	}
}
