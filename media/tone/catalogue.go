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
