// Command lab learns the forest of package detect from recorded calls in
// $SHARED/audio, and compares the detector with the classic rule on them.
//
//	lab train -out weights.bin
//	lab bench
//	lab judge -out a.jsonl
//	lab compare a.jsonl b.jsonl
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outpace-dialer/outpace/media/detect"
)

func main() {
	flags := flag.NewFlagSet("lab", flag.ExitOnError)
	out := flags.String("out", "", "file for the forest; none: only measure")
	seed := flags.Uint64("seed", 1, "of all that is random")
	trees := flags.Int("trees", 120, "in the forest")
	rate := flags.Float64("rate", 0.07, "of learning")
	copies := flags.Int("copies", 4, "variations of each call")
	voiced := flags.Int("voiced", 5, "variations of each call in the voices of others")
	by := flags.String("by", "speaker", "what is kept back at a time: speaker or source")
	voices := flags.Int("made", 120, "calls with made-up voices to learn from besides")
	says := flags.Int("spoken", 0, "calls that synthesizers speak to learn from besides")
	counts := flags.Float64("spoken-weight", 1, "how much each of them counts")
	drop := flags.String("drop", "", "features to do without, with commas")
	search := flags.Int("search", 0, "tries to find better bounds")
	if len(os.Args) < 2 || !slices.Contains([]string{"train", "bench", "judge", "compare"}, os.Args[1]) {
		fmt.Fprintln(os.Stderr, "lab: say train, bench, judge or compare")
		os.Exit(2)
	}
	flags.Parse(os.Args[2:])
	how := recipe{
		trees: *trees, rate: *rate, lambda: 2, least: 2, rowShare: 0.6, columnShare: 0.5,
		copies: *copies, voiced: *voiced, own: 4, made: *voices, spoken: *says, spokenShare: float32(*counts), seed: *seed, by: (*call).voice,
	}
	if *by == "source" {
		how.by = (*call).origin
	}
	for i, n := range detect.FeatureNames {
		if !slices.Contains(strings.Split(*drop, ","), n) {
			how.columns = append(how.columns, i)
		}
	}
	run := func() error { return train(*out, how, *search) }
	switch os.Args[1] {
	case "bench":
		run = func() error { return bench(how) }
	case "judge":
		run = func() error { return judge(*out, how) }
	case "compare":
		run = func() error { return compare(flags.Arg(0), flags.Arg(1)) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// sets are the recorded calls, by the name of their folder.
var sets = []string{"public", "tune"}

// readAll is what is learnt from: the recorded calls, those with made-up voices and those that synthesizers speak.
func readAll(how recipe) (calls []*call, err error) {
	for _, set := range sets {
		c, err := readCalls(filepath.Join(os.Getenv("SHARED"), "audio", set))
		if err != nil {
			return nil, fmt.Errorf("there are no recorded calls; SHARED=FOLDER names a folder with audio/public and audio/tune: %w", err)
		}
		calls = append(calls, c...)
	}
	calls = append(calls, made(how.made, how.seed)...)
	s, err := spoken(how.spoken, how.seed)
	return append(calls, s...), err
}
