package pacing

import "time"

// cautious is how long after the first dial no more than cautiousRatio calls are
// in flight per free operator: nothing is known yet about late answers, and hardly
// a list has more than two live answers in three dials.
const (
	cautious      = 20 * time.Second
	cautiousRatio = 1.5
)

// searchLines bounds the search, in ceilings of lines: how far beyond its ceiling
// the controller says what it would do.
const searchLines = 2

// predictive places the next call while the chance that its answer finds no
// operator is within what the budget allows. Bringing a dial forward saves an
// operator's wait in proportion to the chance that one is free, and costs
// abandonment in proportion to the chance that none is; so the best rule is a
// threshold on that chance.
func (c *controller) predictive(now time.Time, v View, staff staffing) Decision {
	c.budget.picked = c.choice.share
	a := c.budget.account(now, c.settings, staff.atWork)
	next := c.segmentOf(v, 0)
	cancel := c.makeRoom(now, v, next, staff.free, a)
	record, lift := c.choice.pick(c.model, v.Records, c.look.room())
	next = c.segmentOf(v, record)
	threshold := c.threshold(a)
	d := Decision{
		Cancel:            cancel,
		Record:            record,
		AnswerProbability: min(1, lift*c.model.segments[next].answer),
		Threshold:         threshold,
	}
	c.after.leave = a.bearsLeaving(c.settings, staff.atWork)
	wanted, chance := c.search(now, v, next, lift, threshold, a, staff)
	d.AbandonChance = chance
	d.Wanted = c.ratio(wanted, staff)
	d.Dial = min(wanted, max(0, c.maxLines(staff)-len(c.floor.inFlight)))
	c.explain(&d, a, staff)
	return d
}

// threshold is the chance of abandonment at which the next call may still be placed.
func (c *controller) threshold(a account) float64 {
	return min(c.budget.threshold(c.settings, a), a.sure(c.settings, &c.look)) * c.target.factor()
}

// segmentOf is the segment of the i-th record; where none may be dialled now, one
// that is known.
func (c *controller) segmentOf(v View, i int) int {
	if len(v.Records) == 0 && len(c.model.segments) > 0 {
		return 0
	}
	return c.model.segment(v.record(i).Segment)
}

// prepare puts who is here and what is in flight into the look-ahead.
func (c *controller) prepare(now time.Time, next, free int) {
	l := &c.look
	l.reset(free, c.model.segments[next].level.Spread())
	l.counted = c.model.counted
	c.after = exposure{bearable: float64(free) + max(1, bearable*c.budget.rate(now))}
	c.prepareOperators(now)
	c.prepareCalls(now)
	l.finish()
}

func (c *controller) prepareOperators(now time.Time) {
	for _, o := range c.floor.staff {
		if o.rests(now) && !o.pauseRequested {
			c.hope(c.model.rested(now, o), 1)
		} else if r := c.model.comesFree(now, o); r != nil {
			c.rows.count(r)
		}
	}
	back := c.model.ready.Value()
	for _, r := range c.rows {
		free := r.times(back)
		c.hope(&free, r.n)
	}
	c.rows.clear()
}

// hope counts n operators who come free with these chances.
func (c *controller) hope(free *chances, n int) {
	c.look.addOperators(free, n)
	c.after.bearable += float64(n) * free[points-1]
}

func (c *controller) prepareCalls(now time.Time) {
	for _, k := range c.floor.inFlight {
		if k.beingCancelled(now) {
			continue
		}
		r := c.model.answers(now, k)
		lift, recovery := c.model.recovery(k.segment, seconds(now, k.dialled))
		if lift *= k.lift; lift == 1 && recovery == 1 {
			c.rows.count(r)
			continue
		}
		answered := r.times(lift)
		c.fear(&answered, 1, recovery)
	}
	for _, r := range c.rows {
		c.fear(&r.chances, r.n, 1)
	}
	c.rows.clear()
}

// fear counts n calls that are answered live with these chances, and so much more
// often once a silence ends.
func (c *controller) fear(answered *chances, n int, recovery float64) {
	c.look.addCalls(answered, n)
	c.after.add(answered, n, recovery)
}

// careful says whether the first burst is still young.
func (c *controller) careful(now time.Time) bool {
	return c.first.IsZero() || now.Sub(c.first) < cautious
}

// search counts the calls that may be placed now, before the ceiling of lines
// per operator, and returns the chance of abandonment of the one after.
func (c *controller) search(now time.Time, v View, next int, lift, threshold float64, a account, staff staffing) (int, float64) {
	flying, free := len(c.floor.inFlight), staff.free
	most := searchLines*c.maxLines(staff) - flying
	if v.Room >= 0 {
		most = min(most, v.Room+1) // one more shows that it is the room that binds
	}
	careful := c.careful(now)
	if careful {
		most = min(most, int(cautiousRatio*float64(free))-flying)
	}
	if len(c.model.segments) > 1 || len(v.Records) > 1 {
		most = min(most, 1) // the record after is another one
	}
	// One call for each free operator finds that operator there: it is never
	// worth less than progressive dialling, whatever the budget.
	floor := free - flying
	if a.open() {
		floor = max(floor, int(c.settings.MinRatio*float64(free))-flying)
	}
	more, recovery := c.model.recovery(next, 0)
	dial := c.model.segments[next].within[0].chances.times(lift * more)
	fresh := &dial
	chance := c.look.abandonChance()
	n := 0
	c.risks = c.risks[:0]
	for n < most && (n < floor || chance <= threshold && c.after.bears(fresh, recovery)) {
		n++
		c.risks = append(c.risks, risk{chance, threshold, c.look.room()})
		c.fear(fresh, 1, recovery)
		chance = c.look.abandonChance()
		threshold = min(threshold, a.sure(c.settings, &c.look)) // of all that are placed together
	}
	if careful || v.Room >= 0 && n > v.Room {
		for i := range c.risks { // it was not the threshold that ended the search
			c.risks[i].threshold = 0
		}
	}
	return n, chance
}

// explain says what binds and why.
func (c *controller) explain(d *Decision, a account, staff staffing) {
	flying := len(c.floor.inFlight)
	d.Bound = BoundFree
	switch {
	case flying+d.Dial >= c.maxLines(staff):
		d.Bound = BoundRatio
	case a.credit < a.reserve:
		d.Bound = BoundAbandonment
	}
	d.Credit, d.Live = a.credit, a.live
}
