package plane

import (
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/rtp"
)

// watch notices when a far end goes quiet on the wire.
type watch struct {
	mu       sync.Mutex
	expected bool          // the far end is up and says that it sends
	since    time.Time     // when that began
	initial  time.Duration // how long until its first packet
	later    time.Duration // and between packets
	away     time.Duration // silence until AudioAway; 0: it is not told
	gone     bool          // AudioAway has been told
	lost     bool          // AudioLost has been told
	report   time.Time     // when the next RTCP is due
}

// expect says from when on packets are expected; false while the far end
// holds us.
func (w *watch) expect(now time.Time, expected bool, initial, later time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if expected && !w.expected {
		w.since = now
	}
	if w.report.IsZero() {
		w.report = now.Add(rtp.ReportInterval)
	}
	w.expected, w.initial, w.later = expected, initial, later
}

// quietLonger is how many times longer nothing may come from a far end that announced
// its pause by comfort noise (RFC 3389): it speaks again when somebody does there.
const quietLonger = 4

// look returns AudioAway, AudioLost or AudioBack where one is due, else nil. quiet says
// that the far end announced a pause with its last packet.
func (w *watch) look(id media.LegID, now, heard time.Time, quiet bool) media.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.expected {
		return nil
	}
	limit, since := w.later, heard
	if since.Before(w.since) {
		since = w.since
		if heard.IsZero() {
			limit = w.initial
		}
	}
	if quiet {
		limit *= quietLonger
	}
	nothing := now.Sub(since)
	switch {
	case nothing > limit && !w.lost:
		w.lost = true
		return media.AudioLost{Leg: id, For: nothing, At: now}
	case w.away > 0 && heard.After(w.since) && nothing > w.away && !w.gone && !w.lost:
		w.gone = true
		return media.AudioAway{Leg: id, At: now}
	case (w.lost || w.gone) && heard.After(w.since) && nothing <= w.backWithin(limit):
		w.lost, w.gone = false, false
		return media.AudioBack{Leg: id, At: heard}
	}
	return nil
}

// backWithin is how recent the last packet of a far end that was away must be.
func (w *watch) backWithin(limit time.Duration) time.Duration {
	if w.away > 0 {
		return w.away
	}
	return limit
}

func (w *watch) oneWay(now, heard time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.expected && now.Sub(w.since) > oneWayAfter && now.Sub(heard) > oneWayAfter
}

// expects says whether packets are to come.
func (w *watch) expects() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.expected
}

func (w *watch) reportDue(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.report.IsZero() || now.Before(w.report) {
		return false
	}
	w.report = now.Add(rtp.ReportInterval)
	return true
}
