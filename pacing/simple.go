package pacing

import "fmt"

// progressive places one call for each ready operator that nobody waits for:
// nobody is ever abandoned unless an operator leaves.
func (c *controller) progressive(staff staffing) Decision {
	free, flying := max(0, c.floor.free()), len(c.floor.inFlight)
	return Decision{
		Dial:   max(0, free-flying),
		Bound:  BoundFree,
		Wanted: 1,
		Why:    fmt.Sprintf("progressive: %d free operators, %d calls in flight", free, flying),
	}
}

// fixedRatio places the manager's number of calls per ready operator. The law
// stands above the manager: while one more abandoned call would break the limit,
// it is progressive.
func (c *controller) fixedRatio(v View, staff staffing) Decision {
	a := c.budget.account(c.settings, v, staff.atWork)
	if !a.open() {
		d := c.progressive(staff)
		d.Wanted = c.settings.Ratio
		if d.Dial == 0 {
			d.Bound = BoundAbandonment
		}
		d.Why = fmt.Sprintf("ratio %.1f waits for credit: %.1f calls may be abandoned, %.0f live answers so far; %s",
			c.settings.Ratio, max(0, a.credit), a.live, d.Why)
		return d
	}
	free, flying := max(0, c.floor.free()), len(c.floor.inFlight)
	lines := int(c.settings.Ratio * float64(free))
	d := Decision{
		Bound:  BoundRatio,
		Wanted: c.settings.Ratio,
		Why:    fmt.Sprintf("ratio %.1f: %d free operators, %d calls in flight", c.settings.Ratio, free, flying),
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
