package campaigns

// Audio is how the audio of an answered call was.
type Audio struct {
	Customer *LegAudio `json:"customer,omitempty"`
	Operator *LegAudio `json:"operator,omitempty" doc:"of the one who had the customer last, in this call"`
	OneWay   []OneWay  `json:"one_way,omitempty" doc:"when audio passed one way only"`
}

// LegAudio is how the audio of one side came to us. What that side meant not to send,
// in pauses, is no loss.
type LegAudio struct {
	Received      uint64  `json:"received" doc:"RTP packets"`
	Lost          uint64  `json:"lost" doc:"packets that never came, by their numbers"`
	Loss          float64 `json:"loss" doc:"their share, 0 to 1"`
	Reordered     uint64  `json:"reordered,omitempty" doc:"packets that were overtaken"`
	Repeated      uint64  `json:"repeated,omitempty" doc:"packets that came twice"`
	FarLost       uint64  `json:"far_lost,omitempty" doc:"packets of ours that did not come there, as that side reports (RTCP)"`
	JitterSeconds float64 `json:"jitter_seconds" doc:"mean of the estimate of RFC 3550"`
	RoundTrip     float64 `json:"round_trip_seconds,omitempty" doc:"by RTCP; 0 where that side reported nothing"`
	Pauses        uint64  `json:"pauses,omitempty" doc:"in which that side sent nothing on purpose"`
	PausedSeconds float64 `json:"paused_seconds,omitempty"`
	MOS           float64 `json:"mos" doc:"estimated opinion of whoever hears it, 1 to 4.5 (ITU-T G.107); 0 where nothing came"`
	Browser       bool    `json:"browser,omitempty" doc:"an operator in the browser, not at a phone"`
}

// Side is an end of a call.
type Side string

// The sides.
const (
	CustomerSide Side = "customer"
	OperatorSide Side = "operator"
)

// OneWay is a time in which one side was not heard by the other, or did not hear it.
type OneWay struct {
	Side  Side    `json:"side" enum:"customer,operator" doc:"whose leg it was"`
	Cause string  `json:"cause" enum:"nothing,elsewhere,silent,not_heard" doc:"no packets came, they came from an address that may not be taken, there was digital silence in them, that side got none of ours"`
	After float64 `json:"after_seconds" doc:"from the bridge until it was found"`
	For   float64 `json:"for_seconds,omitempty" doc:"from then on; 0: until the end"`
}
