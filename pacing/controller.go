package pacing

import "time"

// forgetAfter is how long beyond the ring timeout a call without news stays on
// the floor. The engine ends every call; this keeps a lost message from blocking
// an operator's place for good.
const forgetAfter = 3 * time.Minute

// controller is the one Controller of all modes: they differ only in how many
// calls they ask for, so a change of mode keeps what was learnt.
type controller struct {
	settings Settings
	floor    floor
	model    *model
	budget   budget
	look     lookAhead
	target   target
	after    exposure
	choice   choice
	first    time.Time // the first dial; zero before
	swept    time.Time
	// Reused from one Decide to the next.
	rows      rows
	surplus   []*call
	cancelled []string
	risks     []risk // of the calls of the last Decide that are still to be placed
}

// risk is the chance of abandonment at which a call is placed, and the threshold
// that it was held against; 0 where something else ended the search.
type risk struct {
	chance, threshold float64
	room              float64 // operators free beyond the answers expected
}

// New returns a controller that knows nothing yet and is careful until it does.
// Zero values of s take the defaults named in Settings.
func New(s Settings, now time.Time) Controller {
	s = s.withDefaults()
	return &controller{
		settings: s,
		floor:    newFloor(),
		model:    newModel(now, s),
		budget:   newBudget(now, s.Windows),
		swept:    now,
	}
}

// Adjust implements Controller.
func (c *controller) Adjust(now time.Time, s Settings) {
	c.settings = s.withDefaults()
	c.budget.ledger.respan(s.Windows)
	c.model.tabulateCalls(c.settings)
	c.model.rebuildHandling(now, c.settings, &c.floor)
}

// Observe implements Controller. Events of unknown calls and events that do not
// fit are ignored: late and repeated messages are normal.
func (c *controller) Observe(now time.Time, ev Event) {
	switch ev := ev.(type) {
	case Operator:
		c.operatorChanged(now, ev)
	case Dialed:
		c.dialed(now, ev)
	case Ringing:
		if k := c.floor.calls[ev.Call]; k != nil && k.ringing.IsZero() {
			k.ringing = notAfter(ev.Since, now)
			c.model.delays.Rang(k.trunk, seconds(k.ringing, k.placed))
		}
	case Answered:
		if k := c.floor.calls[ev.Call]; k != nil && k.answered.IsZero() {
			k.answered = notAfter(ev.Since, now)
			c.model.life.ended(k, wasNobody, seconds(k.answered, k.dialled))
		}
	case Human:
		if k := c.floor.calls[ev.Call]; k != nil {
			c.humanHeard(now, k)
		}
	case Machine:
		if k := c.floor.calls[ev.Call]; k != nil {
			c.machineHeard(now, k)
		} else if ev.Talked {
			c.budget.mistaken(now, ev.Late)
		}
	case Ended:
		if k := c.floor.calls[ev.Call]; k != nil {
			c.callEnded(now, k, ev.Cause)
		}
	case Connected:
		if k := c.floor.calls[ev.Call]; k != nil {
			c.settled(now, k, ev.Late)
			if o := c.floor.operators[ev.Operator]; o != nil && o.state == Talking {
				o.segment = k.segment
			}
		}
	case Shared:
		c.budget.told(now, ev)
	case Abandoned:
		if k := c.floor.calls[ev.Call]; k != nil {
			c.settled(now, k, true)
		}
	}
}

func (c *controller) dialed(now time.Time, ev Dialed) {
	k := c.floor.dial(now, ev.Call, ev.Record, c.model.segment(ev.Segment), c.model.lift(ev.Record))
	if k != nil {
		k.trunk = c.model.delays.Dialled(ev.Trunk)
		c.model.date(k)
		c.model.life.pulse.dialled(now)
	}
	if k != nil && len(c.risks) > 0 {
		r := c.risks[0]
		c.risks = c.risks[1:]
		c.choice.placed(r.room)
		k.chance = r.chance
		if r.threshold > 0 && r.chance <= r.threshold {
			c.budget.placed(r.chance, r.threshold)
		}
	}
	if c.first.IsZero() {
		c.first = now
	}
}

// operatorChanged learns from the state that ended. Talk that ends in anything
// but wrap-up had none; work that ends neither ready nor in a call ended in a pause.
func (c *controller) operatorChanged(now time.Time, ev Operator) {
	was := c.floor.setOperator(now, ev, &c.model.paces)
	lasted := seconds(now, was.since)
	if was.state != "" {
		c.model.stages.ended(stageName{was.state, was.stage}, seconds(now, was.stageSince))
	}
	switch was.state {
	case Talking:
		c.model.talked(&was, lasted)
		if ev.State == Wrapping {
			return
		}
		if ev.State == Ready {
			c.model.wrapped(&was, 0)
		}
	case Wrapping:
		c.model.wrapped(&was, lasted)
	default:
		return
	}
	c.model.ready.Observe(ev.State == Ready || ev.State == Talking)
}

// humanHeard moves a call from flight to the people waiting.
func (c *controller) humanHeard(now time.Time, k *call) {
	if !k.human.IsZero() {
		return
	}
	c.model.ended(now, k, wasHuman)
	c.floor.land(k)
	c.floor.wait(now, k)
	c.budget.human(now, k.chance)
}

func (c *controller) machineHeard(now time.Time, k *call) {
	if k.human.IsZero() {
		c.callEnded(now, k, CauseFailed)
		return
	}
	c.budget.mistaken(now, false)
	c.floor.forget(k)
}

// callEnded drops a call that nobody will talk to. One who hung up while waiting
// was answered live, and is not abandoned.
func (c *controller) callEnded(now time.Time, k *call, cause Cause) {
	if k.human.IsZero() {
		how := wasSilent
		switch cause {
		case CauseCancelled:
			how = wasCancelled
		case CauseBusy, CauseInvalid:
			how = wasNobody
		}
		c.model.ended(now, k, how)
		c.floor.land(k)
	}
	c.floor.forget(k)
}

// settled ends the wait of a person: with an operator in time, or lost.
func (c *controller) settled(now time.Time, k *call, lost bool) {
	c.humanHeard(now, k) // where the verdict never came
	c.floor.forget(k)
	if lost {
		c.budget.lost(now)
	}
}

// sweep drops calls of which nothing has been heard for long.
func (c *controller) sweep(now time.Time) {
	if now.Sub(c.swept) < forgetAfter/6 {
		return
	}
	c.swept = now
	oldest := now.Add(-c.settings.RingTimeout - forgetAfter)
	for i := len(c.floor.inFlight) - 1; i >= 0; i-- {
		if k := c.floor.inFlight[i]; k.dialled.Before(oldest) {
			c.callEnded(now, k, CauseCancelled)
		}
	}
	for i := len(c.floor.waiting) - 1; i >= 0; i-- {
		if k := c.floor.waiting[i]; k.human.Before(oldest) {
			c.floor.forget(k)
		}
	}
}

// notAfter is t, or now where t is missing or in the future.
func notAfter(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now
	}
	return t
}
