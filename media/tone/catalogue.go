package tone

import "time"

const ms = time.Millisecond

// Sine is one frequency in Hz for d.
func Sine(hz float64, d time.Duration) Pattern { return Dual(hz, 0, d) }

// Dual is two frequencies in Hz together for d.
func Dual(a, b float64, d time.Duration) Pattern {
	return Pattern{Parts: []Part{{Hz: [2]float64{a, b}, For: d}}}
}

// Beep is the tone after which a machine records: 1,000 Hz for 200 ms.
func Beep() Pattern { return Sine(1000, 200*ms) }

// FaxCNG is the calling tone of a fax: 1,100 Hz, 0.5 s on, 3 s off (ITU-T T.30).
func FaxCNG() Pattern {
	return Pattern{Loop: true, Parts: []Part{{Hz: [2]float64{1100}, For: 500 * ms}, {For: 3 * time.Second}}}
}

// FaxCED is the answering tone of a fax: 2,100 Hz for 3 s (ITU-T T.30).
func FaxCED() Pattern { return Sine(2100, 3*time.Second) }

// progress is how one country rings and refuses (ITU-T E.180 supplement 2).
// Durations alternate on, off.
type progress struct {
	ring, busy, reorder       [2]float64
	ringAt, busyAt, reorderAt []time.Duration
}

var northAmerica = progress{
	ring: [2]float64{440, 480}, ringAt: []time.Duration{2000 * ms, 4000 * ms},
	busy: [2]float64{480, 620}, busyAt: []time.Duration{500 * ms, 500 * ms},
	reorder: [2]float64{480, 620}, reorderAt: []time.Duration{250 * ms, 250 * ms},
}

var europe = progress{
	ring: [2]float64{425}, ringAt: []time.Duration{1000 * ms, 4000 * ms},
	busy: [2]float64{425}, busyAt: []time.Duration{500 * ms, 500 * ms},
	reorder: [2]float64{425}, reorderAt: []time.Duration{250 * ms, 250 * ms},
}

// countries differ from europe. Key: ISO 3166-1 alpha-2.
var countries = map[string]progress{
	"US": northAmerica,
	"CA": northAmerica,
	"GB": {
		ring: [2]float64{400, 450}, ringAt: []time.Duration{400 * ms, 200 * ms, 400 * ms, 2000 * ms},
		busy: [2]float64{400}, busyAt: []time.Duration{375 * ms, 375 * ms},
		reorder: [2]float64{400}, reorderAt: []time.Duration{400 * ms, 350 * ms, 225 * ms, 525 * ms},
	},
	"CN": {
		ring: [2]float64{450}, ringAt: []time.Duration{1000 * ms, 4000 * ms},
		busy: [2]float64{450}, busyAt: []time.Duration{350 * ms, 350 * ms},
		reorder: [2]float64{450}, reorderAt: []time.Duration{700 * ms, 700 * ms},
	},
	"JP": {
		ring: [2]float64{384, 416}, ringAt: []time.Duration{1000 * ms, 2000 * ms},
		busy: [2]float64{400}, busyAt: []time.Duration{500 * ms, 500 * ms},
		reorder: [2]float64{400}, reorderAt: []time.Duration{500 * ms, 500 * ms},
	},
}

// Countries lists the codes that Ringback, Busy and Reorder know; any other
// code sounds like most of Europe.
func Countries() []string { return []string{"US", "CA", "GB", "CN", "JP"} }

// Ringback is what a caller hears while the far phone rings. Country is an
// ISO 3166-1 alpha-2 code.
func Ringback(country string) Pattern {
	p := progressOf(country)
	return cadence(p.ring, p.ringAt)
}

// Busy is the tone of an engaged line.
func Busy(country string) Pattern {
	p := progressOf(country)
	return cadence(p.busy, p.busyAt)
}

// Reorder is the tone of a network without a free path (fast busy).
func Reorder(country string) Pattern {
	p := progressOf(country)
	return cadence(p.reorder, p.reorderAt)
}

func progressOf(country string) progress {
	if p, ok := countries[country]; ok {
		return p
	}
	return europe
}

func cadence(hz [2]float64, at []time.Duration) Pattern {
	p := Pattern{Loop: true}
	for i, d := range at {
		part := Part{For: d}
		if i%2 == 0 {
			part.Hz = hz
		}
		p.Parts = append(p.Parts, part)
	}
	return p
}

// The four rows and columns of a keypad in Hz (ITU-T Q.23).
var (
	dtmfRows    = [4]float64{697, 770, 852, 941}
	dtmfColumns = [4]float64{1209, 1336, 1477, 1633}
	dtmfKeys    = [4]string{"123A", "456B", "789C", "*0#D"}
)

// DTMF is one key (0-9, *, #, A-D) for 100 ms with 60 ms of silence after it.
// An unknown key is silent.
func DTMF(key rune) Pattern {
	p := Pattern{Parts: []Part{{For: 100 * ms}, {For: 60 * ms}}}
	for row, keys := range dtmfKeys {
		for column, k := range keys {
			if k == key {
				p.Parts[0].Hz = [2]float64{dtmfRows[row], dtmfColumns[column]}
			}
		}
	}
	return p
}
