package tone

import "time"

// Where a row of the table comes from. What a country's book leaves open, and
// rows without a book, are what its exchanges and PBXs in use do.
const (
	itu      = "ITU-T E.180 supplement 2"
	north    = "ITU-T E.180 supplement 2 and ANSI T1.401"
	sin350   = "BT SIN 350"
	tna102   = "Telecom New Zealand TNA 102"
	s002     = "ACIF S002"
	gost     = "GOST 45.223"
	pstn1    = "IDA TS PSTN 1"
	practice = "as PBXs for the country are set"
)

// country is how one country rings and refuses.
type country struct {
	code, name, source  string // code: ISO 3166-1 alpha-2
	ring, busy, reorder Pattern
}

var countries = []country{
	{"AT", "Austria", itu, one(420, 1000, 5000), one(420, 400, 400), one(420, 200, 200)},
	{"AU", "Australia", s002, pair(413, 438, 400, 200, 400, 2000), one(425, 375, 375), one(425, 375, 375)},
	{"BE", "Belgium", itu, one(425, 1000, 3000), one(425, 500, 500), one(425, 167, 167)},
	{"BG", "Bulgaria", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 250, 250)},
	{"BR", "Brazil", practice, one(425, 1000, 4000), one(425, 250, 250), one(425, 250, 250, 750, 250)},
	{"CA", "Canada", north, pair(440, 480, 2000, 4000), pair(480, 620, 500, 500), pair(480, 620, 250, 250)},
	{"CH", "Switzerland", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 200, 200)},
	{"CL", "Chile", practice, one(400, 1000, 3000), one(400, 500, 500), one(400, 200, 200)},
	{"CN", "China", itu, one(450, 1000, 4000), one(450, 350, 350), one(450, 700, 700)},
	{"CZ", "Czechia", itu, one(425, 1000, 4000), one(425, 330, 330), one(425, 165, 165)},
	{"DE", "Germany", itu, one(425, 1000, 4000), one(425, 480, 480), one(425, 240, 240)},
	{"DK", "Denmark", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 200, 200)},
	{"EE", "Estonia", itu, one(425, 1000, 4000), one(425, 300, 300), one(425, 200, 200)},
	{"ES", "Spain", practice, one(425, 1500, 3000), one(425, 200, 200), one(425, 200, 200, 200, 200, 200, 600)},
	{"FI", "Finland", practice, one(425, 1000, 4000), one(425, 300, 300), one(425, 200, 200)},
	{"FR", "France", itu, one(440, 1500, 3500), one(440, 500, 500), one(440, 250, 250)},
	{"GB", "United Kingdom", sin350, pair(400, 450, 400, 200, 400, 2000), one(400, 375, 375), one(400, 400, 350, 225, 525)},
	{"GR", "Greece", practice, one(425, 1000, 4000), one(425, 300, 300), one(425, 200, 200)},
	{"HU", "Hungary", itu, one(425, 1250, 3750), one(425, 300, 300), one(425, 300, 300)},
	{"ID", "Indonesia", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 250, 250)},
	{"IL", "Israel", practice, one(414, 1000, 3000), one(414, 500, 500), one(414, 250, 250)},
	{"IN", "India", practice, wobble(400, 25, 400, 200, 400, 2000), one(400, 750, 750), one(400, 250, 250)},
	{"IT", "Italy", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 200, 200)},
	{"JP", "Japan", practice, wobble(400, 16, 1000, 2000), one(400, 500, 500), one(400, 500, 500)},
	{"LT", "Lithuania", practice, one(425, 1000, 4000), one(425, 350, 350), one(425, 200, 200)},
	{"MX", "Mexico", practice, one(425, 1000, 4000), one(425, 250, 250), one(425, 250, 250)},
	{"MY", "Malaysia", practice, one(425, 400, 200, 400, 2000), one(425, 500, 500), one(425, 500, 500)},
	{"NL", "Netherlands", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 250, 250)},
	{"NO", "Norway", practice, one(425, 1000, 4000), one(425, 500, 500), one(425, 200, 200)},
	{"NZ", "New Zealand", tna102, pair(400, 450, 400, 200, 400, 2000), one(400, 500, 500), one(400, 250, 250)},
	{"PH", "Philippines", itu, pair(425, 480, 1000, 4000), pair(480, 620, 500, 500), pair(480, 620, 250, 250)},
	{"PL", "Poland", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 500, 500)},
	{"PT", "Portugal", practice, one(425, 1000, 5000), one(425, 500, 500), one(425, 200, 200)},
	{"RU", "Russia", gost, one(425, 1000, 4000), one(425, 350, 350), one(425, 175, 175)},
	{"SE", "Sweden", practice, one(425, 1000, 5000), one(425, 250, 250), one(425, 250, 750)},
	{"SG", "Singapore", pstn1, wobble(425, 24, 400, 200, 400, 2000), one(425, 750, 750), one(425, 250, 250)},
	{"TH", "Thailand", itu, one(420, 1000, 5000), one(400, 500, 500), one(400, 300, 300)},
	{"TW", "Taiwan", practice, pair(440, 480, 1000, 2000), pair(480, 620, 500, 500), pair(480, 620, 250, 250)},
	{"US", "United States", north, pair(440, 480, 2000, 4000), pair(480, 620, 500, 500), pair(480, 620, 250, 250)},
	{"VE", "Venezuela", itu, one(425, 1000, 4000), one(425, 500, 500), one(425, 250, 250)},
	{"ZA", "South Africa", practice, wobble(400, 33, 400, 200, 400, 2000), one(400, 500, 500), one(400, 250, 250)},
}

// europe is the row for a country that is not in the table: most of the world
// sounds like it.
const europe = "NL"

// Ringback is what a caller hears while the far phone rings. Country is an
// ISO 3166-1 alpha-2 code; one that is not in the table sounds like most of Europe.
func Ringback(country string) Pattern { return countryOf(country).ring }

// Busy is the tone of an engaged line.
func Busy(country string) Pattern { return countryOf(country).busy }

// Reorder is the tone of a network without a free path (fast busy).
func Reorder(country string) Pattern { return countryOf(country).reorder }

func countryOf(code string) (found country) {
	for _, c := range countries {
		if c.code == code {
			return c
		}
		if c.code == europe {
			found = c
		}
	}
	return found
}

// one, pair and wobble are a frequency, two together, and one whose amplitude
// swings at by Hz. Times are milliseconds on, off, on, ...
func one(hz float64, at ...int) Pattern    { return cadence(Part{Hz: [2]float64{hz}}, at) }
func pair(a, b float64, at ...int) Pattern { return cadence(Part{Hz: [2]float64{a, b}}, at) }
func wobble(hz, by float64, at ...int) Pattern {
	return cadence(Part{Hz: [2]float64{hz}, AM: AM{Hz: by, Depth: 0.9}}, at)
}

func cadence(on Part, at []int) Pattern {
	p := Pattern{Loop: true}
	for i, d := range at {
		part := Part{}
		if i%2 == 0 {
			part = on
		}
		part.For = time.Duration(d) * ms
		p.Parts = append(p.Parts, part)
	}
	return p
}
