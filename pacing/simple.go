package pacing

import "time"

// progressive places one call for each ready operator that nobody waits for:
// nobody is ever abandoned unless an operator leaves.
func (c *controller) progressive(staff staffing) Decision {
	free, flying := max(0, staff.free), len(c.floor.inFlight)
	return Decision{
		Dial:   max(0, free-flying),
		Bound:  BoundFree,
		Wanted: 1,
	}
}

// fixedRatio places the manager's number of calls per ready operator. The law
// stands above the manager: while one more abandoned call would break the limit,
// it is progressive.
func (c *controller) fixedRatio(now time.Time, staff staffing) Decision {
	a := c.budget.account(now, c.settings, staff.atWork)
	if !a.open() {
		d := c.progressive(staff)
		d.Wanted = c.settings.Ratio
		if d.Dial == 0 {
			d.Bound = BoundAbandonment
		}
		d.Credit, d.Live = a.credit, a.live
		return d
	}
	free, flying := max(0, staff.free), len(c.floor.inFlight)
	lines := int(c.settings.Ratio * float64(free))
	d := Decision{
		Bound:  BoundRatio,
		Wanted: c.settings.Ratio,
		Credit: a.credit, Live: a.live,
	}
	if most := c.maxLines(staff); lines > most {
		lines = most
	}
	d.Dial = max(0, lines-flying)
	return d
}

// maxLines is the ceiling of calls in flight for the operators at work.
func (c *controller) maxLines(staff staffing) int {
	return int(c.settings.MaxRatio * float64(staff.atWork))
}
