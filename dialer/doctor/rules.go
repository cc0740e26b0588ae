package doctor

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	_ "github.com/outpace-dialer/outpace/campaigns/number" // brings the zones that the product has
	"github.com/outpace-dialer/outpace/config/rules"
)

func (e *examination) checkRules() {
	r, err := eligibility.Load(rules.FS)
	if err != nil {
		e.fail(CheckRules, "rule packs", "take a binary that was built whole: the packs are inside it", "%v", err)
		return
	}
	e.ok(CheckRules, "rule packs", "loaded: %s", r.Version())
}

// zoneChanges are changes of law by which old time-zone data is known.
var zoneChanges = []struct {
	zone   string
	at     time.Time
	offset time.Duration
	what   string
}{
	{"America/Mexico_City", time.Date(2023, 7, 1, 12, 0, 0, 0, time.UTC), -6 * time.Hour, "Mexico has had no summer time since 2022"},
	{"Asia/Almaty", time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC), 5 * time.Hour, "Kazakhstan has had one zone since March 2024"},
	{"America/Asuncion", time.Date(2025, 7, 1, 12, 0, 0, 0, time.UTC), -3 * time.Hour, "Paraguay has had summer time all year since October 2024"},
}

// checkZones looks for time-zone data that is too old. The system's comes before
// that of the binary, so an old system makes a new binary call at the wrong hour.
func (e *examination) checkZones() {
	const next = "bring the package tzdata of this machine up to date, or set ZONEINFO to a newer one"
	for _, c := range zoneChanges {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			e.fail(CheckZones, c.zone, next, "no time-zone data: %v", err)
			return
		}
		if _, seconds := c.at.In(zone).Zone(); time.Duration(seconds)*time.Second != c.offset {
			e.fail(CheckZones, c.zone, next, "the time-zone data of this machine is old: %s, and people there would be called at the wrong hour", c.what)
			return
		}
	}
	last := zoneChanges[len(zoneChanges)-1]
	e.ok(CheckZones, "time zones", "up to date as far as we can tell: %s", last.what)
}
