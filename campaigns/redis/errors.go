package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// ErrClosed means that the store was closed.
var ErrClosed = errors.New("redis: store is closed")

// ErrUnavailable means that Redis did not answer, or answered that it cannot
// serve now: it is gone, loading, full, without enough replicas, or in the middle
// of a failover. Whether the operation was done is not known; doing it again is
// safe. Nothing new may be dialled meanwhile.
var ErrUnavailable = errors.New("redis: unavailable")

// ErrNotReplicated means that a replica is connected, or was until a minute ago, but
// did not confirm a write in time, which may be lost with its master. An attempt's INVITE must
// not leave then: it is to be ended as not placed. An outcome, a disposition or a do-not-call
// is to be given again.
var ErrNotReplicated = fmt.Errorf("redis: no replica confirmed the write in time: %w", ErrUnavailable)

// errUsed means that there is an attempt with this id already.
var errUsed = errors.New("redis: attempt id was used before")

// refusals are how Redis says that it cannot serve now. EXECABORT is a transaction
// that did nothing because one of its commands met another of these.
var refusals = []string{"EXECABORT", "MISCONF", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "OOM", "BUSY", "UNBLOCKED"}

// explain wraps an error of an operation and says where Redis is to blame.
func explain(operation string, err error) error {
	if err == nil || campaigns.IsAnswer(err) {
		return err
	}
	if unavailable(err) && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

func unavailable(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false // somebody stopped waiting
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, goredis.ErrPoolTimeout) || errors.Is(err, goredis.ErrClosed) {
		return true
	}
	said, ok := errors.AsType[goredis.Error](err)
	if !ok {
		return false
	}
	for _, word := range refusals {
		if strings.Contains(said.Error(), word) { // a script puts words of its own before it
			return true
		}
	}
	return false
}
