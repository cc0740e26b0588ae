package detect

import (
	"fmt"
	"time"
)

// Mode is when a call goes to an operator.
type Mode string

// Before waits for the verdict. With bridges at the first speech and takes the
// operator back from a machine. Off bridges at the answer.
const (
	Before Mode = "before"
	With   Mode = "with"
	Off    Mode = "off"
)

// Config sets one detector. The zero value is the default.
type Config struct {
	Mode     Mode          `yaml:"mode"`      // before (default), with, off
	Silence  time.Duration `yaml:"silence"`   // no sound for this long after the answer is silence; default 2.5s
	Deadline time.Duration `yaml:"deadline"`  // no verdict by then is a person, unless a machine is likely; default 5s
	Pause    time.Duration `yaml:"pause"`     // quiet after a short greeting that makes a person; default 560ms
	Greeting time.Duration `yaml:"greeting"`  // longer speech without such a pause is a machine; default 2.6s
	Revise   time.Duration `yaml:"revise"`    // a machine whose whole speech was shorter may yet be a person; default 4.5s
	Callback time.Duration `yaml:"wait_beep"` // how long after the answer a beep is listened for; default 60s
}

// Validate names the first key that cannot be.
func (c Config) Validate() error {
	switch c.Mode {
	case "", Before, With, Off:
	default:
		return fmt.Errorf("mode: %q is none of before, with, off", c.Mode)
	}
	return nil
}
