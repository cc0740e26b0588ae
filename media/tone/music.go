package tone

import "math"

// music follows how much of the sound holds its pitch from hop to hop.
type music struct {
	hz   float64 // of the last hop's loudest lobe
	held float64 // share of loud hops, over about 3 s
}

const (
	musicHold = 1.5 // Hz
	musicRate = 1.0 / 300
)

func (u *music) step(m measure) {
	if m.level < quietest {
		u.held -= musicRate * u.held / 4
		return
	}
	holds := 0.0
	if math.Abs(m.first-u.hz) < musicHold {
		holds = 1
	}
	u.hz = m.first
	u.held += musicRate * (holds - u.held)
}
