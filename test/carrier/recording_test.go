package carrier

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// received keeps the packets of a call.
type received struct {
	mu      sync.Mutex
	packets []phone.Packet
}

func (r *received) hear(p *phone.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := *p
	own.PCM, own.Payload = slices.Clone(p.PCM), slices.Clone(p.Payload)
	r.packets = append(r.packets, own)
}

// pcm is what came, in the order of the timestamps.
func (r *received) pcm() (pcm []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(r.packets, func(a, b phone.Packet) int { return int(int32(a.Timestamp - b.Timestamp)) })
	for _, p := range r.packets {
		pcm = append(pcm, p.PCM...)
	}
	return pcm
}

// record calls a number where a recording is played, and waits for its end.
func record(t *testing.T, rec Recording) (*received, *phone.Call, []Event) {
	t.Helper()
	f := start(t, Config{Behave: behave(Behaviour{Kind: Recorded, Recording: &rec})}, phone.Config{})
	r := &received{}
	c := f.dial(t, phone.Dial{Number: "+15550001", Listen: r.hear})
	wait(t, c.Done(), "end")
	return r, c, f.stop()
}

// asSent is what is left of samples after G.711.
func asSent(law phone.Law, pcm []int16) []int16 {
	b := make([]byte, len(pcm))
	law.Encode(b, pcm)
	out := make([]int16, len(b))
	law.Decode(out, b)
	return out
}

// A recording comes sample for sample, in either law, in order or not.
func TestRecordingIsPlayedAsItIs(t *testing.T) {
	t.Parallel()
	sound := Speech(1, time.Second, true)
	for name, rec := range map[string]Recording{
		"mu-law":      {Law: phone.PCMU, Path: phone.Path{Plain: true}},
		"A-law":       {Law: phone.PCMA, Path: phone.Path{Plain: true}},
		"jitter":      {Path: phone.Path{Plain: true, Seed: 1, Jitter: 100 * time.Millisecond}, Stays: 200 * time.Millisecond},
		"early media": {Answer: 500 * time.Millisecond, Path: phone.Path{Plain: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec.Sound = sound
			r, _, _ := record(t, rec)
			got, want := r.pcm(), asSent(rec.Law, sound)
			if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
				t.Errorf("%d samples came that are not the %d of the recording", len(got), len(want))
			}
			overtaken := false
			for i := 1; i < len(r.packets); i++ {
				overtaken = overtaken || r.packets[i].At.Before(r.packets[i-1].At)
			}
			if overtaken != (rec.Path.Jitter > 0) {
				t.Errorf("packets overtake others: %v, with a jitter of %v", overtaken, rec.Path.Jitter)
			}
		})
	}
}

func TestRecordingOverALossyPath(t *testing.T) {
	t.Parallel()
	r, _, events := record(t, Recording{Sound: Speech(1, 3*time.Second, true), Path: phone.Path{Seed: 1, Loss: 0.2}})
	sent := 150.0
	if n := float64(len(r.packets)); n < 0.7*sent || n > 0.9*sent {
		t.Errorf("%v of %v packets came, want about 80 %%", n, sent)
	}
	for _, e := range events {
		if e.Event == "fault" {
			t.Errorf("fault = %+v", e)
		}
	}
}

// In a pause nothing is sent; the packet after it says so and is in its place.
func TestRecordingWithPauses(t *testing.T) {
	t.Parallel()
	hello := Speech(1, 400*time.Millisecond, false)
	r, _, _ := record(t, Recording{Sound: slices.Concat(hello, quiet(time.Second), hello), Path: phone.Path{Pauses: true}})
	var after *phone.Packet
	for i := 1; i < len(r.packets); i++ {
		if r.packets[i].Timestamp-r.packets[i-1].Timestamp > 2*phone.FrameSamples {
			after = &r.packets[i]
		}
	}
	switch {
	case after == nil:
		t.Fatalf("%d packets without a gap", len(r.packets))
	case !after.Marker:
		t.Error("no marker after the pause")
	case after.Timestamp-r.packets[0].Timestamp < 11000 || after.Timestamp-r.packets[0].Timestamp > 11400:
		t.Errorf("the packet after the pause is %d samples after the first, want 11,200", after.Timestamp-r.packets[0].Timestamp)
	}
	if n := len(r.packets); n > 55 {
		t.Errorf("%d packets, want 20, 10 of the pause and 20", n)
	}
}

// What a recorded end hears is written down, but for the operator's tone.
func TestRecordingHearsSounds(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: Recorded, Recording: &Recording{Sound: quiet(2 * time.Second), Talks: time.Second}})}, phone.Config{})
	c := f.call(t, "+15550001")
	wait(t, c.Answered(), "answer")
	wait(t, c.Audio.Play(&phone.Clip{Samples: Tones(8000, 300*time.Millisecond, 500)}), "message")
	c.Audio.Play(&phone.Tone{Hz: 1100, Peak: 8000})
	wait(t, c.Done(), "end")
	events := f.stop()
	sounds, tones := of(events, c.ID, "sound"), of(events, c.ID, "first_tone")
	if len(tones) != 1 || len(sounds) == 0 {
		t.Fatalf("sound = %+v, first_tone = %+v, want the sound and one tone", sounds, tones)
	}
	if s := sounds[0]; !s.FirstAt.Before(s.LastAt) {
		t.Errorf("sound from %v to %v", s.FirstAt, s.LastAt)
	}
	for _, s := range sounds { // of a machine that stood still they are in pieces
		if s.LastAt.After(tones[0].T) {
			t.Errorf("sound from %v to %v, the tone after it at %v", s.FirstAt, s.LastAt, tones[0].T)
		}
	}
}
