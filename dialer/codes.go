package dialer

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
)

// Feature codes let an operator work by phone alone. On duty is dialled; the
// rest is keyed in on the open leg, each ended by its own length.
//
//	*1<PIN>  on duty (dialled)     *2  ready      *3  pause
//	*4       hang up the customer  *5  a machine answered
//	*0       off duty
//	1..9     the disposition with that digit, while wrapping up
const (
	codeOnDuty  = "*1"
	codeReady   = "*2"
	codePause   = "*3"
	codeHangUp  = "*4"
	codeMachine = "*5"
	codeOffDuty = "*0"
)

// dialInName may be dialled by an operator's own, registered phone.
const dialInName = "outpace"

// pinTime bounds one comparison of a PIN.
const pinTime = 5 * time.Second

// checkDialIn says whether a phone may open its operator's leg. The PIN is
// compared beside the loop: a slow hash is meant to be slow. Then the store is asked
// whether they are on duty elsewhere.
func (e *Engine) checkDialIn(o *liveOperator, dialed string, then func(now time.Time, ok bool)) {
	pin, isCode := strings.CutPrefix(dialed, codeOnDuty)
	if dialed != dialInName && !isCode {
		then(time.Now(), false)
		return
	}
	user, nth := o.ID(), e.nextDuty()
	e.later(func(ctx context.Context) func(time.Time) {
		ctx, cancel := context.WithTimeout(ctx, pinTime)
		defer cancel()
		ok := e.deps.CheckPIN(ctx, user, pin)
		var granted []campaigns.CampaignID
		if ok {
			var err error
			if granted, err = e.granted(ctx, campaigns.UserID(user)); err == nil {
				err = e.takeDuty(ctx, user, nth)
			}
			if err != nil {
				e.log.Warn("a phone that dialled in was refused", zap.String("user", user), zap.Error(err))
				ok = false
			}
		}
		return func(now time.Time) {
			if ok {
				o.granted = granted
			}
			then(now, ok)
		}
	})
}

// onOperatorDigit collects a feature code from the operator's key presses. In a
// talk without a star the digits are for the customer's side.
func (e *Engine) onOperatorDigit(now time.Time, o *liveOperator, digit rune) {
	if digit == '*' {
		o.code = "*"
		return
	}
	if o.code == "*" {
		code := o.code + string(digit)
		o.code = ""
		e.feature(now, o, code)
		return
	}
	if o.State() == operator.Wrapping {
		e.disposeByDigit(now, o, string(digit))
	}
}

func (e *Engine) feature(now time.Time, o *liveOperator, code string) {
	leg := media.LegID(o.leg)
	switch code {
	case codeReady:
		e.deps.Audio.Play(leg, media.PromptReady)
		e.stepOperator(now, o, operator.SetReady{})
	case codePause:
		e.deps.Audio.Play(leg, media.PromptPaused)
		e.stepOperator(now, o, operator.Pause{Reason: "phone"})
	case codeHangUp:
		_ = e.hangUp(now, o) // without a call there is nothing to end
	case codeMachine:
		_ = e.saidMachine(now, o, "") // where it cannot be said nothing changes
	case codeOffDuty:
		e.stepOperator(now, o, operator.OffDuty{})
	}
}

func (e *Engine) disposeByDigit(now time.Time, o *liveOperator, digit string) {
	if o.last == nil {
		return
	}
	for _, d := range dispositionsOf(o.last.campaign) {
		if d.Digit != digit {
			continue
		}
		var said Said
		if d.Effect.Callback { // a phone cannot name a time: tomorrow at this hour
			said.CallbackAt = now.Add(24 * time.Hour)
		}
		e.finishWrap(now, o, d, said)
		return
	}
}

// finishWrap writes the disposition and lets the operator go on.
func (e *Engine) finishWrap(now time.Time, o *liveOperator, d campaigns.Disposition, s Said) {
	e.dispose(now, o.last, d, campaigns.UserID(o.ID()), s)
	e.stepOperator(now, o, operator.Disposed{})
}

// defaultDisposition is written when the wrap-up ran out.
func (e *Engine) defaultDisposition(now time.Time, o *liveOperator) {
	t := o.last
	if t == nil || t.disposed || t.next != nil { // who took over says what came of it
		return
	}
	code := t.campaign.Wrap.Default
	if code == "" {
		code = DefaultDisposition
	}
	for _, d := range dispositionsOf(t.campaign) {
		if d.Code == code {
			e.dispose(now, t, d, "", Said{Note: "wrap-up ran out"})
			return
		}
	}
}

// DefaultDisposition is written where the wrap-up ran out and the campaign does
// not say what then.
const DefaultDisposition = "no_decision"
