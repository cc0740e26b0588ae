// Package background runs long work of a store beside its calls: one job of a name
// at a time, again after a pause where it failed, and once more where it was asked
// for while it ran. It knows nothing of what the jobs do.
package background

import (
	"context"
	"sync"
	"time"
)

// Jobs are the jobs of one store. Use New, and Close at the end.
type Jobs struct {
	pause  time.Duration // after a failure
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu   sync.Mutex
	jobs map[string]*job // those that run
}

type job struct {
	again   bool
	problem error // of the last try, while it waits for the next
	over    chan struct{}
}

// New makes jobs that wait so long after a failure.
func New(pause time.Duration) *Jobs {
	ctx, cancel := context.WithCancel(context.Background())
	return &Jobs{pause: pause, ctx: ctx, cancel: cancel, jobs: map[string]*job{}}
}

// Start runs work until it returns nil, or the jobs are closed, which ends its
// context.
func (j *Jobs) Start(name string, work func(context.Context) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ctx.Err() != nil {
		return
	}
	if running := j.jobs[name]; running != nil {
		running.again = true
		return
	}
	one := &job{over: make(chan struct{})}
	j.jobs[name] = one
	j.ended.Go(func() { j.run(name, one, work) })
}

func (j *Jobs) run(name string, one *job, work func(context.Context) error) {
	for {
		err := work(j.ctx)
		if j.finished(name, one, err) {
			return
		}
		if err == nil {
			continue
		}
		timer := time.NewTimer(j.pause)
		select {
		case <-timer.C:
		case <-j.ctx.Done():
			timer.Stop()
		}
	}
}

// finished says whether a job is over, and forgets it where it is.
func (j *Jobs) finished(name string, one *job, err error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	one.problem = err
	if j.ctx.Err() == nil && (err != nil || one.again) {
		one.again = false
		return false
	}
	delete(j.jobs, name)
	close(one.over)
	return true
}

// Running says whether a job of a name runs, and why its last try failed, if it did.
func (j *Jobs) Running(name string) (running bool, problem error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	one := j.jobs[name]
	if one == nil {
		return false, nil
	}
	return true, one.problem
}

// Wait returns when no job of a name runs, or ctx ends.
func (j *Jobs) Wait(ctx context.Context, name string) error {
	j.mu.Lock()
	one := j.jobs[name]
	j.mu.Unlock()
	if one == nil {
		return nil
	}
	select {
	case <-one.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends all jobs and waits for them.
func (j *Jobs) Close() {
	j.mu.Lock()
	j.cancel()
	j.mu.Unlock()
	j.ended.Wait()
}
