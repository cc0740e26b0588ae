package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
)

func readJudged(file string) (all []judged, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var j judged
		if err := json.Unmarshal(s.Bytes(), &j); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, j)
	}
	return all, nil
}

// question may go wrong for a call; asked says whether it is one of those that count.
type question struct {
	name         string
	asked, wrong func(judged) bool
}

var questions = []question{
	{"people lost", isHuman, isLost},
	{"without business", func(j judged) bool { return isHuman(j) && j.Kind != "business" }, isLost},
	{"machines called people", isMachine, isPassed},
	{"machines put through", isMachine, func(j judged) bool { return j.Through }},
	{"others called people", func(j judged) bool { return !isHuman(j) && !isMachine(j) }, isPassed},
	{"wrong at 2 s", func(j judged) bool { return j.RightAtTwo != nil }, func(j judged) bool { return !*j.RightAtTwo }},
}

func isHuman(j judged) bool   { return j.Label == "human" }
func isMachine(j judged) bool { return j.Label == "machine" }
func isPassed(j judged) bool  { return j.Told == "human" }
func isLost(j judged) bool    { return resultOf(j).lost.k > 0 }

func resultOf(all ...judged) *result {
	r := newResult()
	for _, j := range all {
		r.add(&call{label: j.Label, kind: j.Kind}, verdict{j.Told, j.After, j.Through})
	}
	return r
}

// compare prints two recipes side by side, call by call: the same calls, kept back alike.
func compare(before, after string) error {
	a, err := readJudged(before)
	if err != nil {
		return err
	}
	b, err := readJudged(after)
	if err != nil {
		return err
	}
	for _, k := range keptBacks {
		one, two := of(a, k.name), of(b, k.name)
		if !slices.EqualFunc(one, two, func(x, y judged) bool { return x.File == y.File }) {
			return fmt.Errorf("%s and %s judge other calls", before, after)
		}
		fmt.Println(k.name + "s kept back")
		for _, q := range questions {
			p := q.pair(one, two)
			fmt.Printf("  %-22s %5.1f → %5.1f %% of %d; %d better, %d worse, p %.2f\n", q.name, 100*p.was.share(), 100*p.is.share(), p.is.n, p.better, p.worse, mcNemar(p.better, p.worse))
		}
		x, y := resultOf(one...), resultOf(two...)
		fmt.Printf("  person told after p50 %.2f → %.2f s, p90 %.2f → %.2f s\n", x.percentile(0.5).Seconds(), y.percentile(0.5).Seconds(), x.percentile(0.9).Seconds(), y.percentile(0.9).Seconds())
		for _, m := range []struct {
			name string
			of   func([]judged) float64
		}{{"loss in nats", meanLoss}, {"price of a call", price}} {
			low, high := bootstrap(one, two, m.of)
			fmt.Printf("  %-22s %.3f → %.3f, change %+.3f [%+.3f, %+.3f]\n", m.name, m.of(one), m.of(two), m.of(two)-m.of(one), low, high)
		}
	}
	return nil
}

// pair is how often a question went wrong with one recipe and with another, and with only one of them.
type pair struct {
	was, is       count
	better, worse int
}

func (q question) pair(one, two []judged) (p pair) {
	for i := range one {
		if !q.asked(one[i]) {
			continue
		}
		x, y := q.wrong(one[i]), q.wrong(two[i])
		p.was.add(x)
		p.is.add(y)
		switch {
		case y && !x:
			p.worse++
		case x && !y:
			p.better++
		}
	}
	return p
}

func of(all []judged, by string) (some []judged) {
	for _, j := range all {
		if j.By == by {
			some = append(some, j)
		}
	}
	return some
}

// mcNemar is the chance that so uneven a split, or a worse one, comes of a fair coin.
func mcNemar(better, worse int) float64 {
	n, sum := better+worse, 0.0
	for k := range min(better, worse) + 1 {
		sum += math.Exp(logChoose(n, k) - float64(n)*math.Ln2)
	}
	return min(1, 2*sum)
}

func logChoose(n, k int) float64 {
	log := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return log(n) - log(k) - log(n-k)
}

// meanLoss is over people and machines.
func meanLoss(all []judged) (sum float64) {
	n := 0
	for _, j := range all {
		if isHuman(j) || isMachine(j) {
			sum += j.Loss
			n++
		}
	}
	return sum / float64(max(1, n))
}

func price(all []judged) float64 { return loss(resultOf(all...)) }

// bootstrap is the 95 % interval of a change, where other speakers might have been drawn.
func bootstrap(one, two []judged, of func([]judged) float64) (low, high float64) {
	const draws = 2000
	places := map[string][]int{}
	for i, j := range one {
		places[j.Voice] = append(places[j.Voice], i)
	}
	voices := make([][]int, 0, len(places))
	for _, p := range places {
		voices = append(voices, p)
	}
	slices.SortFunc(voices, func(a, b []int) int { return cmp.Compare(a[0], b[0]) })
	random := rand.New(rand.NewPCG(1, 2))
	changes := make([]float64, draws)
	for d := range changes {
		var x, y []judged
		for range voices {
			for _, i := range voices[random.IntN(len(voices))] {
				x, y = append(x, one[i]), append(y, two[i])
			}
		}
		changes[d] = of(y) - of(x)
	}
	slices.Sort(changes)
	return changes[draws*25/1000], changes[draws*975/1000]
}
