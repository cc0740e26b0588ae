package config

import (
	"fmt"
	"time"
)

// Retention is how long people's data is kept; 0, the default, is for ever.
// Do-not-call entries and the audit log are never deleted, and calls stay for as
// long as a law asks: five years where the person may be in the United States (16
// CFR 310.5) or nobody knows where, three years in Canada.
type Retention struct {
	// Leads is how long a lead is kept after it was changed or called last. Those
	// that a campaign is still to dial stay.
	Leads time.Duration `yaml:"leads"`
	// Attempts is how long it is kept who was called when, and what came of it;
	// at least 744h: rules count calls of the last 31 days.
	Attempts time.Duration `yaml:"attempts"`
	// Recordings is how long a recording is kept; at most as long as its attempt.
	Recordings time.Duration `yaml:"recordings"`
}

const day = 24 * time.Hour

func (r Retention) validate() []error {
	var errs []error
	for _, k := range []struct {
		key           string
		keep, atLeast time.Duration
		why           string
	}{
		{"leads", r.Leads, day, ""},
		{"attempts", r.Attempts, 31 * day, ": rules count calls of the last 31 days"},
		{"recordings", r.Recordings, day, ""},
	} {
		if k.keep < 0 || k.keep > 0 && k.keep < k.atLeast {
			errs = append(errs, fmt.Errorf("retention.%s: %v is below %dh%s; 0 is for ever (a year is 8760h)", k.key, k.keep, int(k.atLeast.Hours()), k.why))
		}
	}
	if r.Attempts > 0 && (r.Recordings == 0 || r.Recordings > r.Attempts) {
		errs = append(errs, fmt.Errorf("retention.recordings: %v is longer than retention.attempts (%v), and nobody finds a recording without its attempt", orForEver(r.Recordings), r.Attempts))
	}
	return errs
}

func orForEver(d time.Duration) string {
	if d == 0 {
		return "for ever"
	}
	return d.String()
}
