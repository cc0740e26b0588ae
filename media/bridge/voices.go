package bridge

import (
	"slices"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// voiceDepth is how much of a voice may wait for its turn: 100 ms. More would
// be delay, so the oldest is dropped.
const voiceDepth = 800

// voiceCushion is what must wait before a voice that had run dry is heard again:
// 40 ms, so that jitter does not tear holes into it.
const voiceCushion = 320

// Voice is another leg that an output mixes in: a small queue of samples, taken at
// the pace of the output. A conference, a listener, a whisper are made of them.
type Voice struct {
	to   *Output
	pcm  [voiceDepth]int16
	n    int
	runs bool // it is heard; else it waits for its cushion
}

// voices are those of one output.
type voices []*Voice

// AddVoice gives another leg a place in what this one hears.
func (o *Output) AddVoice() *Voice {
	v := &Voice{to: o}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.others = append(o.others, v)
	return v
}

// RemoveVoice takes the place away. What still comes for it is heard by nobody.
func (o *Output) RemoveVoice(v *Voice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.others = slices.DeleteFunc(o.others, func(other *Voice) bool { return other == v })
}

// Hear mixes a packet of the other leg into what the output's leg hears next.
func (v *Voice) Hear(p *media.Packet) {
	if p.Event || len(p.Payload) > voiceDepth {
		return
	}
	v.to.mu.Lock()
	v.add(p)
	v.to.mu.Unlock()
}

func (v *Voice) add(p *media.Packet) {
	if over := v.n + len(p.Payload) - voiceDepth; over > 0 {
		v.n = copy(v.pcm[:], v.pcm[over:v.n])
	}
	v.n += codec.Decode(p.Law, v.pcm[v.n:], p.Payload)
	v.runs = v.runs || v.n >= voiceCushion
}

func (vs voices) empty() bool {
	for _, v := range vs {
		if v.runs {
			return false
		}
	}
	return true
}

// mix adds the next samples of every voice to pcm.
func (vs voices) mix(pcm []int16) {
	for _, v := range vs {
		if !v.runs {
			continue
		}
		n := min(v.n, len(pcm))
		for j, s := range v.pcm[:n] {
			pcm[j] = codec.Mix(pcm[j], s)
		}
		v.n = copy(v.pcm[:], v.pcm[n:v.n])
		v.runs = n == len(pcm)
	}
}
