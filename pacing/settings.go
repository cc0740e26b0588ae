package pacing

import (
	"errors"
	"fmt"
	"time"
)

// The defaults of Settings, and what the numbers may be.
const (
	defaultMaxRatio      = 10.0
	defaultLimit         = 0.03
	maxLimit             = 0.05
	defaultConnectWithin = 2 * time.Second
	defaultRingTimeout   = 25 * time.Second
	defaultRingMin       = 15 * time.Second
)

// Validate names what cannot be followed, by the key a manager knows. Zero means
// the default and is always valid.
func (s Settings) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	switch s.Mode {
	case "", Preview, Progressive, Ratio, Predictive:
	default:
		check(false, "mode: %q is none of preview, progressive, ratio, predictive", s.Mode)
	}
	switch s.Clock {
	case "", FromVerdict, FromAnswer:
	default:
		check(false, "clock: %q is neither detect nor answer", s.Clock)
	}
	check(s.Ratio == 0 || s.Ratio >= 1, "ratio: %v is below 1", s.Ratio)
	check(s.MinRatio >= 0, "min_ratio: %v is negative", s.MinRatio)
	check(s.MaxRatio == 0 || s.MaxRatio >= 1, "max_ratio: %v is below 1", s.MaxRatio)
	check(s.MaxRatio == 0 || s.MinRatio <= s.MaxRatio, "min_ratio: %v is above max_ratio %v", s.MinRatio, s.MaxRatio)
	check(s.Limit >= 0 && s.Limit <= maxLimit, "limit: %v is not in (0, %v]", s.Limit, maxLimit)
	check(s.DetectorLoss >= 0 && s.DetectorLoss < 1, "detector_loss: %v is not in [0, 1)", s.DetectorLoss)
	check(s.TargetUtilisation >= 0 && s.TargetUtilisation <= 1, "target_utilisation: %v is not in [0, 1]", s.TargetUtilisation)
	check(s.ConnectWithin >= 0, "connect_within: %v is negative", s.ConnectWithin)
	check(s.RingTimeout >= 0, "ring_timeout: %v is negative", s.RingTimeout)
	check(s.RingMin >= 0, "ring_min: %v is negative", s.RingMin)
	return errors.Join(errs...)
}

// withDefaults fills zero values, and holds others in the range where the
// arithmetic is sound and the law is kept, whatever was configured.
func (s Settings) withDefaults() Settings {
	if s.Mode == "" {
		s.Mode = Progressive
	}
	if s.Clock == "" {
		s.Clock = FromVerdict
	}
	if !(s.Ratio >= 1) {
		s.Ratio = 1
	}
	if !(s.MaxRatio > 0) {
		s.MaxRatio = defaultMaxRatio
	}
	if !(s.MinRatio > 0) {
		s.MinRatio = 0
	}
	s.MinRatio = min(s.MinRatio, s.MaxRatio)
	if !(s.Limit > 0) {
		s.Limit = defaultLimit
	}
	s.Limit = min(s.Limit, maxLimit)
	if !(s.DetectorLoss > 0) {
		s.DetectorLoss = 0
	}
	s.DetectorLoss = min(s.DetectorLoss, 0.9)
	if s.ConnectWithin <= 0 {
		s.ConnectWithin = defaultConnectWithin
	}
	if s.RingTimeout <= 0 {
		s.RingTimeout = defaultRingTimeout
	}
	if s.RingMin <= 0 {
		s.RingMin = defaultRingMin
	}
	return s
}
