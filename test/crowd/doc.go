// Package crowd is the far ends of many calls at once: it sends G.711 packets of
// 20 ms for each and counts what comes, so cheaply that a machine can carry the
// crowd beside what it judges. Linux only.
//
// It is not a phone: no signalling, no sound, no RTCP (test/phone has those), and
// it shares no line of code with the product. A far end is a socket of the crowd
// and a port of the other side; several far ends share a socket, as the calls of a
// carrier's gateway may.
//
//	test ─► Start ─► process of its own: Serve ─┬─ each 0.5 ms: send what is due
//	     ◄── Report ◄───────────────────────────┴─ hear all that came
//
// Each packet carries in its payload who sends it, its number and when it left. The
// other side is expected to hand payloads on as they are.
package crowd

import "time"

// Sockets is how many sockets a crowd has. Each holds half a second of a thousand
// calls' packets where the system allows a buffer of 4 MiB.
const Sockets = 8

// End is one far end.
type End struct {
	Socket int // of the crowd, 0 to Sockets-1: it sends from there and hears there
	To     int // the port of the other side, on 127.0.0.1
	Peer   int // the End, by index, whose packets it should hear
}

// Report is what a crowd sent and heard in one run.
type Report struct {
	Sent     uint64 // packets
	Heard    uint64 // of them, at the far end that should hear them, each counted once
	Twice    uint64 // came again, or after a later one
	Astray   uint64 // came to another far end than their peer
	Filled   uint64 // packets that are none of ours: silence put in between
	Unfilled uint64 // of those, none: the sequence numbers of a stream that are missing
	Refused  uint64 // that the system did not take from us

	P50, P99, P999, Worst time.Duration // from the crowd's send call until the packet is back in its socket

	Late time.Duration // the worst time by which the crowd itself was late
	CPU  time.Duration // of the crowd
}

// Lost is what was sent and not heard.
func (r Report) Lost() uint64 { return r.Sent - r.Heard }
