package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// bench prints one table: the classic rule as it comes and tuned, and ours.
func bench(how recipe) error {
	calls, err := readAll(how)
	if err != nil {
		return err
	}
	listen(calls, how)
	cross(calls, how)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "set\tdetector\tpeople called machine\twithout business\tmachines called people\tput through\tright\tperson told after p50\tp90")
	for _, set := range sets {
		for _, d := range []struct {
			name  string
			judge func(*call) verdict
		}{
			{"classic", func(c *call) verdict { return theirs(c, newClassic()) }},
			{"classic, tuned here", func(c *call) verdict { return theirs(c, tunedClassic()) }},
			{"ours, speakers kept back", func(c *call) verdict { return ours(c, c.forest) }},
		} {
			r := newResult()
			for _, c := range calls {
				if filepath.Base(filepath.Dir(filepath.Dir(c.file))) == set {
					r.add(c, d.judge(c))
				}
			}
			fmt.Fprintf(w, "%s\t%s\t%v\t%v\t%v\t%v\t%v\t%v\t%v\n", set, d.name, r.lost, r.lostHome, r.slipped, r.through, r.right,
				r.percentile(0.5).Round(time.Millisecond), r.percentile(0.9).Round(time.Millisecond))
		}
	}
	fmt.Fprintln(w, "Put through: held to be a person at some time, perhaps until the beep. Person told after: from the first syllable.")
	fmt.Fprintln(w, "Shares with their 95 % intervals. The calls are composed, not recorded on a line:")
	fmt.Fprintln(w, "the table ranks detectors, it foretells nothing about live calls. Ours learnt here from other speakers only (five folds).")
	return w.Flush()
}

func theirs(c *call, rule *classic) verdict {
	from := int(c.answer.Seconds() * media.SampleRate)
	for pcm := c.pcm[min(from, len(c.pcm)):]; len(pcm) >= media.SamplesPerFrame; pcm = pcm[media.SamplesPerFrame:] {
		rule.hear(pcm[:media.SamplesPerFrame])
	}
	return verdict{rule.label, c.answer + rule.at, rule.label == "human"}
}
