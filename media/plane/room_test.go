package plane

import (
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// party are legs by name, each talking in a tone of its own.
type party struct {
	*rig
	ends map[string]*farEnd
}

func talkers(t *testing.T, change func(*Config), names ...string) *party {
	f := &party{rig: start(t, change), ends: map[string]*farEnd{}}
	for i, name := range names {
		end := newFarEnd(t, media.Law(i%2), 400*float64(i+1)+50)
		spec := localOperator
		if i == 0 || name == "outside" {
			spec = local
		}
		f.call(media.LegID(name), spec, end)
		t.Cleanup(end.keepTalking()) // before its socket closes
		f.ends[name] = end
	}
	return f
}

// hears waits until a leg hears exactly these others, for five packets in a row.
func (f *party) hears(who string, others ...string) {
	f.t.Helper()
	end := f.ends[who]
	end.forget()
	right := func(h heard) bool {
		if len(h.payload) != 160 {
			return false
		}
		for name, other := range f.ends {
			wanted := false
			for _, o := range others {
				wanted = wanted || o == name
			}
			l := level(h.payload, end.law, other.freq)
			if wanted && l < 0.6 || !wanted && l > 0.15 {
				return false
			}
		}
		return true
	}
	end.await(who+" hears only the right ones", func(got []heard) bool {
		if len(got) < 5 {
			return false
		}
		for _, h := range got[len(got)-5:] {
			if !right(h) {
				return false
			}
		}
		return true
	})
}

// together is in how many frames in a row of a recording all of these talk. A far end
// that a busy machine held up is not heard in every frame.
func (f *party) together(audio []byte, names ...string) (most int) {
	row := 0
	for ; len(audio) >= media.SamplesPerFrame; audio = audio[media.SamplesPerFrame:] {
		row++
		for _, name := range names {
			if level(audio[:media.SamplesPerFrame], media.ULaw, f.ends[name].freq) < 0.4 {
				row = 0
			}
		}
		most = max(most, row)
	}
	return most
}

func TestConference(t *testing.T) {
	dir := t.TempDir()
	f := talkers(t, func(c *Config) { c.RecordDir = dir }, "customer", "ann", "bob", "outside")
	f.Bridge("customer", "ann")
	f.Record("customer", "conference.wav")
	f.hears("customer", "ann")
	f.Confer("customer", "ann", "bob", "nobody")
	f.hears("customer", "ann", "bob")
	f.hears("ann", "customer", "bob")
	f.hears("bob", "customer", "ann")
	f.hears("outside")
	f.ends["customer"].forget()
	f.ends["customer"].await("more of the conference", func(got []heard) bool { return len(got) >= 20 })
	f.StopRecord("customer")
	recorded := next[media.Recorded](f.rig)
	_, right := channels(t, filepath.Join(dir, recorded.Path))
	if n := f.together(right, "ann", "bob"); n < 5 { // as many as the customer heard in a row
		t.Errorf("ann and bob are together in %d frames in a row of the recording", n)
	}
	f.Unbridge("ann") // the others go on
	f.hears("ann")
	f.hears("bob", "customer")
	f.Confer("customer", "ann", "bob", "outside")
	f.hears("outside", "customer", "ann", "bob")
	f.Close("bob")
	f.hears("customer", "ann", "outside")
	f.Bridge("customer", "outside")
	f.hears("outside", "customer")
	f.hears("customer", "outside")
	f.hears("ann")
	f.Close("outside")
	f.hears("customer")
}

func TestMute(t *testing.T) {
	f := talkers(t, nil, "customer", "ann", "bob")
	f.Bridge("customer", "ann")
	f.hears("customer", "ann")
	f.Mute("ann", true)
	f.hears("customer")
	f.hears("ann", "customer")
	f.Confer("customer", "ann", "bob")
	f.hears("customer", "bob")
	f.Mute("ann", false)
	f.hears("customer", "ann", "bob")
	continuous(t, f.ends["customer"].packets())
}

func TestListenWhisperBarge(t *testing.T) {
	f := talkers(t, nil, "customer", "ann", "manager", "bob")
	f.Bridge("customer", "ann")
	f.Monitor("manager", "customer", media.Listen)
	f.hears("manager", "customer", "ann")
	f.hears("customer", "ann")
	f.hears("ann", "customer")
	f.Monitor("manager", "customer", media.Whisper)
	f.hears("manager", "customer", "ann")
	f.hears("customer", "ann")
	f.hears("ann", "customer", "manager")
	f.Monitor("manager", "customer", media.Barge)
	f.hears("customer", "ann", "manager")
	f.hears("ann", "customer", "manager")
	f.Confer("customer", "ann", "bob") // whoever joins is heard, and hears
	f.hears("manager", "customer", "ann", "bob")
	f.hears("bob", "customer", "ann", "manager")
	f.Bridge("customer", "bob") // a transfer
	f.hears("manager", "customer", "bob")
	f.hears("ann")
	f.Unmonitor("manager")
	f.hears("manager")
	f.hears("bob", "customer")
	f.Monitor("manager", "customer", media.Barge)
	f.Close("manager")
	f.hears("customer", "bob")
}

// Music is heard until it is ended, over whatever comes.
func TestMusicOnHold(t *testing.T) {
	f := talkers(t, func(c *Config) {
		c.Prompts = fstest.MapFS{"hold-music.wav": {Data: pcmFile(2000, 100*time.Millisecond)}}
	}, "customer", "ann")
	f.Bridge("customer", "ann")
	f.hears("customer", "ann")
	f.Unbridge("customer")
	f.Loop("customer", "hold-music")
	music := func(h heard) bool { return len(h.payload) == 160 && level(h.payload, media.ULaw, 2000) > 0.9 }
	f.ends["customer"].forget()
	f.ends["customer"].await("a second of music without a hole", func(got []heard) bool {
		run := 0
		for _, h := range got {
			if run++; !music(h) {
				run = 0
			}
		}
		return run >= 50
	})
	f.hears("ann")
	f.Loop("customer", "")
	f.Bridge("customer", "ann")
	f.hears("customer", "ann")
	f.Loop("customer", "missing")
	f.hears("customer", "ann")
}
