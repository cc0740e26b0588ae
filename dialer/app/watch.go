package app

import (
	"fmt"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Watch counts what the product does while it runs, for who runs it in their
// own process and wants a line of progress.
type Watch struct {
	mu        sync.Mutex
	attempts  int
	outcomes  map[campaigns.Outcome]int
	operators map[campaigns.UserID]dialer.OperatorView
	busy      time.Duration // talking, wrapping
	atWork    time.Duration // the same and ready, reserved
	stopped   bool
}

// NewWatch returns a watch that has seen nothing.
func NewWatch() *Watch {
	return &Watch{outcomes: map[campaigns.Outcome]int{}, operators: map[campaigns.UserID]dialer.OperatorView{}}
}

// Notice is called by the engine's loop.
func (w *Watch) Notice(n dialer.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := n.(type) {
	case dialer.AttemptBegan:
		w.attempts++
	case dialer.CallEnded:
		w.outcomes[n.Ending.Outcome]++
	case dialer.OperatorChanged:
		w.book(w.operators[n.Operator.User], n.Operator.Since)
		w.operators[n.Operator.User] = n.Operator
	}
}

// book adds the time of a state that ended.
func (w *Watch) book(was dialer.OperatorView, until time.Time) {
	if w.stopped {
		return
	}
	busy, atWork := spent(was, until)
	w.busy += busy
	w.atWork += atWork
}

// spent is the time of a state until a moment.
func spent(was dialer.OperatorView, until time.Time) (busy, atWork time.Duration) {
	d := until.Sub(was.Since)
	switch was.State {
	case operator.Talking, operator.Wrapping:
		return d, d
	case operator.Ready, operator.Reserved:
		return 0, d
	}
	return 0, 0
}

// Stop ends the count of operators' time.
func (w *Watch) Stop(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.operators {
		w.book(v, now)
	}
	w.stopped = true
}

// Utilisation is the share of signed-in, unpaused time until now, or until Stop
// where that was before, that operators talked or wrapped up, in [0, 1].
func (w *Watch) Utilisation(now time.Time) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	busy, atWork := w.busy, w.atWork
	for _, v := range w.operators {
		if !w.stopped {
			b, a := spent(v, now)
			busy, atWork = busy+b, atWork+a
		}
	}
	if atWork <= 0 {
		return 0
	}
	return busy.Seconds() / atWork.Seconds()
}

// Line is one line of progress.
func (w *Watch) Line() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := map[operator.State]int{}
	for _, v := range w.operators {
		states[v.State]++
	}
	return fmt.Sprintf("attempts %d, connected %d, abandoned %d | ready %d, talking %d, wrapping %d, paused %d",
		w.attempts, w.outcomes[campaigns.Connected], w.outcomes[campaigns.Abandoned],
		states[operator.Ready], states[operator.Talking], states[operator.Wrapping], states[operator.Paused])
}
