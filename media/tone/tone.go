// Package tone makes and hears the tones of a telephone line: ringback, busy,
// reorder, special information tones (SIT), fax, beeps and DTMF.
//
// It is not the answer detector: it says that a tone was heard, package detect
// says what that means.
//
//	Ringback("US") ─ Pattern ─ Play ─► Player.Fill ─► samples
//	samples ─► Ear.Hop (10 ms) ─ Spectrum ─ runs ─► SIT, fax, cadence, beep, DTMF ─► Heard
package tone
