package call

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
)

// at is an event with its time after begin.
type at struct {
	after time.Duration
	event Event
}

// ms makes an event some milliseconds after begin.
func ms(after int, ev Event) at { return at{time.Duration(after) * time.Millisecond, ev} }

func clock(after int) time.Time { return begin.Add(time.Duration(after) * time.Millisecond) }

// person is the verdict that someone greeted until a moment.
func person(greetingEnd int) Verdict { return Verdict{GreetingEnd: clock(greetingEnd)} }

var full = Spec{ID: "a1", ConnectWithin: 2 * time.Second, Message: true, Detect: true}

// firstSpeech is a person until more is known.
func firstSpeech(greetingEnd int) Verdict {
	return Verdict{GreetingEnd: clock(greetingEnd), Provisional: true}
}

func play(spec Spec, events []at) (*Call, []Action) {
	c := New(spec, begin)
	var actions []Action
	for _, e := range events {
		actions = append(actions, c.Step(begin.Add(e.after), e.event)...)
	}
	return c, actions
}

// ringingCall are the events up to ringing.
var ringingCall = []at{ms(1, Begun{}), ms(300, Rings{Since: clock(290)})}

// answeredCall are the events up to the answer, at 5 s.
var answeredCall = append(append([]at{}, ringingCall...), ms(5000, Answered{At: clock(4990)}))

// waitingCall are the events up to a person who waits: the greeting ends at 6 s,
// the verdict comes at 6.2 s.
var waitingCall = append(append([]at{}, answeredCall...), ms(6200, person(6000)))

func with(events []at, more ...at) []at { return append(append([]at{}, events...), more...) }

