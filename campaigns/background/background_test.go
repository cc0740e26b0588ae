package background

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(time.Second)
		defer j.Close()
		runs := 0
		work := func(context.Context) error {
			time.Sleep(time.Minute)
			if runs++; runs == 1 {
				return errors.New("disk full")
			}
			return nil
		}
		j.Start("a", work)
		time.Sleep(time.Minute + time.Millisecond)
		if running, problem := j.Running("a"); !running || problem == nil {
			t.Errorf("after a failure: running %v, problem %v", running, problem)
		}
		time.Sleep(30 * time.Second)
		j.Start("a", work) // while it runs: once more afterwards
		j.Start("a", work)
		if err := j.Wait(t.Context(), "a"); err != nil || runs != 3 {
			t.Errorf("%d runs, %v; want the failed one, one more, and once more", runs, err)
		}
		if running, _ := j.Running("a"); running {
			t.Error("still running")
		}
		j.Start("long", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := j.Wait(short, "long"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait = %v", err)
		}
		j.Close()
		j.Start("late", work)
		if running, _ := j.Running("late"); running {
			t.Error("started after Close")
		}
	})
}
