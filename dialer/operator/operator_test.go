package operator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is an event with its time after begin.
type at struct {
	after int // seconds
	event Event
}

func clock(after int) time.Time { return begin.Add(time.Duration(after) * time.Second) }

func with(events []at, more ...at) []at { return append(append([]at{}, events...), more...) }

var (
	paused  = []at{{1, OnDuty{}}, {3, LegUp{}}}
	ready   = with(paused, at{10, SetReady{}})
	talking = with(ready, at{20, Reserve{Call: "c1"}}, at{20, Bridged{}})
	wrapUp  = with(talking, at{60, CallOver{WrapUp: time.Minute}})
)

func TestPaths(t *testing.T) {
	cases := map[string]struct {
		events []at
		want   []Action // of the last event
		state  State
		since  int
		reason string
		stage  string
		call   string
	}{
		"on duty, the phone is called":        {events: []at{{1, OnDuty{}}}, want: []Action{Changed{}, RaiseLeg{}}, state: Connecting, since: 1, reason: PauseOnDuty},
		"the phone is up: paused first":       {events: paused, want: []Action{Changed{}}, state: Paused, since: 3, reason: PauseOnDuty},
		"the operator dials in":               {events: []at{{5, LegUp{}}}, want: []Action{Changed{}}, state: Paused, since: 5, reason: PauseOnDuty},
		"the phone does not answer":           {events: []at{{1, OnDuty{}}, {30, LegDown{}}}, want: []Action{Changed{}}, state: Offline, since: 30},
		"ready before the phone is up":        {events: []at{{1, OnDuty{}}, {2, SetReady{}}, {3, LegUp{}}}, want: []Action{Changed{}}, state: Ready, since: 3},
		"pause before the phone is up":        {events: []at{{1, OnDuty{}}, {2, Pause{"setup"}}, {3, LegUp{}}}, want: []Action{Changed{}}, state: Paused, since: 3, reason: "setup"},
		"off duty before the phone is up":     {events: []at{{1, OnDuty{}}, {2, OffDuty{}}}, want: []Action{Changed{}, DropLeg{}}, state: Offline, since: 2},
		"ready":                               {events: ready, want: []Action{Changed{}}, state: Ready, since: 10},
		"ready twice keeps the place in line": {events: with(ready, at{15, SetReady{}}), state: Ready, since: 10},
		"paused with a reason":                {events: with(ready, at{15, Pause{"lunch"}}), want: []Action{Changed{}}, state: Paused, since: 15, reason: "lunch"},
		"off duty while ready":                {events: with(ready, at{15, OffDuty{}}), want: []Action{Changed{}, DropLeg{}}, state: Offline, since: 15},
		"a paused operator is not reserved":   {events: with(paused, at{15, Reserve{Call: "c1"}}), state: Paused, since: 3, reason: PauseOnDuty},
		"reserved":                            {events: with(ready, at{20, Reserve{Call: "c1"}}), want: []Action{Changed{}}, state: Reserved, since: 20, call: "c1"},
		"a second call is not taken":          {events: with(talking, at{21, Reserve{Call: "c2"}}), state: Talking, since: 20, call: "c1"},
		"the customer left before the bridge": {events: with(ready, at{20, Reserve{Call: "c1"}}, at{21, CallOver{WrapUp: time.Minute}}), want: []Action{Changed{}}, state: Ready, since: 21},
		"talking":                             {events: talking, want: []Action{Changed{}}, state: Talking, since: 20, call: "c1"},
		"wrapping up":                         {events: wrapUp, want: []Action{Changed{}, ArmWrap{For: time.Minute, Since: clock(60)}}, state: Wrapping, since: 60, call: "c1"},
		"nothing to wrap up":                  {events: with(talking, at{60, CallOver{}}), want: []Action{Changed{}}, state: Ready, since: 60},
		"disposed":                            {events: with(wrapUp, at{70, Disposed{}}), want: []Action{Changed{}}, state: Ready, since: 70},
		"the wrap-up runs out": {
			events: with(wrapUp, at{120, WrapTimeout{clock(60)}}), want: []Action{DefaultDisposition{"c1"}, Changed{}}, state: Ready, since: 120,
		},
		"the timer of an earlier wrap-up":  {events: with(wrapUp, at{120, WrapTimeout{clock(50)}}), state: Wrapping, since: 60, call: "c1"},
		"a pause in the talk waits":        {events: with(talking, at{30, Pause{"lunch"}}), want: []Action{Changed{}}, state: Talking, since: 20, reason: "lunch", call: "c1"},
		"a stage of the talk":              {events: with(talking, at{30, Stage{"offer"}}), want: []Action{Changed{}}, state: Talking, since: 20, stage: "offer", call: "c1"},
		"the same stage again":             {events: with(talking, at{30, Stage{"offer"}}, at{31, Stage{"offer"}}), state: Talking, since: 20, stage: "offer", call: "c1"},
		"ends with the talk":               {events: with(talking, at{30, Stage{"offer"}}, at{60, CallOver{time.Minute}}), want: []Action{Changed{}, ArmWrap{time.Minute, clock(60)}}, state: Wrapping, since: 60, call: "c1"},
		"the form of the wrap-up":          {events: with(wrapUp, at{65, Stage{StageForm}}), want: []Action{Changed{}}, state: Wrapping, since: 60, stage: StageForm, call: "c1"},
		"ends with the wrap-up":            {events: with(wrapUp, at{65, Stage{StageForm}}, at{70, Disposed{}}), want: []Action{Changed{}}, state: Ready, since: 70},
		"no stage without a call":          {events: with(ready, at{15, Stage{StageForm}}), state: Ready, since: 10},
		"and holds after the wrap-up":      {events: with(talking, at{30, Pause{"lunch"}}, at{60, CallOver{time.Minute}}, at{70, Disposed{}}), want: []Action{Changed{}}, state: Paused, since: 70, reason: "lunch"},
		"and may be taken back":            {events: with(talking, at{30, Pause{"lunch"}}, at{40, SetReady{}}, at{60, CallOver{}}), want: []Action{Changed{}}, state: Ready, since: 60},
		"off duty in the talk waits":       {events: with(talking, at{30, OffDuty{}}, at{60, CallOver{time.Minute}}), want: []Action{Changed{}, ArmWrap{time.Minute, clock(60)}}, state: Wrapping, since: 60, call: "c1"},
		"and ends the shift after it":      {events: with(wrapUp, at{65, OffDuty{}}, at{70, Disposed{}}), want: []Action{Changed{}, DropLeg{}}, state: Offline, since: 70},
		"the phone goes away while paused": {events: with(paused, at{15, LegDown{}}), want: []Action{Changed{}}, state: Lost, since: 15, reason: PauseOnDuty},
		"the phone comes back": {
			events: with(ready, at{15, LegDown{}}, at{20, LegUp{}}), want: []Action{Changed{}}, state: Paused, since: 20, reason: "reconnected",
		},
		"the phone is called again": {events: with(ready, at{15, LegDown{}}, at{20, OnDuty{}}), want: []Action{RaiseLeg{}}, state: Lost, since: 15},
		"the phone goes away in a talk": {
			events: with(talking, at{30, LegDown{}}), want: []Action{Changed{}, ArmWrap{lostWrap, clock(30)}}, state: Lost, since: 30, call: "c1",
		},
		"and comes back: the talk is to be wrapped up": {
			events: with(talking, at{30, LegDown{}}, at{40, LegUp{}}), want: []Action{Changed{}, ArmWrap{lostWrap, clock(40)}}, state: Wrapping, since: 40, call: "c1",
		},
		"and comes back while the customer is there": {
			events: with(talking, at{30, LegDown{}}, at{40, Bridged{}}), want: []Action{Changed{}}, state: Talking, since: 40, call: "c1",
		},
		"and does not come back": {
			events: with(talking, at{30, LegDown{}}, at{150, WrapTimeout{clock(30)}}), want: []Action{DefaultDisposition{"c1"}, Changed{}}, state: Offline, since: 150,
		},
		"disposed on the page while the phone is away": {
			events: with(wrapUp, at{65, LegDown{}}, at{70, Disposed{}}, at{80, WrapTimeout{clock(65)}}), state: Lost, since: 65,
		},
		"ready, and nothing comes from the leg": {
			events: with(ready, at{15, LegAway{}}), want: []Action{Changed{}}, state: Lost, since: 15,
		},
		"and it is heard again":   {events: with(ready, at{15, LegAway{}}, at{17, LegUp{}}), want: []Action{Changed{}}, state: Ready, since: 17},
		"no call in between":      {events: with(ready, at{15, LegAway{}}, at{16, Reserve{Call: "c1"}}), state: Lost, since: 15},
		"nor another leg":         {events: with(ready, at{15, LegAway{}}, at{16, OnDuty{}}), state: Lost, since: 15},
		"a pause in between":      {events: with(ready, at{15, LegAway{}}, at{16, Pause{"lunch"}}, at{17, LegUp{}}), want: []Action{Changed{}}, state: Paused, since: 17, reason: "lunch"},
		"off duty in between":     {events: with(ready, at{15, LegAway{}}, at{16, OffDuty{}}), want: []Action{Changed{}, DropLeg{}}, state: Offline, since: 16},
		"and the leg ends":        {events: with(ready, at{15, LegAway{}}, at{21, LegDown{}}), state: Lost, since: 15},
		"and another one is up":   {events: with(ready, at{15, LegAway{}}, at{21, LegDown{}}, at{30, LegUp{}}), want: []Action{Changed{}}, state: Paused, since: 30, reason: "reconnected"},
		"away in a talk":          {events: with(talking, at{30, LegAway{}}), want: []Action{Changed{}}, state: Talking, since: 20, call: "c1"},
		"and back in it":          {events: with(talking, at{30, LegAway{}}, at{32, LegUp{}}), want: []Action{Changed{}}, state: Talking, since: 20, call: "c1"},
		"away for too long in it": {events: with(talking, at{30, LegAway{}}, at{36, LegDown{}}), want: []Action{Changed{}, ArmWrap{lostWrap, clock(36)}}, state: Lost, since: 36, call: "c1"},
		"not ready after a talk while away": {
			events: with(talking, at{30, LegAway{}}, at{60, CallOver{}}), want: []Action{Changed{}}, state: Lost, since: 60,
		},
		"off duty while the phone is away": {
			events: with(talking, at{30, LegDown{}}, at{40, OffDuty{}}), want: []Action{DefaultDisposition{"c1"}, Changed{}}, state: Offline, since: 40,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := New("ann", begin)
			var got []Action
			for _, e := range c.events {
				got = o.Step(clock(e.after), e.event)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("actions of the last event (-want +got):\n%s", diff)
			}
			if o.State() != c.state || !o.Since().Equal(clock(c.since)) || o.Reason() != c.reason || o.Stage() != c.stage || o.Call() != c.call {
				t.Errorf("got %s since %s, reason %q, call %q; want %s since %s, %q, %q",
					o.State(), o.Since().Sub(begin), o.Reason(), o.Call(), c.state, clock(c.since).Sub(begin), c.reason, c.call)
			}
		})
	}
}

func TestPauseRequested(t *testing.T) {
	cases := map[string]struct {
		events []at
		want   bool
	}{
		"paused: nothing to wait for": {paused, false},
		"talking":                     {talking, false},
		"talking, then pause":         {with(talking, at{30, Pause{"lunch"}}), true},
		"talking, then off duty":      {with(talking, at{30, OffDuty{}}), true},
		"taken back":                  {with(talking, at{30, Pause{"lunch"}}, at{31, SetReady{}}), false},
	}
	for name, c := range cases {
		o := New("ann", begin)
		for _, e := range c.events {
			o.Step(clock(e.after), e.event)
		}
		if got := o.PauseRequested(); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
