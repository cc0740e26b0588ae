package detect

import (
	"cmp"
	"fmt"
	"time"
)

// Mode is when a call goes to an operator.
type Mode string

// Before waits for the verdict. With tells a person at the first speech, keeps
// listening and revises it when a machine is heard, so that the operator can
// be taken back. Off tells a person at the answer and listens no more.
const (
	Before Mode = "before"
	With   Mode = "with"
	Off    Mode = "off"
)

// Config sets one detector. The zero value is the default.
type Config struct {
	Mode     Mode          `yaml:"mode"`     // before (default), with, off
	Silence  time.Duration `yaml:"silence"`  // no speech for this long after the answer is silence; default 2.5s
	Deadline time.Duration `yaml:"deadline"` // where nothing is told so long after the answer the likelier is, on a noisy line the person; default 5s
	Revise   time.Duration `yaml:"revise"`   // a machine whose greeting was shorter may yet be a person; default 7s
	Prices   Prices        `yaml:"prices"`
}

// Validate names the first key that cannot be.
func (c Config) Validate() error {
	switch c.Mode {
	case "", Before, With, Off:
	default:
		return fmt.Errorf("mode: %q is none of before, with, off", c.Mode)
	}
	for _, k := range []struct {
		key      string
		value    time.Duration
		min, max time.Duration
	}{
		{"silence", c.Silence, 500 * time.Millisecond, 20 * time.Second},
		{"deadline", c.Deadline, time.Second, 30 * time.Second},
		{"revise", c.Revise, 500 * time.Millisecond, 20 * time.Second},
	} {
		if k.value != 0 && (k.value < k.min || k.value > k.max) {
			return fmt.Errorf("%s: %v is not between %v and %v", k.key, k.value, k.min, k.max)
		}
	}
	for _, k := range []struct {
		key   string
		price float64
	}{
		{"dead_air", c.Prices.DeadAir},
		{"operator", c.Prices.Operator},
		{"person", c.Prices.Person},
	} {
		if k.price != 0 && !(k.price >= 0.01 && k.price <= 10000) {
			return fmt.Errorf("prices: %s: %v is not between 0.01 and 10000", k.key, k.price)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Mode = cmp.Or(c.Mode, Before)
	c.Silence = cmp.Or(c.Silence, 2500*time.Millisecond)
	c.Deadline = cmp.Or(c.Deadline, 5*time.Second)
	c.Revise = cmp.Or(c.Revise, 7*time.Second)
	return c
}
