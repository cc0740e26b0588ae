package sip

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
)

// Stats are counters since the agent started, and what is open now.
type Stats struct {
	Requests         map[MessageKey]uint64 // Class is 0
	Responses        map[MessageKey]uint64
	Retransmissions  uint64 // 2xx, ACKs and finals that came or went again; those inside a transaction are not seen
	ParseErrors      uint64 // messages that were not SIP
	RefusedMessages  uint64 // messages that were not sent, or not taken, because of a control character
	LateAnswers      uint64 // 2xx after our CANCEL or after the end, each acknowledged and ended
	ForksEnded       uint64 // extra 2xx of a forked call, each acknowledged and ended
	BlockedDatagrams uint64 // refused by Allow
	BlockedConns     uint64 // TCP connections refused by Allow, or too many of one host
	FailedHandshakes uint64 // connections that TLS keys were not agreed on for, of either side
	Overflow         uint64 // messages dropped because the agent was too far behind
	Transactions     int    // client transactions now
	Legs             int    // legs now, without those that only wait for late messages
	Lingering        int    // legs that have ended and wait for late messages, 32 s each
}

// MessageKey names one counter of Stats.
type MessageKey struct {
	Method    string // a method we know, else "OTHER"
	Direction string // "in" or "out"
	Class     int    // 1..6 for responses, 0 for requests
}

type counters struct {
	parseErrors, refused, lateAnswers, forksEnded, repeated atomic.Uint64
	blockedDatagrams, blockedConns, overflow                atomic.Uint64
	failedHandshakes                                        atomic.Uint64
	transactions, legs, lingering                           atomic.Int64

	mu        sync.Mutex
	requests  map[MessageKey]uint64
	responses map[MessageKey]uint64
}

func newCounters() *counters {
	return &counters{requests: map[MessageKey]uint64{}, responses: map[MessageKey]uint64{}}
}

// knownMethod keeps the far end from making counters.
func knownMethod(method string) string {
	switch method {
	case "INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "UPDATE", "INFO",
		"PRACK", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "PUBLISH":
		return method
	}
	return "OTHER"
}

func (c *counters) request(method, direction string) {
	c.mu.Lock()
	c.requests[MessageKey{Method: knownMethod(method), Direction: direction}]++
	c.mu.Unlock()
}

func (c *counters) response(method, direction string, code int) {
	c.mu.Lock()
	c.responses[MessageKey{Method: knownMethod(method), Direction: direction, Class: min(max(code/100, 1), 6)}]++
	c.mu.Unlock()
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Requests:         maps.Clone(c.requests),
		Responses:        maps.Clone(c.responses),
		Retransmissions:  c.repeated.Load(),
		ParseErrors:      c.parseErrors.Load(),
		RefusedMessages:  c.refused.Load(),
		LateAnswers:      c.lateAnswers.Load(),
		ForksEnded:       c.forksEnded.Load(),
		BlockedDatagrams: c.blockedDatagrams.Load(),
		BlockedConns:     c.blockedConns.Load(),
		FailedHandshakes: c.failedHandshakes.Load(),
		Overflow:         c.overflow.Load(),
		Transactions:     int(c.transactions.Load()),
		Legs:             int(c.legs.Load()),
		Lingering:        int(c.lingering.Load()),
	}
}

// parseLog hears the library's log and keeps of it only that a message could
// not be parsed: the lines hold whole messages, with numbers of people in them.
type parseLog struct{ count *counters }

func (parseLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (h parseLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "failed to parse" {
		h.count.parseErrors.Add(1)
	}
	return nil
}

func (h parseLog) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h parseLog) WithGroup(string) slog.Handler      { return h }
