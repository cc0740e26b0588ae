package detect

import "time"

const (
	frame = 20 * time.Millisecond

	floorStart  = -45.0 // dBFS, until the line was heard
	peakStart   = -40.0 // dBFS, likewise
	quietest    = -58.0 // dBFS, below it nothing is speech
	overFloor   = 9.0   // dB above the noise is speech
	underPeak   = 18.0  // dB; what is further under the loudest is another talker, or echo
	steadyRange = 5.0   // dB, what steady noise varies
	noisePurity = 0.3   // most of the power of noise that one lobe has
	leastLoud   = -38.0 // dBFS, of the loudest frame of a greeting; less is breath

	clearDB = 26.0  // dB that a voice is over the lowest level of a line without other talkers
	unheard = 120.0 // no level yet

	hangover    = 3                      // frames that a syllable echoes
	shortest    = 80 * time.Millisecond  // stretch; less is a click
	leastSpeech = 140 * time.Millisecond // in a greeting
)

// voice finds speech by its level above an adaptive noise floor and keeps the
// times of the greeting: from its first syllable on.
type voice struct {
	floor, peak float64     // dBFS
	recent      [20]float64 // levels, a ring
	purity      float64     // share of the loudest lobe, mean of about 0.2 s
	frames      int
	speaking    bool
	hang        int
	now         time.Duration

	onset    time.Duration // of the first syllable
	end      time.Duration // of the last syllable
	start    time.Duration // of the present or last segment
	before   time.Duration // end of the segment before that
	segments int           // stretches of speech
	total    time.Duration // of speech
	loudest  float64       // dBFS
	last     [2]float64    // levels before that
	mean     float64       // dBFS, of about 0.3 s
	lowest   float64       // dBFS, the lowest mean since the answer
	pace     pace
	script   script
}

func newVoice() voice {
	return voice{floor: floorStart, peak: peakStart, loudest: -120, lowest: unheard}
}

// restart forgets what was said but keeps what is known of the line.
func (v *voice) restart() {
	*v = voice{floor: v.floor, peak: v.peak, recent: v.recent, purity: v.purity, frames: v.frames, now: v.now, loudest: -120, last: v.last, mean: v.mean, lowest: v.lowest}
}

// step takes the level of the next frame, the share of its power in its loudest
// lobe, and for how long a tone has sounded: what was taken for speech since
// then is taken back.
func (v *voice) step(level, purity float64, tone time.Duration) {
	v.now += frame
	held := min(level, v.last[0], v.last[1]) // for 60 ms: a click is not
	v.last[0], v.last[1] = level, v.last[0]
	v.purity += 0.1 * (purity - v.purity)
	v.follow(level)
	if tone == 0 {
		v.adapt(level)
	}
	if v.segments > 0 {
		v.pace.envelope(level)
		v.pace.near(level, held, v.now)
	}
	active := level > max(v.floor+overFloor, v.peak-underPeak, quietest)
	switch {
	case tone > 0:
		v.cut(v.now - tone - frame)
	case active:
		v.hang = hangover
		v.speak(true)
		v.loudest = max(v.loudest, level)
		v.pace.active(purity)
	case v.hang > 0:
		v.hang--
		v.speak(false)
	default:
		v.hush()
	}
}

// follow keeps the lowest level of the line.
func (v *voice) follow(level float64) {
	if v.lowest == unheard {
		v.mean, v.lowest = max(level, -65), max(level, -65)
	}
	v.mean += 0.06 * (max(level, -65) - v.mean) // a lost packet is no pause
	v.lowest = min(v.lowest, v.mean)
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
	v.recent[v.frames%len(v.recent)] = level
	v.frames++
	if mean, is := v.stationary(); is && mean > v.floor {
		v.floor = mean
		v.cut(v.now - time.Duration(len(v.recent))*frame)
	}
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

// stationary says that the level held still for 0.4 s, as few talkers' does,
// and that no lobe stands out, as in every vowel: it is noise, of that level.
func (v *voice) stationary() (mean float64, is bool) {
	if v.frames < len(v.recent) || v.purity > noisePurity {
		return 0, false
	}
	low, high := v.recent[0], v.recent[0]
	for _, l := range v.recent {
		low, high = min(low, l), max(high, l)
		mean += l / float64(len(v.recent))
	}
	return mean, high-low < steadyRange
}

// speak begins or goes on with a stretch; a frame of hangover does not lengthen it.
func (v *voice) speak(active bool) {
	if !v.speaking {
		v.speaking = true
		v.start = v.now - frame
		if v.segments == 0 {
			v.onset = v.start
		}
		v.before = v.end
		v.segments++
	}
	if active {
		v.total += frame
		v.end = v.now
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
		return
	}
	v.pace.close(v.start, v.end)
	v.script.add(v.start, v.end)
}

// heard says that there was speech: long and loud enough to be no breath.
func (v *voice) heard() bool {
	return v.segments > 0 && v.total >= leastSpeech && v.loudest > leastLoud
}

// greeting is the time from the first to the last syllable so far.
func (v *voice) greeting() time.Duration { return v.end - v.onset }

// quiet is the time since the last syllable, or since the start.
func (v *voice) quiet() time.Duration { return v.now - v.end }
