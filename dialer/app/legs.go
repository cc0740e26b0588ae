package app

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/sip"
)

// legJournal keeps the dialogs of operators' legs on disk while they are up,
// one small file each, so that a restart can end them. Customers' dialogs are
// in the store, with their attempts.
type legJournal struct {
	dir  string
	log  *zap.Logger
	mu   sync.Mutex
	todo []sip.Event
	more chan struct{}
}

func openLegJournal(dir string, log *zap.Logger) (*legJournal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &legJournal{dir: dir, log: log, more: make(chan struct{}, 1)}, nil
}

// note takes an event; run writes it. It never blocks.
func (j *legJournal) note(ev sip.Event) {
	switch ev.(type) {
	case sip.Answered, sip.Ended:
	default:
		return
	}
	j.mu.Lock()
	j.todo = append(j.todo, ev)
	j.mu.Unlock()
	select {
	case j.more <- struct{}{}:
	default:
	}
}

func (j *legJournal) run(ctx context.Context) error {
	for {
		select {
		case <-j.more:
			j.write()
		case <-ctx.Done():
			j.write()
			return nil
		}
	}
}

func (j *legJournal) write() {
	j.mu.Lock()
	todo := j.todo
	j.todo = nil
	j.mu.Unlock()
	for _, ev := range todo {
		if err := j.apply(ev); err != nil && !os.IsNotExist(err) {
			j.log.Warn("phone leg not kept: a crash would leave it to the session timer", zap.Error(err))
		}
	}
}

func (j *legJournal) apply(ev sip.Event) error {
	switch ev := ev.(type) {
	case sip.Answered:
		b, err := json.Marshal(ev.Dialog)
		if err != nil {
			return err
		}
		return os.WriteFile(j.path(string(ev.Leg)), b, 0o600)
	case sip.Ended:
		return os.Remove(j.path(string(ev.Leg)))
	}
	return nil
}

func (j *legJournal) path(leg string) string {
	return filepath.Join(j.dir, url.PathEscape(leg)+".json")
}

// finishPhones bounds how long ending strays at the phones may take.
const finishPhones = 9 * time.Second

// finish ends every leg that a dead process left up, and says how many.
func (j *legJournal) finish(ctx context.Context, agent *sip.Agent) int {
	ctx, cancel := context.WithTimeout(ctx, finishPhones)
	defer cancel()
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return 0
	}
	var wg sync.WaitGroup
	strays := 0
	for _, f := range files {
		path := filepath.Join(j.dir, f.Name())
		if !strings.HasSuffix(path, ".json") {
			continue
		}
		var d sip.Dialog
		b, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(b, &d)
		}
		if err != nil { // cut short by the crash: the session timer ends the leg
			_ = os.Remove(path)
			continue
		}
		strays++
		wg.Go(func() {
			defer os.Remove(path) // not before: a process that dies here leaves it to the next one
			if err := agent.Finish(ctx, d); err != nil {
				j.log.Info("phone leg of a dead process not confirmed as ended", zap.Error(err))
			}
		})
	}
	wg.Wait()
	return strays
}
