package trunk

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNumber means that a number is not digits with at most one leading "+",
// 3 to 15 digits long (ITU-T E.164). Nothing else ever reaches a carrier.
var ErrNumber = errors.New("trunk: not a phone number")

// How a carrier wants numbers to be written.
const (
	FormatE164     = "e164"     // +48221234567
	FormatDigits   = "digits"   // 48221234567
	FormatNational = "national" // 0221234567, by the rule of National
)

// National writes numbers the way one country dials them. A number that
// starts with Strip loses it and gets Prepend; any other number is foreign
// and gets International in front of its digits.
type National struct {
	Strip         string `yaml:"strip"`         // country code, digits: "48"
	Prepend       string `yaml:"prepend"`       // trunk prefix, digits: "0"; may be empty
	International string `yaml:"international"` // default "00"
}

// digitsOf checks an E.164 number, with or without its "+", and returns the
// digits.
func digitsOf(number string) (string, error) {
	digits := strings.TrimPrefix(number, "+")
	if len(digits) < 3 || len(digits) > 15 || !onlyDigits(digits) {
		return "", fmt.Errorf("%w: %d characters", ErrNumber, len(number)) // the number itself stays out of logs
	}
	return digits, nil
}

// onlyDigits says whether s has nothing but ASCII digits.
func onlyDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// write gives an E.164 number in the carrier's format.
func (c *Config) write(number string) (string, error) {
	digits, err := digitsOf(number)
	if err != nil {
		return "", err
	}
	switch c.NumberFormat {
	case FormatDigits:
		return digits, nil
	case FormatNational:
		if rest, ok := strings.CutPrefix(digits, c.National.Strip); ok {
			return c.National.Prepend + rest, nil
		}
		return c.National.International + digits, nil
	default:
		return "+" + digits, nil
	}
}
