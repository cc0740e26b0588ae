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
	Deadline time.Duration `yaml:"deadline"` // no verdict this long after the answer is a person; default 5s
	Pause    time.Duration `yaml:"pause"`    // quiet after a short greeting that makes a person; default 640ms
	Greeting time.Duration `yaml:"greeting"` // a longer greeting without such a pause is a machine; default 2.8s
	Revise   time.Duration `yaml:"revise"`   // a machine whose greeting was shorter may yet be a person; default 4s
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
		{"pause", c.Pause, 200 * time.Millisecond, 3 * time.Second},
		{"greeting", c.Greeting, 500 * time.Millisecond, 20 * time.Second},
		{"revise", c.Revise, 500 * time.Millisecond, 20 * time.Second},
	} {
		if k.value != 0 && (k.value < k.min || k.value > k.max) {
			return fmt.Errorf("%s: %v is not between %v and %v", k.key, k.value, k.min, k.max)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Mode = cmp.Or(c.Mode, Before)
	c.Silence = cmp.Or(c.Silence, 2500*time.Millisecond)
	c.Deadline = cmp.Or(c.Deadline, 5*time.Second)
	c.Pause = cmp.Or(c.Pause, 640*time.Millisecond)
	c.Greeting = cmp.Or(c.Greeting, 2800*time.Millisecond)
	c.Revise = cmp.Or(c.Revise, 4*time.Second)
	return c
}
