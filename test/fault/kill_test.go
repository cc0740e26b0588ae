package fault

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns/redis/redistest"
	"github.com/outpace-dialer/outpace/test/carrier"
)

const (
	// endedWithin is how soon after a restart nothing of the dead process may
	// be up any more, counted from the start of the new one.
	endedWithin = 10 * time.Second
	killSeed    = 9
)

// life is one process: from its start to its death. ready is zero where it died
// while it put in order what the one before it had left.
type life struct{ started, ready, died time.Time }

// mixed is who is at a number: somebody of each kind that leaves a dialog in a
// state of its own when the product dies.
func mixed(number string, _ int) (carrier.Behaviour, bool) {
	h := fnv.New32a()
	h.Write([]byte(number)) //nolint:errcheck // never fails
	draw := rand.New(rand.NewPCG(killSeed, uint64(h.Sum32())))
	ring := 300*time.Millisecond + time.Duration(draw.IntN(900))*time.Millisecond
	switch at := draw.IntN(100); {
	case at < 55:
		// They wait and talk for longer than a life: who ends the call is the product.
		return carrier.Behaviour{Kind: carrier.Person, Ring: ring, Ringback: at < 10, Talk: time.Minute, Patience: time.Minute}, true
	case at < 70:
		return carrier.Behaviour{Kind: carrier.NoAnswer}, true
	case at < 80:
		return carrier.Behaviour{Kind: carrier.Machine, Ring: ring}, true
	case at < 85:
		return carrier.Behaviour{Kind: carrier.LateAnswer}, true
	case at < 90:
		return carrier.Behaviour{Kind: carrier.Announcement}, true
	case at < 95:
		return carrier.Behaviour{Kind: carrier.Busy}, true
	}
	return carrier.Behaviour{Kind: carrier.Invalid}, true
}

// TestKill9 kills the product at random points and starts it again on the same
// store; then the store is held against what the far ends saw.
func TestKill9(t *testing.T) {
	t.Parallel()
	killAndJudge(t, embedded)
}

// TestKill9OnRedis is TestKill9 with the store of several machines.
func TestKill9OnRedis(t *testing.T) {
	t.Parallel()
	killAndJudge(t, redistest.Start(t).URL())
}

func killAndJudge(t *testing.T, store string) {
	t.Helper()
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_KILLS")); err == nil && n > 0 {
		kills = n
	}
	w := newWorldOn(t, store, carrier.Config{Seed: killSeed, Behave: mixed}, 400+100*kills, 10)
	draw := rand.New(rand.NewPCG(killSeed, 0))
	w.start(t)
	w.operate(t, 20*time.Second)
	var lives []life
	for i := range kills {
		pass(300*time.Millisecond + within(draw, 2700*time.Millisecond))
		if i%4 == 3 { // people talk and are recorded, talks end, machines are hung up
			pass(3*time.Second + within(draw, 4*time.Second))
		}
		w.kill()
		lives = append(lives, life{w.startedAt, w.readyAt, w.died})
		if i%3 == 2 {
			w.killClearing(t)
			lives = append(lives, life{started: w.startedAt, died: w.died})
		}
		w.start(t)
	}
	pass(time.Until(w.startedAt.Add(endedWithin + time.Second)))
	w.stop(t)
	lives = append(lives, life{w.startedAt, w.readyAt, time.Now()})
	judge(t, w, lives)
}

// killClearing starts the product and kills it when it ends the first of the
// dialogs that were left to it.
func (w *world) killClearing(t *testing.T) {
	t.Helper()
	ends := w.journal.ends()
	w.launch(t)
	for deadline := time.Now().Add(2 * time.Second); w.journal.ends() == ends && time.Now().Before(deadline); {
		pass(time.Millisecond)
	}
	w.kill()
}

func within(draw *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(draw.Int64N(int64(d)))
}
