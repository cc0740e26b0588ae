package detect

import "time"

const (
	frame = 20 * time.Millisecond

	floorStart = -45.0                 // dBFS, until the line was heard
	quietest   = -58.0                 // below it nothing is speech
	overFloor  = 7.0                   // dB above the noise is speech
	underPeak  = 28.0                  // and so is what is this far under the loudest at most
	hangover   = 3                     // frames that a syllable echoes
	shortest   = 80 * time.Millisecond // of speech; less is a click
)

// voice finds speech by its level above an adaptive noise floor and keeps the
// times of the greeting: from its first syllable on.
type voice struct {
	floor, peak float64 // dBFS
	speaking    bool
	hang        int
	now         time.Duration

	onset    time.Duration // of the first syllable
	end      time.Duration // of the last syllable
	start    time.Duration // of the present or last segment
	before   time.Duration // end of the segment before that
	segments int           // stretches of speech
	total    time.Duration // of speech
	longest  time.Duration // stretch
	pause    time.Duration // longest pause inside the greeting
}

func newVoice() voice { return voice{floor: floorStart, peak: -22} }

// restart forgets what was said but keeps what is known of the line.
func (v *voice) restart() {
	*v = voice{floor: v.floor, peak: v.peak, now: v.now}
}

// step takes the level of the next frame and for how long a tone has sounded:
// what was taken for speech since then is taken back.
func (v *voice) step(level float64, tone time.Duration) {
	v.now += frame
	v.adapt(level)
	active := level > max(v.floor+overFloor, v.peak-underPeak, quietest)
	switch {
	case tone > 0:
		v.cut(v.now - tone - frame)
	case active:
		v.hang = hangover
		v.speak(true)
	case v.hang > 0:
		v.hang--
		v.speak(false)
	default:
		v.hush()
	}
}

// cut takes back the speech of this stretch since from.
func (v *voice) cut(from time.Duration) {
	if v.speaking && v.end > from {
		keep := max(from, v.start)
		v.total -= v.end - keep
		v.end = keep
	}
	v.hang = 0
	v.hush()
}

// adapt follows the noise: down at once, up slowly, so that a pause between
// two words is enough to find it and a word is too short to raise it.
func (v *voice) adapt(level float64) {
	if level < v.floor {
		v.floor += 0.5 * (max(level, -75) - v.floor)
	} else {
		v.floor += 0.05 * min(1, (level-v.floor)/10)
	}
	if level > v.peak {
		v.peak = level
	} else {
		v.peak -= 0.02
	}
}

func (v *voice) speak(active bool) {
	if !v.speaking {
		v.speaking = true
		v.start = v.now - frame
		if v.segments == 0 {
			v.onset = v.start
		} else {
			v.pause = max(v.pause, v.start-v.end)
		}
		v.before = v.end
		v.segments++
	}
	if active {
		v.total += frame
		v.end = v.now
		v.longest = max(v.longest, v.end-v.start)
	}
}

// hush ends a stretch; a click is taken back.
func (v *voice) hush() {
	if !v.speaking {
		return
	}
	v.speaking = false
	if v.end-v.start < shortest {
		v.segments--
		v.total -= v.end - v.start
		v.end = v.before
		if v.segments == 0 {
			v.restart()
		}
	}
}

// heard says that there was speech.
func (v *voice) heard() bool { return v.segments > 0 && v.total >= shortest }

// greeting is the time from the first to the last syllable so far.
func (v *voice) greeting() time.Duration { return v.end - v.onset }

// quiet is the time since the last syllable, or since the start.
func (v *voice) quiet() time.Duration { return v.now - v.end }
