package detect

import "time"

// script keeps the last stretches of speech, to hear when something is said again word for
// word: an assistant that screens calls asks, waits for an answer, and asks again. People do
// not say a sentence twice in the same times; recordings do.
type script struct {
	lines [32]said // a ring
	n     int      // of all so far
	since int      // number of the first line after the last wait for an answer
	wait  time.Duration
}

// said is a stretch of speech.
type said struct{ start, end time.Duration }

const (
	waitAtLeast = 3500 * time.Millisecond // for an answer; messages of the network go round sooner
	waitAtMost  = 12 * time.Second
	sameWithin  = 60 * time.Millisecond // lengths and gaps of what is said again
	sameLines   = 3
	sameSpeech  = 1200 * time.Millisecond // from the first of them to the last
)

// add takes a stretch that is over.
func (s *script) add(start, end time.Duration) {
	if s.n > 0 {
		if gap := start - s.at(s.n-1).end; gap >= waitAtLeast {
			s.since, s.wait = s.n, gap
		}
	}
	s.lines[s.n%len(s.lines)] = said{start, end}
	s.n++
}

func (s *script) at(i int) said { return s.lines[i%len(s.lines)] }

// again says that what was said since the wait was said before it.
func (s *script) again() bool {
	n := s.n - s.since
	if s.since == 0 || s.wait > waitAtMost || n < sameLines || s.at(s.n-1).end-s.at(s.since).start < sameSpeech {
		return false
	}
	for from := max(0, s.n-len(s.lines)); from+n <= s.since; from++ {
		if s.same(from, s.since, n) {
			return true
		}
	}
	return false
}

// same compares the times of two runs of lines.
func (s *script) same(a, b, n int) bool {
	for i := range n {
		x, y := s.at(a+i), s.at(b+i)
		if (x.end - x.start - y.end + y.start).Abs() > sameWithin {
			return false
		}
		if i > 0 && (x.start-s.at(a+i-1).end-y.start+s.at(b+i-1).end).Abs() > sameWithin {
			return false
		}
	}
	return true
}
