package eligibility

import (
	"cmp"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// undisposed is how long a lead rests after a talk whose disposition never came.
const undisposed = 24 * time.Hour

// Retry says where a lead goes after an attempt that ended with o. badNumber:
// the number is proven wrong; suppress: the person asked not to be called.
//
// A number is given up after Max attempts that ended so; the lead then goes on
// with its next number that is not given up, and is done where there is none after
// it. Rules with Next go round the numbers before that. A promised callback keeps
// its operator. Rules.Shift moves the time to another part of the day.
func Retry(c campaigns.Campaign, cl campaigns.Claim, o campaigns.Outcome, now time.Time) (next campaigns.Next, badNumber, suppress bool) {
	rule := retryRule(c, o)
	if rule.DoNotCall {
		return campaigns.Next{Done: true}, rule.BadNumber, true
	}
	if (o == campaigns.Connected || o == campaigns.CallerServed) && rule.Max == 0 {
		// The disposition decides; until it comes the person is left alone.
		return campaigns.Next{At: now.Add(undisposed), Number: cl.Number.E164}, false, false
	}
	number, after := cl.Number.E164, rule.After
	switch givenUp := rule.BadNumber || rule.Max == 0 || cl.ByOutcome[o]+1 >= rule.Max; {
	case givenUp:
		number = following(untired(c, cl), cl.Number.E164)
		if rule.BadNumber || rule.Max == 0 {
			after = 0
		}
	case rule.Next:
		number = cmp.Or(following(untired(c, cl), number), following(untired(c, cl), ""))
	}
	if number == "" {
		return campaigns.Next{Done: true}, rule.BadNumber, false
	}
	next = campaigns.Next{At: now.Add(after), Number: number}
	if cl.Callback != nil {
		next.Callback = &campaigns.Callback{At: next.At, User: cl.Callback.User}
	}
	return next, rule.BadNumber, false
}

// untired are the numbers of a claimed lead but for those that are given up.
func untired(c campaigns.Campaign, cl campaigns.Claim) []campaigns.Number {
	return slices.DeleteFunc(slices.Clone(cl.Lead.Numbers), func(n campaigns.Number) bool {
		if n.E164 == cl.Number.E164 {
			return false
		}
		for o, times := range cl.ByNumber[n.E164] {
			if rule := retryRule(c, o); rule.Max > 0 && times >= rule.Max {
				return true
			}
		}
		return false
	})
}

// retryRule is the campaign's rule for an outcome, else the default.
func retryRule(c campaigns.Campaign, o campaigns.Outcome) campaigns.RetryRule {
	for _, rules := range [][]campaigns.RetryRule{c.Retry, campaigns.DefaultRetry} {
		for _, rule := range rules {
			if rule.Outcome == o {
				return rule
			}
		}
	}
	return campaigns.RetryRule{Outcome: o, After: 24 * time.Hour, Max: 1}
}

// following is the first good number after e164 in the lead's order; the first
// of all for "". Empty: none.
func following(numbers []campaigns.Number, e164 string) string {
	start := 0
	if e164 != "" {
		start = slices.IndexFunc(numbers, func(n campaigns.Number) bool { return n.E164 == e164 }) + 1
		if start == 0 {
			return ""
		}
	}
	for _, n := range numbers[start:] {
		if !n.Bad && n.E164 != e164 {
			return n.E164
		}
	}
	return ""
}

// Talk is an ended attempt that an operator gives a disposition for.
type Talk struct {
	Attempt    campaigns.AttemptID
	Lead       campaigns.Lead
	Number     string // E.164 that was dialled
	By         campaigns.UserID
	Note       string
	CallbackAt time.Time // where the disposition is a callback
	Personal   bool      // the callback is for By alone
	Fields     map[string]string
}

// Resolve works out what a disposition does to the lead. A callback without a
// time, and a disposition without effects, rest for a day.
func Resolve(d campaigns.Disposition, t Talk, now time.Time) campaigns.Disposal {
	e := d.Effect
	out := campaigns.Disposal{
		Attempt: t.Attempt, Disposition: d.Code, By: t.By, Note: t.Note, At: now, Fields: t.Fields,
		Grades: graded(t.Lead.Grades, e), Suppress: e.DoNotCall, BadNumber: e.BadNumber,
	}
	rest := e.RetryAfter
	if rest <= 0 {
		rest = undisposed
	}
	switch {
	case e.DoNotCall:
		out.Next = campaigns.Next{Done: true}
	case e.MoveTo != "":
		out.Next = campaigns.Next{MoveTo: e.MoveTo, At: now.Add(max(e.RetryAfter, 0))}
	case e.Final:
		out.Next = campaigns.Next{Done: true}
	case e.BadNumber:
		number := following(t.Lead.Numbers, t.Number)
		out.Next = campaigns.Next{Done: number == "", At: now.Add(rest), Number: number}
	case e.Callback && !t.CallbackAt.IsZero():
		back := &campaigns.Callback{At: later(t.CallbackAt, now)}
		if t.Personal {
			back.User = t.By
		}
		out.Next = campaigns.Next{At: back.At, Number: t.Number, Callback: back}
	default:
		out.Next = campaigns.Next{At: now.Add(rest), Number: t.Number}
	}
	return out
}

// graded applies the effect of a disposition to the grades of a lead.
func graded(g campaigns.Grades, e campaigns.Effect) campaigns.Grades {
	g.Stage = cmp.Or(e.Stage, g.Stage)
	g.Temperature = cmp.Or(e.Temperature, g.Temperature)
	g.Progress = min(max(g.Progress, e.Progress), 100)
	for _, grade := range []struct{ from, to *int }{{e.CP, &g.CP}, {e.PI, &g.PI}, {e.Level, &g.Level}} {
		if grade.from != nil {
			*grade.to = min(max(*grade.from, 0), 5)
		}
	}
	return g
}
