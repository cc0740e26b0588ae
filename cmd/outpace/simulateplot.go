package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// The spans over which the curves of a plot are taken, in minutes.
const (
	plotSpan      = 10
	plotLeastLive = 10 // live answers in it that make a share worth drawing
)

// checkPlot refuses what cannot be drawn before the days are simulated.
func checkPlot(name string) error {
	if name != "" && !strings.EqualFold(filepath.Ext(name), ".svg") {
		return fmt.Errorf("--plot %s: the name must end in .svg", name)
	}
	return nil
}

// plotDays draws the first day of each report into a file.
func plotDays(ctx context.Context, name string, s *simulator.Scenario, reports []simulator.Report) error {
	var courses [][]simulator.Minute
	for _, r := range reports {
		sim, err := simulator.New(s, r.Paced, r.Runs[0].Seed)
		if err != nil {
			return err
		}
		for to := s.Duration.Duration() / simulateSteps; sim.Advance(to); to += s.Duration.Duration() / simulateSteps {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		courses = append(courses, sim.Course())
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(dayChart(s, reports, courses).writeSVG(out), out.Close())
}

// dayChart is the course of one day under each policy.
func dayChart(s *simulator.Scenario, reports []simulator.Report, courses [][]simulator.Minute) chart {
	c := chart{
		title:  fmt.Sprintf("%s, seed %d", s.Name, reports[0].Runs[0].Seed),
		length: s.Duration.Duration(),
		panels: []panel{
			{title: "utilisation, ten minutes", percent: true, top: 1, bottom: 0.4},
			{title: "abandoned, ten minutes; dashed: since the start", percent: true, bound: s.Limit.MaxAbandon},
			{title: "calls in flight for each operator at work"},
		},
	}
	for i, minutes := range courses {
		c.legend = append(c.legend, reports[i].Policy)
		c.panels[0].add(i, false, over(minutes, plotSpan, func(m simulator.Minute) float64 { return ratioOf(m.Busy, m.Busy+m.Idle) }))
		c.panels[1].add(i, false, over(minutes, plotSpan, abandonedShare))
		c.panels[1].add(i, true, over(minutes, len(minutes), abandonedShare))
		c.panels[2].add(i, false, over(minutes, 1, func(m simulator.Minute) float64 { return ratioOf(m.InFlight, m.AtWork()) }))
	}
	c.panels[0].fit(0.1)
	c.panels[1].fit(0.02)
	c.panels[2].fit(0.5)
	for _, e := range s.Events {
		note := e.Note
		if note == "" {
			note = e.Type
		}
		c.marks = append(c.marks, mark{e.At.Duration(), note})
	}
	return c
}

func abandonedShare(m simulator.Minute) float64 {
	if m.Live < plotLeastLive {
		return math.NaN()
	}
	return float64(m.Abandoned) / float64(m.Live)
}

// ratioOf is a/b, NaN where b is 0.
func ratioOf(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// over is a figure of the minutes up to each one, at most span of them.
func over(minutes []simulator.Minute, span int, figure func(simulator.Minute) float64) []float64 {
	values := make([]float64, len(minutes))
	var sum simulator.Minute
	for i, m := range minutes {
		sum = add(sum, m, 1)
		if i >= span {
			sum = add(sum, minutes[i-span], -1)
		}
		values[i] = figure(sum)
	}
	return values
}

// add is a and n times b.
func add(a, b simulator.Minute, n int) simulator.Minute {
	x := float64(n)
	return simulator.Minute{
		Busy: a.Busy + x*b.Busy, Idle: a.Idle + x*b.Idle, InFlight: a.InFlight + x*b.InFlight,
		Dials: a.Dials + n*b.Dials, Live: a.Live + n*b.Live, Abandoned: a.Abandoned + n*b.Abandoned,
	}
}

func (p *panel) add(colour int, dashed bool, values []float64) {
	p.curves = append(p.curves, curve{colour, dashed, values})
}

// fit sets what the axis ends with: whole multiples of a step that hold the
// curves and the bound; a share is at most 1.
func (p *panel) fit(step float64) {
	low, high := p.top, p.bound
	for _, c := range p.curves {
		for _, v := range c.values {
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	p.bottom = step * math.Floor(low/step+1e-9)
	p.top = max(step*math.Ceil(high/step-1e-9), p.bottom+step)
	if p.percent {
		p.top = min(p.top, 1)
	}
}
