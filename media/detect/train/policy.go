package main

import (
	"fmt"
	"slices"

	"github.com/outpace-dialer/outpace/media/detect"
)

func courseOf(clips []*clip) *detect.Course {
	c := &detect.Course{}
	for s := range c.Next {
		c.Next[s] = map[int]float64{}
	}
	count := map[[2]int]float64{}
	for _, cl := range clips {
		prev := -1
		for i := 0; i < len(cl.rows); i++ {
			f := &cl.rows[i]
			s := detect.State(f[2], f[3], cl.p[i])
			if cl.label == "human" {
				c.Persons[s]++
			}
			c.Seen[s]++
			if i >= 5 && cl.at[i]-cl.at[i-5] == 100 {
				g := &cl.rows[i-5]
				prev = detect.State(g[2], g[3], cl.p[i-5])
				count[[2]int{prev, s}]++
			}
		}
	}
	sum := map[int]float64{}
	for k, n := range count {
		sum[k[0]] += n
	}
	for k, n := range count {
		c.Next[k[0]][k[1]] = n / sum[k[0]]
	}
	for s := range c.Seen {
		c.Persons[s] /= 5
		c.Seen[s] /= 5
	}
	return c
}

func priced(clips []*clip, w detect.Prices, line float64, deadline, revise int) {
	wrong := map[string]int{}
	var h, hm, hmB, hB, m, mh, s, sh, n, nh int
	var lat []float64
	var all [5]*detect.Limits
	for fold := range 5 {
		var other []*clip
		for _, c := range clips {
			if c.fold != fold {
				other = append(other, c)
			}
		}
		all[fold] = courseOf(other).Solve(w, line)
	}
	for _, c := range clips {
		l := all[c.fold]
		got, when := "", 0
		for i, p := range c.p {
			f := &c.rows[i]
			ph, q := detect.PhasePause(f[2], f[3])
			if got == "machine" && c.at[i] > revise+c.answer {
				break
			}
			if p >= l.Person[ph][q] {
				got, when = "human", c.at[i]
				break
			}
			if got == "" && c.at[i]-c.answer >= deadline && p*w.Person >= (1-p)*w.Operator*5 {
				got, when = "human", c.at[i]
				break
			}
			if got == "" && (p <= l.Machine[ph][q] || c.at[i]-c.answer >= deadline) {
				got, when = "machine", c.at[i]
			}
		}
		key := c.label + "/" + c.subtype
		switch c.label {
		case "human":
			h++
			if c.subtype == "business" {
				hB++
			}
			if got == "machine" {
				hm++
				if c.subtype == "business" {
					hmB++
				}
				wrong[key]++
			}
			if got == "human" {
				lat = append(lat, float64(when-c.start))
			}
		case "machine":
			m++
			if got == "human" {
				mh++
				wrong[key]++
			}
		case "silence":
			s++
			if got == "human" {
				sh++
			}
		default:
			n++
			if got == "human" {
				nh++
			}
		}
	}
	slices.Sort(lat)
	q := func(p float64) float64 { return lat[int(p*float64(len(lat)-1))] }
	fmt.Printf("%v line %.3f dl %d rev %d: H>M %.1f%% nobus %.1f%% M>H %.1f%% sil>H %d/%d other>H %d/%d p50 %.0f p90 %.0f %v\n", w, line, deadline, revise,
		100*float64(hm)/float64(h), 100*float64(hm-hmB)/float64(h-hB), 100*float64(mh)/float64(m), sh, s, nh, n, q(.5), q(.9), wrong)
}

func prices(clips []*clip) {
	for _, rev := range []int{5000, 9000} {
		for _, w := range []detect.Prices{{DeadAir: 1, Operator: 1, Person: 10}, {DeadAir: 1, Operator: 1, Person: 20}, {DeadAir: 1, Operator: 1, Person: 40}, {DeadAir: 1.5, Operator: 1, Person: 20}, {DeadAir: 2, Operator: 1, Person: 20}, {DeadAir: 1.5, Operator: 1, Person: 40}} {
			for _, line := range []float64{0.02} {
				priced(clips, w, line, 5000, rev)
			}
		}
	}
}
