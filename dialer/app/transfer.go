package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns/number"
	"github.com/outpace-dialer/outpace/dialer"
)

// unlisted are the reasons against a number that do not keep an operator from having
// it called where their campaign names it: they say where a lead may not be, not what
// a call costs. Toll-free numbers have no zone; our numbering plans may be old.
var unlisted = map[number.Reason]bool{
	number.Malformed: true, number.NotAssigned: true, number.NoZone: true, number.TollFree: true,
}

// transferable says whether an operator may have a number called that their campaign
// allows; see dialer.Deps.
func (a *App) transferable(ctx context.Context, e164 string) error {
	_, err := number.Parse(e164, "")
	if refused, is := errors.AsType[*number.Error](err); is && !unlisted[refused.Reason] {
		return fmt.Errorf("%w: %w", dialer.ErrForbidden, refused)
	}
	_, is, err := a.store.Suppressed(ctx, e164)
	if err != nil {
		return err
	}
	if is {
		return fmt.Errorf("%w: it is on do-not-call", dialer.ErrForbidden)
	}
	return nil
}
