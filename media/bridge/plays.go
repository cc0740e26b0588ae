package bridge

import (
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// Clip is a message that can be played: its samples, one byte each.
type Clip interface {
	Bytes(law media.Law) []byte
}

// plays are the clips that a leg has yet to hear, one after the other, and the
// loop that it hears where there is none.
type plays struct {
	queue []play
	at    int // samples of the first that have been heard
	loop  []byte
	turn  int // samples of the loop that have been heard in this turn
}

type play struct {
	clip Clip
	done func(cut bool)
}

// Play puts clip behind those that play already. done is called once, at its
// end or when it is cut; it must not block nor call the Output.
func (o *Output) Play(clip Clip, done func(cut bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.plays.queue = append(o.plays.queue, play{clip, done})
}

// StopPlaying cuts what plays and what waits.
func (o *Output) StopPlaying() {
	o.mu.Lock()
	cut := o.plays.queue
	o.plays.queue, o.plays.at = nil, 0
	o.mu.Unlock()
	for _, p := range cut {
		p.done(true)
	}
}

// Loop plays clip over and over until the next Loop, whenever nothing else plays;
// nil ends that.
func (o *Output) Loop(clip Clip) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.plays.loop, o.plays.turn = nil, 0
	if clip != nil {
		o.plays.loop = clip.Bytes(media.ULaw)
	}
}

func (p *plays) empty() bool { return len(p.queue) == 0 && len(p.loop) == 0 }

// mix adds the next samples to pcm; room is no shorter, for what is in between.
func (p *plays) mix(pcm, room []int16) {
	for len(pcm) > 0 && len(p.queue) > 0 {
		audio := p.queue[0].clip.Bytes(media.ULaw)
		n := min(len(pcm), len(audio)-p.at)
		add(pcm, audio[p.at:p.at+n], room)
		pcm, p.at = pcm[n:], p.at+n
		if p.at == len(audio) {
			done := p.queue[0].done
			p.queue, p.at = p.queue[1:], 0
			done(false)
		}
	}
	for len(pcm) > 0 && len(p.loop) > 0 {
		n := min(len(pcm), len(p.loop)-p.turn)
		add(pcm, p.loop[p.turn:p.turn+n], room)
		pcm, p.turn = pcm[n:], (p.turn+n)%len(p.loop)
	}
}

// add mixes µ-law audio into pcm, which is no shorter, and nor is room.
func add(pcm []int16, audio []byte, room []int16) {
	samples := room[:len(audio)]
	codec.DecodeULaw(samples, audio)
	for i, s := range samples {
		pcm[i] = codec.Mix(pcm[i], s)
	}
}
