package phone

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Path is how an end sends and what becomes of its packets on their way. The
// zero value is a clean path.
type Path struct {
	Seed   uint64
	Loss   float64       // share of the packets that get lost, in [0, 1]
	Jitter time.Duration // a packet comes late by up to this, evenly spread: some overtake others
	// Pauses sends nothing while it is quiet but one packet of comfort noise
	// (RFC 3389) at the start of each pause.
	Pauses bool
	Plain  bool // packets carry no mark: a recording is sent as it is
}

// way is a path in use.
type way struct {
	Path
	draw  *rand.Rand
	quiet int // frames in a row
}

// A pause begins after hangover frames (200 ms) under hush (root mean square).
const (
	hush      = 100
	hangover  = 10
	noiseType = 13 // comfort noise, RFC 3551
)

// Route sends over p from the next packet on.
func (a *Audio) Route(p Path) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.way = &way{Path: p, draw: rand.New(rand.NewPCG(p.Seed, 0x70617468))}
}

// pauses says that the frame in a.pcm is not sent; first asks for comfort noise
// in its place.
func (w *way) pauses(pcm []int16) (silent, first bool) {
	if w == nil || !w.Pauses {
		return false, false
	}
	if Level(pcm) >= hush {
		w.quiet = 0
		return false, false
	}
	w.quiet++
	return w.quiet > hangover, w.quiet == hangover+1
}

// resumes says that the frame is the first after a pause. It is asked before pauses.
func (w *way) resumes(pcm []int16) bool {
	return w != nil && w.Pauses && w.quiet > hangover && Level(pcm) >= hush
}

// noiseLevel is the payload of comfort noise: the level under the overload, in dB.
func noiseLevel(pcm []int16) byte {
	return byte(max(0, min(127, -20*math.Log10(max(1, Level(pcm))/32767))))
}

// deliver sends a packet over the way.
func (a *Audio) deliver(packet []byte) {
	w := a.way
	if w == nil {
		a.write(packet, a.remote)
		return
	}
	if w.draw.Float64() < w.Loss {
		return
	}
	if w.Jitter == 0 {
		a.write(packet, a.remote)
		return
	}
	later, to := slices.Clone(packet), a.remote
	time.AfterFunc(time.Duration(w.draw.Int64N(int64(w.Jitter))), func() { a.write(later, to) })
}

func (a *Audio) write(packet []byte, to netip.AddrPort) {
	// A lost packet is the network's affair; a closed socket ends the stream.
	a.conn.WriteToUDPAddrPort(packet, to) //nolint:errcheck // see above
}
