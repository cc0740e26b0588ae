package redis

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// record is a lead with its places in campaigns: all that is kept of it in its
// page, and so all that changes together.
type record struct {
	lead        campaigns.Lead
	row         [8]byte // digest of the row last imported, without grades
	grades      [6]byte // digest of the grades last imported
	lastOutcome campaigns.Outcome
	lastAt      time.Time // of any campaign
	entries     []entry   // by campaign
}

// entryState is where a lead stands in a campaign, besides being held.
type entryState byte

const (
	waiting entryState = iota // in its queue, unless somebody holds the lead for this campaign
	done
	nowhere // no segment matches, or no number may be dialled
)

// entry is the place of a lead in a campaign.
type entry struct {
	campaign     campaigns.CampaignID
	state        entryState
	segment      string
	number       string // the one to dial
	priority     float64
	due          time.Time
	attempts     int // that count
	lastAttempt  campaigns.AttemptID
	lastOutcome  campaigns.Outcome
	lastAt       time.Time
	callbackAt   time.Time
	callbackUser campaigns.UserID
	operator     campaigns.UserID // who talked to it last
	untried      bool             // in the queue of leads never tried
	moved        bool             // came from another campaign
}

func (e entry) callback() *campaigns.Callback {
	if e.callbackAt.IsZero() {
		return nil
	}
	return &campaigns.Callback{At: e.callbackAt, User: e.callbackUser}
}

// entry returns the place in a campaign; nil where there is none.
func (r *record) entry(c campaigns.CampaignID) *entry {
	i := slices.IndexFunc(r.entries, func(e entry) bool { return e.campaign == c })
	if i < 0 {
		return nil
	}
	return &r.entries[i]
}

// join returns the place in a campaign, making it where there is none.
func (r *record) join(c campaigns.CampaignID, due time.Time) *entry {
	if e := r.entry(c); e != nil {
		return e
	}
	i, _ := slices.BinarySearchFunc(r.entries, c, func(e entry, c campaigns.CampaignID) int {
		switch {
		case e.campaign < c:
			return -1
		case e.campaign > c:
			return 1
		}
		return 0
	})
	r.entries = slices.Insert(r.entries, i, entry{campaign: c, state: nowhere, due: due})
	return &r.entries[i]
}

// markBad marks a number of the lead as bad and says whether it was not.
func (r *record) markBad(e164 string) bool {
	changed := false
	for i, n := range r.lead.Numbers {
		if n.E164 == e164 && !n.Bad {
			r.lead.Numbers[i].Bad, changed = true, true
		}
	}
	return changed
}

func (r *record) number(e164 string) (campaigns.Number, bool) {
	for _, n := range r.lead.Numbers {
		if n.E164 == e164 {
			return n, true
		}
	}
	return campaigns.Number{}, false
}

// queue is the queue of an entry; the window class is that of its number.
func (r *record) queue(e entry) campaigns.QueueID {
	n, _ := r.number(e.number)
	return campaigns.QueueID{Campaign: e.campaign, Segment: e.segment, Window: n.Window(), New: e.untried, Operator: e.callbackUser}
}

// sourceDigests are over what a source tells of a lead, its grades apart.
func sourceDigests(l campaigns.Lead) (row [8]byte, grades [6]byte, err error) {
	sum, err := l.SourceSum()
	if err != nil {
		return row, grades, err
	}
	copy(row[:], sum[:])
	sum = sha256.Sum256(fmt.Append(nil, l.Grades))
	copy(grades[:], sum[:])
	return row, grades, nil
}