func TestPaths(t *testing.T) {
	noMessage, noDetect, fromAnswer := full, full, full
	noMessage.Message = false
	noDetect.Detect = false
	fromAnswer.FromAnswer = true

	// What every placed and answered call asks for first.
	placed := []Action{Place{}}
	answered := []Action{Place{}, KeepDialog{}, ArmTimer{In: Detecting, After: DetectAtMost}}
	waiting := append(append([]Action{}, answered...), FindOperator{}, ArmTimer{In: Queued, After: 1800 * time.Millisecond})
	leave := []Action{HangUpLeg{}, ArmTimer{In: Leaving, After: LeaveAtMost}}
	cat := func(parts ...[]Action) []Action {
		var all []Action
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	end := func(o campaigns.Outcome) []Action { return []Action{EndAttempt{Outcome: o}} }

	cases := map[string]struct {
		spec   Spec
		events []at
		want   []Action
	}{
		"a talk, ended by the customer": {
			spec: full,
			events: with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}),
				ms(60000, Ended{Code: 200})),
			want: cat(waiting, []Action{Connect{Operator: "ann"}, FreeOperator{Operator: "ann"}, EndAttempt{Outcome: campaigns.Connected, Code: 200}}),
		},
		"a talk, ended by the operator": {
			spec:   full,
			events: with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}), ms(60000, HangUp{}), ms(60100, Ended{})),
			want:   cat(waiting, []Action{Connect{Operator: "ann"}, FreeOperator{Operator: "ann"}}, leave, end(campaigns.Connected)),
		},
		"refused by the store": {
			spec:   full,
			events: []at{ms(1, Refused{Reason: "cap"})},
			want:   []Action{GiveBackRoute{}, Forget{Reason: "cap"}},
		},
		"window closes between begin and INVITE": {
			spec:   full,
			events: []at{ms(1, Begun{}), ms(1, NotAllowed{Reason: "window"})},
			want:   cat(placed, []Action{GiveBackRoute{}, EndAttempt{Outcome: campaigns.NotPlaced, Reason: "window"}}),
		},
		"cancelled before it is begun": {
			spec:   full,
			events: []at{ms(1, Cancel{}), ms(5, Begun{})},
			want:   []Action{GiveBackRoute{}, EndAttempt{Outcome: campaigns.NotPlaced}},
		},
		"cancelled before it is refused": {
			spec:   full,
			events: []at{ms(1, Cancel{}), ms(5, Refused{Reason: "do_not_call"})},
			want:   []Action{GiveBackRoute{}, Forget{Reason: "do_not_call"}},
		},
		"busy": {
			spec:   full,
			events: with(ringingCall, ms(900, Ended{Outcome: campaigns.Busy, Code: 486, Q850: 17, Reason: "Busy Here"})),
			want:   cat(placed, []Action{EndAttempt{Outcome: campaigns.Busy, Code: 486, Q850: 17, Reason: "Busy Here"}}),
		},
		"an end that says nothing is a failure": {
			spec:   full,
			events: []at{ms(1, Begun{}), ms(900, Ended{})},
			want:   cat(placed, end(campaigns.Failed)),
		},
		"the network speaks before the answer": {
			spec:   full,
			events: with(ringingCall, ms(900, Verdict{Early: true, Outcome: campaigns.InvalidNumber}), ms(1000, Ended{Outcome: campaigns.NoAnswer, Code: 487})),
			want:   cat(placed, leave, []Action{EndAttempt{Outcome: campaigns.InvalidNumber, Code: 487}}),
		},
		"pacing gives up a ringing call": {
			spec:   full,
			events: with(ringingCall, ms(15000, Cancel{}), ms(15100, Ended{Outcome: campaigns.NoAnswer, Code: 487})),
			want:   cat(placed, leave, []Action{EndAttempt{Outcome: campaigns.Cancelled, Code: 487}}),
		},
		"busy crosses our CANCEL": {
			spec:   full,
			events: with(ringingCall, ms(15000, Cancel{}), ms(15100, Ended{Outcome: campaigns.Busy, Code: 486})),
			want:   cat(placed, leave, []Action{EndAttempt{Outcome: campaigns.Busy, Code: 486}}),
		},
		"glare: an answer crosses our CANCEL": {
			spec:   full,
			events: with(ringingCall, ms(15000, Cancel{}), ms(15100, Ended{LateAnswer: true})),
			want:   cat(placed, leave, []Action{Lost{}}, end(campaigns.Abandoned)),
		},
		"glare: the answer was on its way to us when we cancelled": {
			spec:   full,
			events: with(ringingCall, ms(15000, Cancel{}), ms(15001, Answered{At: clock(14999)}), ms(15200, Ended{})),
			want:   cat(placed, leave, []Action{HangUpLeg{}, Lost{}}, end(campaigns.Abandoned)),
		},
		"glare: and the far end never confirms": {
			spec:   full,
			events: with(ringingCall, ms(15000, Cancel{}), ms(15001, Answered{At: clock(14999)}), ms(55000, TimerFired{In: Leaving, Since: clock(15000)})),
			want: cat(placed, leave, []Action{HangUpLeg{}, Lost{}},
				[]Action{EndAttempt{Outcome: campaigns.Abandoned, Reason: "no answer to our hang-up"}}),
		},
		"an answer after the ring timeout of signalling": {
			spec:   full,
			events: with(ringingCall, ms(25100, Ended{LateAnswer: true})),
			want:   cat(placed, []Action{Lost{}}, end(campaigns.Abandoned)),
		},
		"a machine": {
			spec:   full,
			events: with(answeredCall, ms(7000, Verdict{Outcome: campaigns.MachineHeard}), ms(7100, Ended{})),
			want:   cat(answered, leave, end(campaigns.MachineHeard)),
		},
		"false answer": {
			spec:   full,
			events: with(answeredCall, ms(5400, Ended{Outcome: campaigns.FalseAnswer})),
			want:   cat(answered, end(campaigns.FalseAnswer)),
		},
		"a machine is settled": {
			spec: full,
			events: with(answeredCall, ms(8000, Verdict{Outcome: campaigns.MachineHeard, Provisional: true}),
				ms(9000, Verdict{Outcome: campaigns.MachineHeard, Provisional: true}), ms(12000, Verdict{Outcome: campaigns.MachineHeard})),
			want: cat(answered, []Action{ArmTimer{In: Doubted, After: DoubtAtMost}}, leave),
		},
		"a machine hangs up in doubt": {
			spec:   full,
			events: with(answeredCall, ms(8000, Verdict{Outcome: campaigns.MachineHeard, Provisional: true}), ms(9000, Ended{})),
			want:   cat(answered, []Action{ArmTimer{In: Doubted, After: DoubtAtMost}}, end(campaigns.MachineHeard)),
		},
		"a machine was a person": {
			spec: full,
			events: with(answeredCall, ms(8000, Verdict{Outcome: campaigns.MachineHeard, Provisional: true}),
				ms(10000, person(9000))),
			want: cat(answered, []Action{ArmTimer{In: Doubted, After: DoubtAtMost}, FindOperator{}, ArmTimer{In: Queued, After: time.Second}}),
		},
		"on trial, and nothing more is heard": {
			spec:   full,
			events: with(answeredCall, ms(6000, firstSpeech(6000)), ms(6020, OperatorFound{Operator: "ann"}), ms(21020, TimerFired{In: Bridged, Since: clock(6020)}), ms(22000, Beep{})),
			want: cat(answered, []Action{FindOperator{}, ArmTimer{In: Queued, After: 2 * time.Second}, Connect{Operator: "ann"},
				ArmTimer{In: Bridged, After: TrialAtMost}, StopListening{}}),
		},
		"on trial, and a machine after all": {
			spec:   full,
			events: with(answeredCall, ms(6000, firstSpeech(6000)), ms(6020, OperatorFound{Operator: "ann"}), ms(8000, Verdict{Outcome: campaigns.MachineHeard, Provisional: true}), ms(13000, Verdict{Outcome: campaigns.MachineHeard}), ms(13100, Ended{Code: 200})),
			want: cat(answered, []Action{FindOperator{}, ArmTimer{In: Queued, After: 2 * time.Second}, Connect{Operator: "ann"}, ArmTimer{In: Bridged, After: TrialAtMost},
				FreeOperator{Operator: "ann", TakenBack: campaigns.MachineHeard}, HangUpLeg{}, ArmTimer{In: Leaving, After: LeaveAtMost}, EndAttempt{Outcome: campaigns.MachineHeard, Code: 200}}),
		},
		"on trial, a machine, and a message is left": {
			spec:   Spec{ID: "a1", ConnectWithin: 2 * time.Second, Message: true, Detect: true, Drop: true},
			events: with(answeredCall, ms(6000, firstSpeech(6000)), ms(6020, OperatorFound{Operator: "ann"}), ms(11000, Beep{}), ms(11300, Recording{})),
			want: cat(answered, []Action{FindOperator{}, ArmTimer{In: Queued, After: 2 * time.Second}, Connect{Operator: "ann"}, ArmTimer{In: Bridged, After: TrialAtMost},
				FreeOperator{Operator: "ann", TakenBack: campaigns.MachineHeard}, ArmTimer{In: Doubted, After: BeepAtMost}, LeaveMessage{}, ArmTimer{In: Dropping, After: MessageAtMost}}),
		},
		"a person in a pause, then the beep of a machine, and a message is left": {
			spec:   Spec{ID: "a1", ConnectWithin: 2 * time.Second, Message: true, Detect: true, Drop: true},
			events: with(answeredCall, ms(8000, Verdict{Outcome: campaigns.MachineHeard, Provisional: true}), ms(9000, person(8500)), ms(9020, OperatorFound{Operator: "ann"}), ms(11000, Beep{}), ms(11020, Recording{})),
			want: cat(answered, []Action{ArmTimer{In: Doubted, After: BeepAtMost}, FindOperator{}, ArmTimer{In: Queued, After: 1500 * time.Millisecond}, Connect{Operator: "ann"}, ArmTimer{In: Bridged, After: TrialAtMost},
				FreeOperator{Operator: "ann", TakenBack: campaigns.MachineHeard}, ArmTimer{In: Doubted, After: BeepAtMost}, LeaveMessage{}, ArmTimer{In: Dropping, After: MessageAtMost}}),
		},
		"on trial, and a fax without an operator": {
			spec:   full,
			events: with(answeredCall, ms(6000, firstSpeech(6000)), ms(7000, Verdict{Outcome: campaigns.FaxHeard})),
			want:   cat(answered, []Action{FindOperator{}, ArmTimer{In: Queued, After: 2 * time.Second}, HangUpLeg{}, ArmTimer{In: Leaving, After: LeaveAtMost}}),
		},
		"hung up while we listen": {
			spec:   full,
			events: with(answeredCall, ms(5400, Ended{})),
			want:   cat(answered, end(campaigns.HungUpEarly)),
		},
		"pacing never gives up an answered call": {
			spec:   full,
			events: with(answeredCall, ms(5400, Cancel{})),
			want:   answered,
		},
		"a detector that says nothing leaves a person": {
			spec:   full,
			events: with(answeredCall, ms(13000, TimerFired{In: Detecting, Since: clock(5000)})),
			want:   cat(answered, []Action{FindOperator{}, ArmTimer{In: Queued}}),
		},
		"without a detector whoever answers is a person": {
			spec:   noDetect,
			events: answeredCall,
			want:   []Action{Place{}, KeepDialog{}, FindOperator{}, ArmTimer{In: Queued, After: 1990 * time.Millisecond}},
		},
		"the law's clock may begin at the answer": {
			spec:   fromAnswer,
			events: waitingCall,
			want:   cat(answered, []Action{FindOperator{}, ArmTimer{In: Queued, After: 790 * time.Millisecond}}),
		},
		"hung up before the law's time: their own choice": {
			spec:   full,
			events: with(waitingCall, ms(7999, Ended{})),
			want:   cat(waiting, end(campaigns.HungUpEarly)),
		},
		"hung up at the law's time: abandoned": {
			spec:   full,
			events: with(waitingCall, ms(8000, Ended{})),
			want:   cat(waiting, []Action{Lost{}}, end(campaigns.Abandoned)),
		},
		"we hang up on a person who waits": {
			spec:   full,
			events: with(waitingCall, ms(6300, HangUp{}), ms(6400, Ended{})),
			want:   cat(waiting, []Action{Lost{}}, leave, end(campaigns.Abandoned)),
		},
		"nobody in time: the message plays to its end": {
			spec:   full,
			events: with(waitingCall, ms(8000, TimerFired{In: Queued, Since: clock(6200)}), ms(12000, Played{}), ms(12100, Ended{})),
			want: cat(waiting, []Action{Lost{}, PlayMessage{}, ArmTimer{In: Message, After: MessageAtMost}},
				leave, end(campaigns.Abandoned)),
		},
		"nobody in time, and the person opts out": {
			spec:   full,
			events: with(waitingCall, ms(8000, TimerFired{In: Queued, Since: clock(6200)}), ms(9000, OptOut{}), ms(9100, Ended{})),
			want: cat(waiting, []Action{Lost{}, PlayMessage{}, ArmTimer{In: Message, After: MessageAtMost}, Suppress{}},
				leave, end(campaigns.Abandoned)),
		},
		"nobody in time, and no message": {
			spec:   noMessage,
			events: with(waitingCall, ms(8000, TimerFired{In: Queued, Since: clock(6200)}), ms(8100, Ended{})),
			want:   cat(waiting, []Action{Lost{}}, leave, end(campaigns.Abandoned)),
		},
		"an operator exactly at the law's time is in time": {
			spec:   full,
			events: with(waitingCall, ms(8000, OperatorFound{Operator: "ann"}), ms(9000, Ended{})),
			want:   cat(waiting, []Action{Connect{Operator: "ann"}, FreeOperator{Operator: "ann"}}, end(campaigns.Connected)),
		},
		"an operator after it talks, and the call counts as abandoned": {
			spec:   full,
			events: with(waitingCall, ms(8001, OperatorFound{Operator: "ann"}), ms(9000, Ended{})),
			want:   cat(waiting, []Action{Connect{Operator: "ann", Late: true}, FreeOperator{Operator: "ann"}}, end(campaigns.Abandoned)),
		},
		"an operator in the message comes too late": {
			spec:   full,
			events: with(waitingCall, ms(8000, TimerFired{In: Queued, Since: clock(6200)}), ms(8001, OperatorFound{Operator: "ann"})),
			want:   cat(waiting, []Action{Lost{}, PlayMessage{}, ArmTimer{In: Message, After: MessageAtMost}}),
		},
		"another operator takes over": {
			spec: full,
			events: with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}), ms(9000, OperatorLost{}),
				ms(9500, OperatorFound{Operator: "bob"}), ms(20000, Ended{})),
			want: cat(waiting, []Action{
				Connect{Operator: "ann"}, FindOperator{}, ArmTimer{In: Stranded, After: StrandedAtMost},
				Connect{Operator: "bob", Again: true}, FreeOperator{Operator: "bob"},
			}, end(campaigns.Connected)),
		},
		"nobody takes over": {
			spec: full,
			events: with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}), ms(9000, OperatorLost{}),
				ms(19000, TimerFired{In: Stranded, Since: clock(9000)}), ms(19100, Ended{})),
			want: cat(waiting, []Action{Connect{Operator: "ann"}, FindOperator{}, ArmTimer{In: Stranded, After: StrandedAtMost}},
				leave, end(campaigns.Connected)),
		},
		"the timer of the first loss does not end the second": {
			spec: full,
			events: with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}), ms(9000, OperatorLost{}),
				ms(9500, OperatorFound{Operator: "bob"}), ms(18000, OperatorLost{}), ms(19000, TimerFired{In: Stranded, Since: clock(9000)})),
			want: cat(waiting, []Action{
				Connect{Operator: "ann"}, FindOperator{}, ArmTimer{In: Stranded, After: StrandedAtMost},
				Connect{Operator: "bob", Again: true}, FindOperator{}, ArmTimer{In: Stranded, After: StrandedAtMost},
			}),
		},
		"a late timer is harmless": {
			spec:   full,
			events: with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}), ms(8000, TimerFired{In: Queued, Since: clock(6200)})),
			want:   cat(waiting, []Action{Connect{Operator: "ann"}}),
		},
		"repeated and late messages change nothing": {
			spec: full,
			events: with(waitingCall, ms(6300, Rings{Since: clock(6300)}), ms(6310, Answered{At: clock(6310)}), ms(6320, Begun{}),
				ms(6330, Verdict{Outcome: campaigns.MachineHeard}), ms(6340, Cancel{}), ms(6350, Played{}), ms(6360, OptOut{})),
			want: waiting,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, got := play(c.spec, c.events)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimesOfACall(t *testing.T) {
	c, _ := play(full, with(waitingCall, ms(6500, OperatorFound{Operator: "ann"})))
	got := map[string]time.Time{
		"ringing": c.RingingAt(), "answered": c.AnsweredAt(), "verdict": c.VerdictAt(),
		"greeting end": c.GreetingEnd(), "bridged": c.BridgedAt(), "since": c.Since(), "connect by": c.ConnectBy(),
	}
	want := map[string]time.Time{
		"ringing": clock(290), "answered": clock(4990), "verdict": clock(6200),
		"greeting end": clock(6000), "bridged": clock(6500), "since": clock(6500), "connect by": clock(8000),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
	if c.ID() != "a1" || c.State() != Bridged || c.Operator() != "ann" {
		t.Errorf("got %s, %s, %s", c.ID(), c.State(), c.Operator())
	}
}
