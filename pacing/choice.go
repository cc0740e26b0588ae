package pacing

import "github.com/outpace-dialer/outpace/pacing/estimate"

// choice picks the record to dial. With room for one more answer, a likely record
// is worth most: few sure answers vary less than many doubtful ones, and less must
// be kept free for their luck. With room for many, luck evens out, and the
// doubtful ones have their turn. What room is usual is learnt, so that the list is
// used up as it comes.
type choice struct {
	usual  float64 // median of the room at which calls are placed, in operators
	lifts  []float64
	differ bool    // the records of the last pick did
	share  float64 // of the calls placed that were picked among records that differ
}

// roomStep is how fast the median of the room is followed, in operators a call.
const roomStep = 0.02

// sharePlaced is over how many calls the share of those picked is known.
const sharePlaced = 300.0

// tight is by how much less room than usual calls for a likely record.
const tight = 0.5

// tellsApart is by how much records must differ to be chosen between.
const tellsApart = 1.05

// knows says whether anything but the segment is known of a record.
func (r Record) knows() bool {
	return r.Score > 0 || r.Attempts > 0 || r.Last != "" || r.Hour > 0
}

// lead is a record as the estimate of answers knows it.
func (m *model) lead(r Record) estimate.Lead {
	return estimate.Lead{Segment: m.segment(r.Segment), Score: r.Score, Attempts: r.Attempts, Last: r.Last, Hour: r.Hour}
}

// lift is how much likelier than others of its segment a record is answered live.
func (m *model) lift(r Record) float64 {
	if !r.knows() {
		return 1
	}
	return m.leads.Lift(m.lead(r))
}

// pick returns the index of the record to dial while so many operators are free
// beyond the answers expected, and its lift.
func (c *choice) pick(m *model, records []Record, room float64) (int, float64) {
	if len(records) == 0 {
		c.differ = false
		return 0, 1
	}
	likely, doubtful := 0, 0
	chances := c.lifts[:0]
	for i, r := range records {
		chances = append(chances, m.lift(r)*m.segments[m.segment(r.Segment)].answer)
		if chances[i] > chances[likely] {
			likely = i
		}
		if chances[i] < chances[doubtful] {
			doubtful = i
		}
	}
	c.lifts = chances
	picked := 0
	c.differ = chances[likely] >= tellsApart*chances[doubtful]
	switch {
	case !c.differ:
	case room <= c.usual-tight:
		picked = likely
	default:
		picked = doubtful
	}
	return picked, m.lift(records[picked])
}

// placed learns the room at which a call was placed.
func (c *choice) placed(room float64) {
	if room > c.usual {
		c.usual += roomStep
	} else {
		c.usual -= roomStep
	}
	picked := 0.0
	if c.differ {
		picked = 1
	}
	c.share += (picked - c.share) / sharePlaced
}

// times is q with every chance so many times as high.
func (q *chances) times(lift float64) chances {
	var x chances
	for k, p := range q {
		x[k] = min(1, p*lift)
	}
	return x
}
