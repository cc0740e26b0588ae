package rtp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// ErrNoPorts means that every port of the range is in use or in quarantine.
var ErrNoPorts = errors.New("rtp: no ports")

// PoolConfig says which ports are ours.
type PoolConfig struct {
	Address    netip.Addr
	From, To   int           // even ports From..To and the odd one above each; both 0 lets the system choose
	Quarantine time.Duration // how long a used port stays closed
	Spare      int           // pairs kept open ahead of need
	Engine     Engine        // that opens the sockets; nil: the portable one
}

// Pool hands out pairs of open sockets in random order. A used port stays
// closed for the quarantine, so that late packets of a call that is over
// never reach the next one.
type Pool struct {
	cfg PoolConfig

	mu         sync.Mutex
	free       []int   // even ports, shuffled
	spare      []Ports // open, nobody's yet
	quarantine []rested
	resting    map[int]bool // ports in quarantine, where the system chooses
	used       map[int]bool // even ports that are open
}

type rested struct {
	port  int
	until time.Time
}

// Ports are the two sockets of one leg.
type Ports struct {
	rtp, rtcp socket
	Port      int // of RTP, even
}

// Close closes both sockets.
func (p Ports) Close() {
	p.rtp.close()
	p.rtcp.close()
}

// NewPool makes a pool; nothing is open before the first Refill or Take.
func NewPool(cfg PoolConfig) (*Pool, error) {
	if cfg.From < 0 || cfg.To > 65535 || cfg.From > cfg.To || !cfg.Address.IsValid() {
		return nil, fmt.Errorf("rtp: address %v, ports %d to %d: not a range", cfg.Address, cfg.From, cfg.To)
	}
	if cfg.Engine == nil {
		cfg.Engine = portable{}
	}
	p := &Pool{cfg: cfg, resting: map[int]bool{}, used: map[int]bool{}}
	for port := cfg.From + cfg.From%2; cfg.To > 0 && port+1 <= cfg.To; port += 2 {
		p.free = append(p.free, port)
	}
	rand.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	if cfg.To > 0 && len(p.free) == 0 {
		return nil, fmt.Errorf("rtp: ports %d to %d hold no pair", cfg.From, cfg.To)
	}
	return p, nil
}

// Take gives a pair of open sockets, at once where one is spare. The error is
// ErrNoPorts or that of the system.
func (p *Pool) Take(now time.Time) (Ports, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.spare); n > 0 {
		ports := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return ports, nil
	}
	return p.open(now)
}

// Refill opens spare pairs up to the configured number.
func (p *Pool) Refill(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.spare) < p.cfg.Spare {
		ports, err := p.open(now)
		if err != nil {
			return err
		}
		p.spare = append(p.spare, ports)
	}
	return nil
}

// Low says whether Refill has something to do.
func (p *Pool) Low() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.spare) < p.cfg.Spare
}

// Release closes the sockets and puts their port into quarantine.
func (p *Pool) Release(ports Ports, now time.Time) {
	ports.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest(ports.Port, now)
}

// Owns says whether port is one of ours that is open now, RTP or RTCP.
func (p *Pool) Owns(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used[port&^1]
}

// Free is how many pairs could be taken now; -1 where the system chooses.
func (p *Pool) Free(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.To == 0 {
		return -1
	}
	p.recover(now)
	return len(p.free) + len(p.spare)
}

// Close closes the spare pairs. Taken ones are their owners'.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ports := range p.spare {
		ports.Close()
	}
	p.spare = nil
}

func (p *Pool) rest(port int, now time.Time) {
	delete(p.used, port)
	p.resting[port] = true
	p.quarantine = append(p.quarantine, rested{port, now.Add(p.cfg.Quarantine)})
}

// recover takes ports out of quarantine, oldest first, each to a random place.
func (p *Pool) recover(now time.Time) {
	for len(p.quarantine) > 0 && !p.quarantine[0].until.After(now) {
		port := p.quarantine[0].port
		p.quarantine = p.quarantine[1:]
		delete(p.resting, port)
		if p.cfg.To == 0 {
			continue
		}
		p.free = append(p.free, port)
		i, last := rand.IntN(len(p.free)), len(p.free)-1
		p.free[i], p.free[last] = p.free[last], p.free[i]
	}
}

func (p *Pool) open(now time.Time) (Ports, error) {
	p.recover(now)
	if p.cfg.To == 0 {
		return p.openAny()
	}
	for len(p.free) > 0 {
		port := p.free[0]
		p.free = p.free[1:]
		ports, err := p.bind(port)
		if err == nil {
			p.used[port] = true
			return ports, nil
		}
		if !inUse(err) {
			p.free = append(p.free, port)
			return Ports{}, err
		}
		p.rest(port, now) // another program has it: try again later
	}
	return Ports{}, ErrNoPorts
}

// openAny lets the system choose a port until one comes up whose pair has rested and
// whose neighbour is free, be it the one above or the one below.
func (p *Pool) openAny() (Ports, error) {
	for range 200 {
		chosen, err := p.cfg.Engine.listen(p.cfg.Address, 0)
		if err != nil {
			return Ports{}, err
		}
		even := chosen.port() &^ 1
		if !p.resting[even] {
			if other, err := p.cfg.Engine.listen(p.cfg.Address, chosen.port()^1); err == nil {
				p.used[even] = true
				if chosen.port() == even {
					return Ports{chosen, other, even}, nil
				}
				return Ports{other, chosen, even}, nil
			}
		}
		chosen.close()
	}
	return Ports{}, ErrNoPorts
}

func (p *Pool) bind(port int) (Ports, error) {
	rtp, err := p.cfg.Engine.listen(p.cfg.Address, port)
	if err != nil {
		return Ports{}, err
	}
	rtcp, err := p.cfg.Engine.listen(p.cfg.Address, port+1)
	if err != nil {
		rtp.close()
		return Ports{}, err
	}
	return Ports{rtp, rtcp, port}, nil
}
