package dialer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Where several nodes share a store, an operator is on duty at one of them at a
// time. The store is asked before a shift begins and told when it is over; each
// message has a number, so that one that comes late changes nothing.

// dutyRetry is when the store is told again that a shift is over.
const dutyRetry = time.Second

// nextDuty numbers a message about a duty.
func (e *Engine) nextDuty() int64 {
	e.duties++
	return e.duties
}

// takeDuty asks the store for an operator; nth is of nextDuty. Where it is not known
// what became of that, the duty is given back.
func (e *Engine) takeDuty(ctx context.Context, user string, nth int64) error {
	if e.deps.Duty == nil {
		return nil
	}
	err := e.deps.Duty(ctx, campaigns.UserID(user), nth, true)
	if errors.Is(err, campaigns.ErrStale) {
		return fmt.Errorf("%w: their shift ended just now", ErrState)
	}
	if err == nil || campaigns.IsAnswer(err) {
		return err
	}
	e.mail.put(result{func(now time.Time) {
		if o := e.operatorFor(now, user); !o.duty {
			e.endDuty(o)
		}
	}})
	return err
}

// granted are the campaigns that a user may work for; empty: every one.
func (e *Engine) granted(ctx context.Context, user campaigns.UserID) ([]campaigns.CampaignID, error) {
	if e.deps.Granted == nil {
		return nil, nil
	}
	return e.deps.Granted(ctx, user)
}

// followDuty gives the duty of an operator back whose shift is over.
func (e *Engine) followDuty(o *liveOperator) {
	if o.duty && o.State() == operator.Offline {
		o.duty = false
		e.endDuty(o)
	}
}

func (e *Engine) endDuty(o *liveOperator) {
	if e.deps.Duty == nil {
		return
	}
	nth := e.nextDuty()
	e.later(func(ctx context.Context) func(time.Time) {
		err := e.deps.Duty(ctx, campaigns.UserID(o.ID()), nth, false)
		if err == nil || campaigns.IsAnswer(err) {
			return nil
		}
		return func(time.Time) {
			e.after(dutyRetry, func(time.Time) {
				if !o.duty && !e.draining { // whoever drains gives everything back at once
					e.endDuty(o)
				}
			})
		}
	})
}

// regainDuties tells the store in a new term who is on duty here. Those who signed in
// to another node meanwhile go off duty here, after the present call.
func (e *Engine) regainDuties(ctx context.Context) error {
	if e.deps.Duty == nil {
		return nil
	}
	asked := map[string]int64{}
	err := e.do(ctx, func(time.Time) error {
		for user, o := range e.operators {
			if o.duty {
				asked[user] = e.nextDuty()
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, user := range slices.Sorted(maps.Keys(asked)) {
		err := e.deps.Duty(ctx, campaigns.UserID(user), asked[user], true)
		if _, gone := errors.AsType[*campaigns.OnDutyElsewhere](err); gone {
			err = e.do(ctx, func(now time.Time) error {
				e.log.Warn("an operator signed in to another node while ours was cut off", zap.String("user", user), zap.Error(err))
				o := e.operatorFor(now, user)
				o.duty = false
				e.stepOperator(now, o, operator.OffDuty{})
				return nil
			})
		}
		if err != nil && !errors.Is(err, campaigns.ErrStale) { // stale: their shift ended just now
			return err
		}
	}
	return nil
}
