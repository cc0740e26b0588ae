package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// A coin that fell 1 of 10 times on one side, or less, is 2·(1+10)/1024 (the binomial sum).
func TestMcNemar(t *testing.T) {
	for _, c := range []struct {
		better, worse int
		want          float64
	}{
		{0, 0, 1}, {3, 3, 1}, {10, 0, 2.0 / 1024}, {9, 1, 22.0 / 1024}, {1, 9, 22.0 / 1024},
	} {
		if got := mcNemar(c.better, c.worse); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("mcNemar(%d, %d) = %v, want %v", c.better, c.worse, got, c.want)
		}
	}
}

// Each question counts its own calls, and what only one recipe gets wrong.
func TestPair(t *testing.T) {
	right, wrong := true, false
	one := []judged{
		{Label: "human", Kind: "business", Told: "machine"},
		{Label: "human", Told: "human", RightAtTwo: &right},
		{Label: "machine", Told: "human", Through: true},
		{Label: "fax", Told: "fax"},
	}
	two := []judged{
		{Label: "human", Kind: "business", Told: "human"},
		{Label: "human", Told: "machine", RightAtTwo: &wrong},
		{Label: "machine", Told: "machine", Through: true},
		{Label: "fax", Told: "human"},
	}
	want := map[string]pair{
		"people lost":            {count{1, 2}, count{1, 2}, 1, 1},
		"without business":       {count{0, 1}, count{1, 1}, 0, 1},
		"machines called people": {count{1, 1}, count{0, 1}, 1, 0},
		"machines put through":   {count{1, 1}, count{1, 1}, 0, 0},
		"others called people":   {count{0, 1}, count{1, 1}, 0, 1},
		"wrong at 2 s":           {count{0, 1}, count{1, 1}, 0, 1},
	}
	for _, q := range questions {
		if got := q.pair(one, two); got != want[q.name] {
			t.Errorf("%s: %+v, want %+v", q.name, got, want[q.name])
		}
	}
}

// A change that is the same for every speaker has no doubt; one that a single speaker makes has.
func TestBootstrap(t *testing.T) {
	var one, even, lone []judged
	for i := range 20 {
		j := judged{Voice: string(rune('a' + i)), Label: "human", Loss: 0.5}
		one = append(one, j)
		j.Loss = 0.4
		even = append(even, j)
		if j.Loss = 0.5; i == 0 {
			j.Loss = -1.5
		}
		lone = append(lone, j)
	}
	if low, high := bootstrap(one, even, meanLoss); math.Abs(low+0.1) > 1e-9 || math.Abs(high+0.1) > 1e-9 {
		t.Errorf("interval [%v, %v], want -0.1 without doubt", low, high)
	}
	if low, high := bootstrap(one, lone, meanLoss); low > -0.1 || high < 0 {
		t.Errorf("interval [%v, %v], want one with 0 in it", low, high)
	}
}

// Recipes that judged other calls are not compared.
func TestCompareOtherCalls(t *testing.T) {
	write := func(name, line string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	a := write("a", `{"By":"speaker","File":"1.wav","Label":"human","Told":"human"}`)
	b := write("b", `{"By":"speaker","File":"2.wav","Label":"human","Told":"human"}`)
	if err := compare(a, a); err != nil {
		t.Errorf("the same calls: %v", err)
	}
	if err := compare(a, b); err == nil {
		t.Error("other calls: no error")
	}
	if err := compare(a, write("c", "{")); err == nil {
		t.Error("half a line: no error")
	}
}
