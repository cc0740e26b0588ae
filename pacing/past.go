package pacing

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// Past is what the store remembers of a campaign.
type Past struct {
	// Counts are the live answers and the abandoned calls of the campaign, the
	// oldest first, as far back as the longest window reaches. Finer is better:
	// a quarter of an hour is what the controller itself keeps.
	Counts []Count
	// Learnt is what Controller.Learnt returned before; nil, or of another
	// version, is a cold start.
	Learnt []byte
}

// Count is what a stretch of time saw.
type Count struct {
	At        time.Time // its end
	Live      int       // live answers, the abandoned among them
	Abandoned int
}

// Picture is what a controller knows and believes at one moment.
type Picture struct {
	At        time.Time
	Segments  []SegmentPicture
	Setup     float64               // seconds from dial to ringing on the first trunk, mean
	Trunks    []estimate.TrunkDelay // the first first
	Verdict   float64               // seconds from pick-up to verdict of people, mean
	Answered  []float64             // chance that a dial of the first segment becomes a live answer in each half second of its age
	Other     []float64             // chance that it ends otherwise in each
	Talk      []float64             // chance that a talk ends in each 2 s of its age; sums to 1
	Wrap      []float64
	Back      float64 // chance that an operator is ready after a wrap-up, else pauses
	Operators []OperatorPicture
	Calls     []CallPicture // in flight
	Waiting   int           // people without an operator
	Learnt    []byte        // as Controller.Learnt gives it
	Live      int           // in the tightest window
	Abandoned int
}

// SegmentPicture is what is believed of the answers of one segment.
type SegmentPicture struct {
	Name   string
	Answer float64 // chance that a fresh dial is answered live
}

// OperatorPicture is an operator who is not off.
type OperatorPicture struct {
	ID    string
	State OperatorState
	Since time.Time
	Pace  float64 // their talks and wrap-ups last so many times as long as usual; 1 while little is known
}

// CallPicture is a call in flight.
type CallPicture struct {
	Segment int       // index in Segments
	Dialled time.Time // as if it had been on the first trunk
	Ringing time.Time // zero: not yet
}
