package bridge

import (
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// Voice is a place at which another leg is mixed in. A listener hears the
// customer and the operator; an operator may hear a whisper.
type Voice uint8

// The voices that one output can mix over what it relays.
const (
	First Voice = iota
	Second
	voiceCount
)

// voiceDepth is how much of a voice may wait for its turn: 100 ms. More would
// be delay, so the oldest is dropped.
const voiceDepth = 800

// voices are small queues of samples, taken at the pace of the output.
type voices [voiceCount]voice

type voice struct {
	pcm [voiceDepth]int16
	n   int
}

// Overhear mixes a packet of another leg into what this one hears next.
func (o *Output) Overhear(v Voice, p *media.Packet) {
	if p.Event || len(p.Payload) > voiceDepth {
		return
	}
	o.mu.Lock()
	o.others[v].add(p)
	o.mu.Unlock()
}

func (v *voice) add(p *media.Packet) {
	if over := v.n + len(p.Payload) - voiceDepth; over > 0 {
		v.n = copy(v.pcm[:], v.pcm[over:v.n])
	}
	v.n += codec.Decode(p.Law, v.pcm[v.n:], p.Payload)
}

func (vs *voices) empty() bool {
	for i := range vs {
		if vs[i].n > 0 {
			return false
		}
	}
	return true
}

// mix adds the next samples of every voice to pcm.
func (vs *voices) mix(pcm []int16) {
	for i := range vs {
		v := &vs[i]
		n := min(v.n, len(pcm))
		for j, s := range v.pcm[:n] {
			pcm[j] = codec.Mix(pcm[j], s)
		}
		v.n = copy(v.pcm[:], v.pcm[n:v.n])
	}
}
