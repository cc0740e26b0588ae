package call

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
)

// The operator's word that a machine answered ends their part at once. Where a message is
// left it is left as on any machine, and nothing makes a person of it again; else we hang up.
func TestOperatorSaysMachine(t *testing.T) {
	drop, own := full, full
	drop.Drop = true
	own.Drop, own.Detect = true, false
	talk := with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}))
	late := with(waitingCall, ms(8500, OperatorFound{Operator: "ann"}))
	free := FreeOperator{Operator: "ann", TakenBack: campaigns.MachineHeard, Said: true}
	doubt, drops := ArmTimer{In: Doubted, After: BeepAtMost}, ArmTimer{In: Dropping, After: MessageAtMost}
	leave := []Action{HangUpLeg{}, ArmTimer{In: Leaving, After: LeaveAtMost}}
	toBeep := []Action{free, ListenForBeep{}, doubt}
	over := EndAttempt{Outcome: campaigns.MachineHeard}
	cat := func(first []Action, rest ...Action) []Action { return append(append([]Action{}, first...), rest...) }
	for name, tt := range map[string]struct {
		spec   Spec
		before []at
		events []at
		want   []Action
	}{
		"no message is left": {full, talk, []at{ms(9000, SaidMachine{}), ms(9100, Ended{})}, cat([]Action{free}, append(leave, over)...)},
		"a message after its beep": {
			drop, talk, []at{ms(9000, SaidMachine{}), ms(12000, Beep{}), ms(12300, Recording{}), ms(20000, Played{}), ms(20100, Ended{})},
			cat(toBeep, append([]Action{LeaveMessage{}, drops}, append(leave, over)...)...),
		},
		"a message where it is quiet": {
			drop, talk, []at{ms(9000, SaidMachine{}), ms(13000, Verdict{Outcome: campaigns.MachineHeard, GreetingEnd: clock(9000)})},
			cat(toBeep, LeaveMessage{}, drops),
		},
		"no person after that word": {
			drop, talk, []at{ms(9000, SaidMachine{}), ms(9500, person(9000)), ms(10000, firstSpeech(10000)), ms(12000, OperatorFound{Operator: "bob"}), ms(69000, TimerFired{In: Doubted, Since: clock(9000)})},
			cat(toBeep, leave...),
		},
		"it hangs up before its beep":     {drop, talk, []at{ms(9000, SaidMachine{}), ms(9700, Ended{})}, cat(toBeep, over)},
		"too late for the law: no person": {full, late, []at{ms(9000, SaidMachine{}), ms(9100, Ended{})}, cat([]Action{free}, append(leave, over)...)},
		"a call of the operator's choice": {
			own, []at{ms(1, Begun{}), ms(300, Rings{Since: clock(290)}), ms(5000, Answered{At: clock(4990)}), ms(5010, OperatorFound{Operator: "ann"})},
			[]at{ms(9000, SaidMachine{})}, toBeep,
		},
		"twice is once":                    {drop, talk, []at{ms(9000, SaidMachine{}), ms(9100, SaidMachine{})}, toBeep},
		"on hold":                          {drop, with(talk, ms(7000, Hold{})), []at{ms(9000, SaidMachine{})}, nil},
		"while a third party is called":    {drop, with(talk, ms(7000, Consult{})), []at{ms(9000, SaidMachine{})}, nil},
		"with a third party":               {drop, with(talk, ms(7000, Consult{}), ms(8000, ThirdUp{})), []at{ms(9000, SaidMachine{})}, nil},
		"in a conference":                  {drop, with(talk, ms(7000, Consult{}), ms(8000, ThirdUp{}), ms(8500, Confer{})), []at{ms(9000, SaidMachine{})}, nil},
		"nobody is there who could say it": {drop, waitingCall, []at{ms(6300, SaidMachine{})}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, before := play(tt.spec, tt.before)
			_, all := play(tt.spec, with(tt.before, tt.events...))
			if diff := cmp.Diff(tt.want, append([]Action(nil), all[len(before):]...)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
		})
	}
}

// Who called us is a person.
func TestCallerIsNoMachine(t *testing.T) {
	c, _ := play(Spec{ID: "a1", Inbound: true}, []at{ms(1, Begun{}), ms(10, Answered{At: clock(10)}), ms(20, OperatorFound{Operator: "ann"})})
	if actions := c.Step(begin.Add(time.Second), SaidMachine{}); actions != nil || c.State() != Bridged {
		t.Errorf("%v, and the call is %s", actions, c.State())
	}
}

// Neither a talk nor a person who was told is left of it.
func TestSaidMachineLeavesNoTalk(t *testing.T) {
	c, _ := play(full, with(waitingCall, ms(6500, OperatorFound{Operator: "ann"}), ms(9000, SaidMachine{})))
	if c.Operator() != "" || !c.BridgedAt().IsZero() || !c.VerdictAt().IsZero() || c.State() != Leaving {
		t.Errorf("operator %q, bridged %v, verdict %v, %s", c.Operator(), c.BridgedAt(), c.VerdictAt(), c.State())
	}
}
