package sip

// Stats are counters since the agent started, and what is open now.
type Stats struct {
	Requests         map[MessageKey]uint64 // Class is 0
	Responses        map[MessageKey]uint64
	Retransmissions  uint64 // messages that came or went again at our level: 2xx, ACK, finals
	ParseErrors      uint64 // messages that were not SIP
	RefusedMessages  uint64 // messages not sent because a header held a control character
	LateAnswers      uint64 // 2xx after our CANCEL or after the end, each acknowledged and ended
	ForksEnded       uint64 // extra 2xx of a forked call, each acknowledged and ended
	BlockedDatagrams uint64 // refused by Allow
	BlockedConns     uint64 // TCP connections refused by Allow
	Overflow         uint64 // messages dropped because the agent was more than 20,000 behind
	Transactions     int    // client transactions now
	Legs             int    // legs now, without those that only wait for late messages
}

// MessageKey names one counter of Stats.
type MessageKey struct {
	Method    string // a method we know, else "OTHER"
	Direction string // "in" or "out"
	Class     int    // 1..6 for responses, 0 for requests
}
