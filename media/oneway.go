package media

import "time"

// OneWayCause is why one side of a bridge is not heard by the other, or does not hear it.
type OneWayCause string

// The causes. With the first two no RTP of the far end is taken, with SilentAudio it
// comes and nothing is in it, with NotHeard the far end says by RTCP that it gets none
// of ours.
const (
	NothingComes  OneWayCause = "nothing"   // no packets at all
	FromElsewhere OneWayCause = "elsewhere" // packets come, from a source that may not be taken: see LegSpec.Strict
	SilentAudio   OneWayCause = "silent"    // digital silence since the bridge began
	NotHeard      OneWayCause = "not_heard"
)

// OneWay says that audio passes a bridge one way only, because of Leg. It comes again
// where the cause changes; OneWayOver follows when both ways are fine again or the
// bridge ends, but for the end of the leg itself.
type OneWay struct {
	Leg   LegID
	Cause OneWayCause
	Since time.Time // the bridge began
	At    time.Time
}

// OneWayOver ends OneWay.
type OneWayOver struct {
	Leg LegID
	At  time.Time
}

func (OneWay) event()     {}
func (OneWayOver) event() {}
