package bridge

import (
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// A key press in ticks of 20 ms: 100 ms pressed, its end told three times
// (RFC 4733 section 2.5.1.4), then a pause in which audio goes on.
const (
	pressTicks = 5
	endTicks   = 3
	pauseTicks = 3
)

// digits are the keys that we press towards a leg.
type digits struct {
	queue     []rune
	tick      int    // of the first of queue
	timestamp uint32 // of its start
	payload   [media.EventSize]byte
}

// SendDigits presses the keys one after the other. What is not a key
// (media.Keys) is left out.
func (o *Output) SendDigits(keys string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range strings.ToUpper(keys) {
		if strings.ContainsRune(media.Keys, key) {
			o.digits.queue = append(o.digits.queue, key)
		}
	}
}

// pressDigit sends the packet of this tick and says whether a key is down:
// then the event stands for the audio.
func (o *Output) pressDigit(now time.Time) bool {
	d := &o.digits
	if len(d.queue) == 0 {
		return false
	}
	tick := d.tick
	d.tick++
	if tick >= pressTicks+endTicks {
		if d.tick == pressTicks+endTicks+pauseTicks {
			d.queue, d.tick = d.queue[1:], 0
		}
		return false
	}
	if tick == 0 {
		d.timestamp = o.numbers.timestamp
	}
	pressed := min(tick+1, pressTicks) * media.SamplesPerFrame
	media.PutEvent(d.payload[:], d.queue[0], pressed, tick >= pressTicks)
	o.packet = media.Packet{Event: true, Marker: tick == 0, Payload: d.payload[:]}
	samples := media.SamplesPerFrame
	if now.Sub(o.relayed) <= patience {
		samples = 0 // relayed audio goes on beside the event and moves the time
	}
	o.numbers.next(&o.packet, samples)
	o.packet.Timestamp = d.timestamp
	_ = o.port.Send(&o.packet) // the next packet of the press says it again
	return true
}
