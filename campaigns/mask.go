package campaigns

import (
	"regexp"
	"strings"
)

// MaskNumber keeps the country's beginning and the last four digits:
// "+4822***0123". Of a number that is too short to hide three digits so, it
// keeps the last two: "***23".
func MaskNumber(e164 string) string {
	const keepHead, keepTail, hidden = 5, 4, 3
	switch n := len(e164); {
	case n == 0:
		return ""
	case n >= keepHead+hidden+keepTail:
		return e164[:keepHead] + "***" + e164[n-keepTail:]
	case n >= 2+hidden:
		return "***" + e164[n-2:]
	}
	return "***"
}

// grouped is digits as people and networks write numbers: with up to three signs between
// two of them, in URLs by their codes.
var grouped = regexp.MustCompile(`(?:\+|%2[Bb])?[0-9](?:(?:[-+./() \x{a0}]|%20|%2[Bb89]){0,3}[0-9])*`)

var escapes = strings.NewReplacer("%20", "", "%2B", "", "%2b", "", "%28", "", "%29", "")

// MaskIn masks a number in a text that somebody else wrote, a carrier's reason say,
// however it is written there: grouped, without its country, as a part of an address. It
// is known by its last digits; any others stay as they are.
func MaskIn(text, e164 string) string {
	const told = 6 // digits by which a number is known
	tail := e164[max(0, len(e164)-told):]
	if tail == "" {
		return text
	}
	return grouped.ReplaceAllStringFunc(text, func(run string) string {
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, escapes.Replace(run))
		if !strings.Contains(digits, tail) {
			return run
		}
		return MaskNumber(e164)
	})
}
