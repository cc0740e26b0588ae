package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
)

// demoCallbacks is who of the simulated people calls back, and when.
type demoCallbacks struct {
	share float64
	after time.Duration
}

func (c *demoCallbacks) flags(fs *pflag.FlagSet) {
	fs.Float64Var(&c.share, "callbacks", 0.06, "share of the simulated people who call back after they missed a call or got no operator; 0: nobody")
	fs.DurationVar(&c.after, "callback-after", 20*time.Second, "mean time until they do, divided by --speed")
}

func (c *demoCallbacks) check() error {
	if !(c.share >= 0 && c.share <= 1) || c.after <= 0 {
		return errors.New("--callbacks is 0 to 1, --callback-after above 0")
	}
	return nil
}

func (c *demoCallbacks) people() carrier.CallsBack {
	return carrier.CallsBack{Share: c.share, After: c.after}
}

// demoCallers is what came of people who called back. Called, Answered, Refused (which
// is also those who left before they were answered), Announced and Heard are what the
// simulated carrier saw and its people heard; the others are attempts in the store.
type demoCallers struct {
	Called     int `json:"called"`
	Answered   int `json:"answered"`
	Refused    int `json:"refused"`
	Announced  int `json:"heard_the_announcement"`
	Heard      int `json:"heard_an_operator"`
	Matched    int `json:"matched_to_their_lead"`
	Served     int `json:"served"`
	GaveUp     int `json:"gave_up"`
	TurnedAway int `json:"turned_away"`

	calling map[string]string // number of who calls, by Call-ID
}

// count takes an attempt of somebody who called. The lead is theirs where it has their
// number and was in a list before.
func (c *demoCallers) count(a campaigns.Attempt) {
	if a.LeadName != "" {
		c.Matched++
	}
	switch a.Outcome {
	case campaigns.CallerServed:
		c.Served++
	case campaigns.CallerGaveUp:
		c.GaveUp++
	case campaigns.CallerTurnedAway:
		c.TurnedAway++
	}
}

// note takes a line of the far ends' journal, and says whether it is of such a call.
func (c *demoCallers) note(e carrier.Event) bool {
	if e.Event == "callback" {
		if c.calling == nil {
			c.calling = map[string]string{}
		}
		c.calling[e.Call] = e.Caller
		c.Called++
		return true
	}
	if _, is := c.calling[e.Call]; !is {
		return false
	}
	switch {
	case e.User != "":
	case e.Event == "callback_up":
		c.Answered++
	case e.Event == "final":
		c.Refused++
	case e.Event == "voice_heard":
		c.Announced++
	case e.Event == "first_tone":
		c.Heard++
	}
	return true
}

func (c demoCallers) String() string {
	return fmt.Sprintf("%d people called back: %d heard the announcement, %d had an operator, %d gave up", c.Called, c.Announced, c.Served, c.GaveUp)
}
