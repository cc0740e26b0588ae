package pacing

import "time"

// Decide implements Controller.
func (c *controller) Decide(now time.Time, v View) Decision {
	c.sweep(now)
	c.model.refresh(now, c.settings, &c.floor)
	c.floor.inbound = max(0, v.Waiting)
	staff := c.floor.staffing(now)
	c.target.follow(now, c.settings.TargetUtilisation, staff)
	d := c.ask(now, v, staff)
	if d.Resting = staff.resting; d.Resting > 0 && d.Dial == 0 && d.Bound == BoundFree {
		d.Bound = BoundFatigue
	}
	if v.Room >= 0 && d.Dial > v.Room {
		d.Dial = v.Room
		d.Bound = v.roomBound()
	}
	d.Mode, d.Room, d.Free, d.AtWork, d.InFlight = c.settings.Mode, v.Room, staff.free, staff.atWork, len(c.floor.inFlight)
	d.Ratio = c.ratio(0, staff)
	return d
}

// ask finds the number of calls as if there were room for all of them.
func (c *controller) ask(now time.Time, v View, staff staffing) Decision {
	end := c.settings.WindowEnd
	switch {
	case c.settings.Mode == Preview:
		return Decision{Bound: BoundFree}
	case !end.IsZero() && !now.Before(end):
		return Decision{Bound: BoundWindow}
	case staff.atWork == 0:
		return Decision{Bound: BoundOperators}
	case c.settings.Mode == Progressive:
		return c.progressive(staff)
	case c.settings.Mode == Ratio:
		return c.fixedRatio(now, staff)
	}
	return c.predictive(now, v, staff)
}

// record is the i-th that may be dialled; where none is known, one of which
// nothing is.
func (v View) record(i int) Record {
	if i >= len(v.Records) {
		return Record{}
	}
	return v.Records[i]
}

// roomBound is what limits the room, where the engine did not say.
func (v View) roomBound() Bound {
	if v.Bound == "" || v.Bound == BoundFree {
		return BoundChannels
	}
	return v.Bound
}

// ratio is calls in flight, and so many more, per ready operator; where nobody
// is ready, per one.
func (c *controller) ratio(more int, staff staffing) float64 {
	return float64(len(c.floor.inFlight)+more) / float64(max(1, staff.ready))
}
