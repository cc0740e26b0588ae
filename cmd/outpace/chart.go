package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// chart is a drawing of several panels, one under the other, over one time axis.
// It is written as SVG by hand: the plotting libraries bring fonts and a rasteriser
// under licences that a product of ours does not ship.
type chart struct {
	title  string
	length time.Duration
	legend []string // names of the colours, in their order
	panels []panel
	marks  []mark
}

// panel is one pair of axes.
type panel struct {
	title   string
	percent bool    // the values are shares
	top     float64 // of the axis, which begins at bottom
	bottom  float64
	curves  []curve
	bound   float64 // drawn across, 0: none
}

// curve is a value a minute; NaN leaves a gap.
type curve struct {
	colour int
	dashed bool
	values []float64
}

// mark is something that happened.
type mark struct {
	at   time.Duration
	note string
}

// The sizes of a chart, in pixels.
const (
	chartWidth  = 1100
	chartLeft   = 70
	chartRight  = 20
	chartHead   = 80
	chartFoot   = 50
	panelHeight = 190
	panelGap    = 52
)

// chartColours can be told apart by the colour-blind (Okabe and Ito, 2008).
var chartColours = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999933"}

// writeSVG draws the chart.
func (c chart) writeSVG(out io.Writer) error {
	w := &svg{Writer: bufio.NewWriter(out)}
	height := chartHead + len(c.panels)*(panelHeight+panelGap) + chartFoot
	w.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`, chartWidth, height)
	w.printf(`<rect width="100%%" height="100%%" fill="white"/>`)
	w.text(chartLeft, 24, "start", "16", c.title)
	for i, name := range c.legend {
		x := float64(chartLeft + i*(chartWidth-chartLeft-chartRight)/max(4, len(c.legend)))
		w.printf(`<path d="M%.0f 42h22" stroke="%s" stroke-width="3"/>`, x, colour(i))
		w.text(x+28, 46, "start", "12", name)
	}
	for i, p := range c.panels {
		c.drawPanel(w, p, float64(chartHead+i*(panelHeight+panelGap)))
	}
	c.drawMarks(w, float64(height-chartFoot))
	w.printf(`</svg>`)
	if w.err != nil {
		return w.err
	}
	return w.Flush()
}

func colour(i int) string { return chartColours[i%len(chartColours)] }

// x is where a time is drawn.
func (c chart) x(at time.Duration) float64 {
	return chartLeft + (chartWidth-chartLeft-chartRight)*at.Seconds()/c.length.Seconds()
}

func (c chart) drawPanel(w *svg, p panel, y float64) {
	height := func(v float64) float64 {
		v = min(max(v, p.bottom), p.top)
		return y + panelHeight*(p.top-v)/(p.top-p.bottom)
	}
	w.text(chartLeft, y-8, "start", "13", p.title)
	step := niceStep(p.top-p.bottom, 5)
	for v := p.bottom; v <= p.top+step/100; v += step {
		w.printf(`<path d="M%d %.1fH%d" stroke="#dddddd"/>`, chartLeft, height(v), chartWidth-chartRight)
		w.text(chartLeft-6, height(v)+4, "end", "11", p.label(v))
	}
	hour := niceStep(c.length.Hours(), 12)
	for at := 0.0; at <= c.length.Hours()+1e-9; at += hour {
		x := c.x(time.Duration(at * float64(time.Hour)))
		w.printf(`<path d="M%.1f %.1fv4" stroke="#666666"/>`, x, y+panelHeight)
		w.text(x, y+panelHeight+16, "middle", "11", fmt.Sprintf("%d:%02d", int(at), int(math.Round(60*(at-math.Floor(at))))))
	}
	w.printf(`<rect x="%d" y="%.1f" width="%d" height="%d" fill="none" stroke="#666666"/>`, chartLeft, y, chartWidth-chartLeft-chartRight, panelHeight)
	if p.bound > 0 {
		w.printf(`<path d="M%d %.1fH%d" stroke="#c00000" stroke-dasharray="2 3"/>`, chartLeft, height(p.bound), chartWidth-chartRight)
	}
	for _, curve := range p.curves {
		c.drawCurve(w, curve, height)
	}
}

func (c chart) drawCurve(w *svg, curve curve, height func(float64) float64) {
	var path strings.Builder
	pen := 'M'
	for i, v := range curve.values {
		if math.IsNaN(v) {
			pen = 'M'
			continue
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", pen, c.x(time.Duration(i+1)*time.Minute), height(v))
		pen = 'L'
	}
	style := `stroke-width="1.6"`
	if curve.dashed {
		style = `stroke-width="1.2" stroke-dasharray="5 4"`
	}
	w.printf(`<path d="%s" fill="none" stroke="%s" %s/>`, path.String(), colour(curve.colour), style)
}

func (c chart) drawMarks(w *svg, bottom float64) {
	for i, m := range c.marks {
		x := c.x(m.at)
		w.printf(`<path d="M%.1f %dV%.1f" stroke="#555555" stroke-dasharray="4 3"/>`, x, chartHead, bottom-panelGap)
		anchor := "start"
		if x > chartWidth*2/3 {
			anchor = "end"
		}
		w.text(x, bottom+float64(i%3)*14, anchor, "11", m.note)
	}
}

func (p panel) label(v float64) string {
	if p.percent {
		return fmt.Sprintf("%.4g%%", 100*v)
	}
	return fmt.Sprintf("%.3g", v)
}

// niceStep is a round step of which about n fill a span.
func niceStep(span float64, n int) float64 {
	rough := span / float64(n)
	unit := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, nice := range []float64{1, 2, 2.5, 5} {
		if nice*unit >= rough {
			return nice * unit
		}
	}
	return 10 * unit
}

// svg keeps the first error.
type svg struct {
	*bufio.Writer
	err error
}

func (w *svg) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(w.Writer, format+"\n", args...); w.err == nil {
		w.err = err
	}
}

func (w *svg) text(x, y float64, anchor, size, text string) {
	var safe strings.Builder
	if err := xml.EscapeText(&safe, []byte(text)); err != nil && w.err == nil {
		w.err = err
	}
	w.printf(`<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%s">%s</text>`, x, y, anchor, size, safe.String())
}
