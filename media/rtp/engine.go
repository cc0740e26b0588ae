package rtp

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// EngineName is how datagrams are moved.
type EngineName string

// The engines. Portable is a goroutine for each socket, on any system. Epoll looks
// for all sockets together, a thousand times a second: less CPU and memory, Linux only. Auto, and the empty name, is Epoll where there is it.
const (
	Auto     EngineName = "auto"
	Portable EngineName = "portable"
	Epoll    EngineName = "epoll"
)

// Validate says that there is no such engine, or not on this system.
func (n EngineName) Validate() error {
	switch n {
	case "", Auto, Portable:
		return nil
	case Epoll:
		if !haveEpoll {
			return fmt.Errorf("%q is not there on %s", n, runtime.GOOS)
		}
		return nil
	}
	return fmt.Errorf("%q is none of auto, portable, epoll", n)
}

// Engine opens the sockets of sessions and hears what comes through them.
type Engine interface {
	listen(address netip.Addr, port int) (socket, error)
	// Close ends the engine, once every socket of it is closed.
	Close()
}

// HasThreads says that the engine moves datagrams on threads of its own, which may be
// preferred.
func (n EngineName) HasThreads() bool { return haveEpoll && n != Portable }

// EngineConfig is how an engine moves datagrams. The zero value is usable.
type EngineConfig struct {
	Name   EngineName
	Shards int // on how many cores Epoll may move them; 0: on all that Go uses
	// Prefer, which may be nil, is called at the start of each goroutine that moves them,
	// and says whether the thread under it is its own from now on.
	// Portable does not call it: its goroutines share Go's threads.
	Prefer func() bool
}

// NewEngine makes an engine.
func NewEngine(cfg EngineConfig) (Engine, error) {
	name, shards := cfg.Name, cfg.Shards
	if err := name.Validate(); err != nil {
		return nil, fmt.Errorf("rtp: engine: %w", err)
	}
	if name == Portable || !haveEpoll {
		return portable{}, nil
	}
	if shards <= 0 {
		shards = runtime.GOMAXPROCS(0)
	}
	return newEpoll(shards, cfg.Prefer)
}

// socket is one UDP socket of an engine.
type socket interface {
	// serve has each datagram heard, one at a time, until close. gone is called when
	// nothing is being heard any more.
	serve(hear hearer, gone func())
	// send may be called by several, and after close.
	send(b []byte, to netip.AddrPort) error
	port() int
	close()
}

// hearer takes one datagram, which is valid until it returns.
type hearer func(b []byte, from netip.AddrPort, now time.Time)

// readBuffer holds more than a second of packets of one leg.
const readBuffer = 128 << 10

// maxDatagram is more than a packet of audio or a report ever has.
const maxDatagram = 2048
