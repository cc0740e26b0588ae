package trunk

import (
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// A carrier whose answers have audio that we must refuse, mostly for want of its network in
// media_networks, costs a person with each call: they pick up and hear nothing. No server
// of it is at fault, so its OPTIONS say nothing, and a call a minute would still be one too
// many: after patience such answers in a row it rests far longer than a server that is
// overloaded, and one call looks then.
const (
	firstUnusable   = 5 * time.Minute
	longestUnusable = time.Hour
)

// usability is whether the audio of a carrier's answers can be used. It is pure.
type usability struct {
	breaker

	why   string // of the last that could not
	count uint64 // of those that could not
}

func newUsability() usability {
	return usability{breaker: breaker{first: firstUnusable, longest: longestUnusable}}
}

// refused notes an answer that could not be used, and says whether the carrier rests
// because of it.
func (u *usability) refused(now time.Time, why string, probe bool) (rests bool) {
	before := u.until
	u.count++
	u.why = why
	u.fail(now, 0, probe)
	return u.until.After(before)
}

// doubted says that the last answers could not be used, and none since was good.
func (u *usability) doubted() bool { return !u.until.IsZero() }

// words say why a carrier rests, or takes but one call.
func (u *usability) words(now time.Time, name string) string {
	does := "takes one call to look at its answer"
	if now.Before(u.until) {
		does = "rests until " + u.until.UTC().Format("15:04:05 UTC")
	}
	return fmt.Sprintf("trunk %s %s: %d answers in a row had %s; see its media_networks and srtp, and media.codecs", name, does, u.failures, u.why)
}

// unusable says whether we hang up because we cannot use the audio of an answer.
func unusable(why sip.Cause) bool { return why.Result == sip.ResultMediaMismatch }

// refuseAnswer notes that we hang up on an answer whose audio we cannot use.
func (t *Trunks) refuseAnswer(s *slot, why sip.Cause, now time.Time) {
	c := s.carrier
	if c.usable.refused(now, why.Text, s.looks) {
		t.log.Warn("trunk takes no calls: we cannot use the audio of its answers; see its media_networks and srtp, and media.codecs",
			"trunk", c.cfg.Name, "reason", why.Text, "in_a_row", c.usable.failures, "until", c.usable.until)
	}
	s.looks = false
}

// acceptAnswer notes that the audio of an answer is used.
func (t *Trunks) acceptAnswer(s *slot) {
	c := s.carrier
	doubted := c.usable.doubted()
	c.usable.ok(s.looks)
	s.looks = false
	if doubted && !c.usable.doubted() {
		t.log.Warn("trunk takes calls again: the audio of its answers can be used", "trunk", c.cfg.Name)
	}
}
