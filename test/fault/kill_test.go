package fault

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/redistest"
	"github.com/outpace-dialer/outpace/test/testbed"
)

const (
	// endedWithin is how soon after a restart nothing of the dead process may
	// be up any more, counted from the start of the new one.
	endedWithin = 10 * time.Second
	killSeed    = 9
)

// life is one process: from its start to its death. ready is zero where it died
// while it put in order what the one before it had left. killed is before died by as
// long as the disk held a thread of it: all others stop when they are told to.
type life struct{ started, ready, killed, died time.Time }

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

// killLeads is how many leads there are for each kill.
const killLeads = 6

func killAndJudge(t *testing.T, store string) {
	t.Helper()
	kills, many := 4, false
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_KILLS")); err == nil && n > 0 {
		kills, many = n, n >= 50
	}
	leads := max(200, killLeads*kills)
	w := newWorldOn(t, store, carrier.Config{Seed: killSeed, Behave: mixed}, leads, 8)
	draw := rand.New(rand.NewPCG(killSeed, 0))
	w.start(t)
	w.disk = watchDisk(t)
	leave := w.operate(t, 20*time.Second)
	var lives []life
	for len(lives) < kills {
		w.dialSome(draw, leads, kills-len(lives))
		if len(lives)%5 == 3 { // people talk and are recorded, talks end, machines are hung up
			testbed.Pass(3*time.Second + within(draw, 4*time.Second))
		}
		w.kill()
		lives = append(lives, life{w.startedAt, w.readyAt, w.killed, w.died})
		if len(lives)%4 == 3 && len(lives) < kills {
			w.killClearing(t)
			lives = append(lives, life{started: w.startedAt, killed: w.killed, died: w.died})
		}
		w.start(t)
		if len(lives)%50 == 0 {
			t.Logf("%d kills, %d calls", len(lives), w.carrier.Stats().Invites)
		}
	}
	if many {
		leave()
		w.operate(t, 300*time.Millisecond)
		w.dialAll()
	}
	testbed.Pass(time.Until(w.startedAt.Add(endedWithin + time.Second)))
	w.stop(t)
	lives = append(lives, life{w.startedAt, w.readyAt, time.Now(), time.Now()})
	judge(t, w, lives)
	if many {
		judgeAll(t, w, leads)
	}
}

// dialSome lets the product live for a while: until as many calls were made as
// there are leads for each of the kills to come, give or take all of them, but not
// for long; then for a moment more, so that each step of a call has its turn.
func (w *world) dialSome(draw *rand.Rand, leads, kills int) {
	made := w.carrier.Stats().Invites
	share := max(0, leads-int(made)) / kills
	enough := made + uint64(draw.IntN(2*share+2))
	for end := time.Now().Add(3 * time.Second); w.carrier.Stats().Invites < enough && time.Now().Before(end); {
		testbed.Pass(time.Millisecond)
	}
	testbed.Pass(within(draw, 700*time.Millisecond))
}

// dialAll waits until no lead is dialled any more: for longer than a number rests
// whose lock a dead process left.
func (w *world) dialAll() {
	last := w.carrier.Stats().Invites
	for quiet, end := time.Now(), time.Now().Add(15*time.Minute); time.Since(quiet) < campaigns.LockedFor+15*time.Second && time.Now().Before(end); {
		testbed.Pass(time.Second)
		if n := w.carrier.Stats().Invites; n != last {
			last, quiet = n, time.Now()
		}
	}
}

// judgeAll: each lead was dialled once, and each of these attempts has its outcome.
func judgeAll(t *testing.T, w *world, leads int) {
	t.Helper()
	store := w.open(t)
	defer store.Close()
	times := map[campaigns.LeadID]int{}
	all, kept := 0, allAttempts(t, store)
	for _, a := range kept {
		if a.Outcome != campaigns.NotPlaced {
			times[a.Lead]++
			all++
		}
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("lead %d was dialled %d times", id, n)
		}
	}
	if len(times) != leads {
		t.Errorf("%d of %d leads were dialled", len(times), leads)
	}
	t.Logf("%d leads, %d attempts with one outcome each; %d more were never placed", leads, all, len(kept)-all)
}

// killClearing starts the product and kills it when it ends the first of the
// dialogs that were left to it.
func (w *world) killClearing(t *testing.T) {
	t.Helper()
	ends := w.ends()
	w.launch(t)
	for deadline := time.Now().Add(2 * time.Second); w.ends() == ends && time.Now().Before(deadline); {
		testbed.Pass(time.Millisecond)
	}
	w.kill()
}

func within(draw *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(draw.Int64N(int64(d)))
}
