package detect

import "github.com/outpace-dialer/outpace/media"

// Later is a detector that is made with the first frame. Most calls that are placed are
// never heard from, and a Detector is several kB.
type Later struct {
	cfg                     Config
	answered, talking, word bool
	detector                *Detector // nil: nothing was heard
}

// NewLater makes a detector for one call, which does what one of New does.
func NewLater(cfg Config) *Later { return &Later{cfg: cfg} }

// Answered is Detector.Answered.
func (l *Later) Answered() {
	l.answered = true
	if l.detector != nil {
		l.detector.Answered()
	}
}

// Connected is Detector.Connected.
func (l *Later) Connected() {
	l.talking = true
	if l.detector != nil {
		l.detector.Connected()
	}
}

// Machine is Detector.Machine.
func (l *Later) Machine() {
	l.word = true
	if l.detector != nil {
		l.detector.Machine()
	}
}

// Hear is Detector.Hear; it allocates at the first frame.
func (l *Later) Hear(f media.Frame) (Finding, bool) {
	if l.detector == nil {
		l.detector = New(l.cfg)
		if l.answered {
			l.detector.Answered()
		}
		if l.talking {
			l.detector.Connected()
		}
		if l.word {
			l.detector.Machine()
		}
	}
	return l.detector.Hear(f)
}

// Features is Detector.Features.
func (l *Later) Features(f *Features) bool { return l.detector != nil && l.detector.Features(f) }
