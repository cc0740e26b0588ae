package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
)

// whole says that the long measurements are wanted (make wire); nth is which of the
// recorded calls they play: each, or each second, ...
func whole() bool { return nth() > 0 }

func nth() int {
	n, _ := strconv.Atoi(os.Getenv("OUTPACE_WIRE")) // empty is 0
	return n
}

// part is something that is measured over RTP.
type part struct {
	name    string
	lineups []lineup
	judge   func(t *testing.T, calls [][]wireCall) // those of its lineups
}

// TestWire has the product call recordings over RTP, and looks at what it said, at
// what people heard and at what machines recorded. It runs alone.
func TestWire(t *testing.T) {
	prompts := t.TempDir()
	writeWAV(t, filepath.Join(prompts, "message.wav"), tone(500, int(messageLength.Milliseconds())))
	parts := []part{verdicts(t), deadAir(t), voicemail()}
	if only := os.Getenv("OUTPACE_WIRE_PART"); only != "" {
		parts = slices.DeleteFunc(parts, func(p part) bool { return p.name != only })
	}
	var all []lineup
	for _, p := range parts {
		all = append(all, p.lineups...)
	}
	calls := callAll(t, prompts, all...)
	for _, p := range parts {
		its := calls[:len(p.lineups)]
		calls = calls[len(p.lineups):]
		t.Run(p.name, func(t *testing.T) { p.judge(t, its) })
	}
}

// enough says whether of so many calls enough went by undisturbed to judge by. On a
// machine that is busy with other things `make wire` fails, because it showed nothing;
// among the other tests the calls are left unjudged, and the log says so.
func enough(t *testing.T, what string, undisturbed, of int) bool {
	t.Helper()
	if undisturbed*4 >= of {
		return true
	}
	report := t.Logf
	if os.Getenv("OUTPACE_WIRE") != "" {
		report = t.Errorf
	}
	report("%s: the machine is too busy to tell: %d of %d calls went by undisturbed", what, undisturbed, of)
	return false
}

// lineup is a set of recordings that a product calls in one way.
type lineup struct {
	campaign   string
	detection  string
	voicemail  string
	recordings []*carrier.Recording
	operators  int
}

// wireCall is what is known of one call of a lineup.
type wireCall struct {
	heard  []opinion    // by the product's log
	told   []time.Time  // when each of them was logged
	begin  time.Time    // when the first sample of the recording was spoken
	late   [][2]int     // of its packets: number, ms
	tone   time.Time    // the operator's, at the far end
	sounds []heardSound // at the far end
	stalls []stall      // of the product
	ended  string       // by whom
	called bool
}

type heardSound struct{ first, last time.Time }

// timeBy takes the times of the far end's packets. One that was held up at its start
// caught up: times are counted from where the first packet should have left.
func (c *wireCall) timeBy(marks carrier.Event) {
	first := marks.FirstAt
	if by := marks.LastAt.Add(-time.Duration(marks.Last-1) * packetTime); by.Before(first) {
		first = by
	}
	held := int(marks.FirstAt.Sub(first).Milliseconds())
	c.begin = first.Add(-packetTime)
	for _, l := range marks.Late {
		c.late = append(c.late, [2]int{l[0], l[1] + held})
	}
}

// sentAt is when the packet with a sample had left.
func (c *wireCall) sentAt(sample int) time.Time {
	number := sample/160 + 1
	at := c.begin.Add(time.Duration(number) * packetTime)
	for _, l := range c.late {
		if l[0] == number {
			at = at.Add(time.Duration(l[1]) * time.Millisecond)
		}
	}
	return at
}

// busy is how late the far end or the product may be until a call tells more of the
// machine that the test runs on than of the product; waits is how long the product
// waits for a packet besides.
const (
	busy  = 60 * time.Millisecond
	waits = 100 * time.Millisecond
)

// undisturbed says that between two times of its recording nothing of a call was late
// for want of a processor: none of the far end's packets, nothing that the product
// heard, and not its clock.
func (c *wireCall) undisturbed(from, to time.Duration) bool {
	for _, l := range c.late {
		at := time.Duration(l[0]) * packetTime
		if l[1] > int(busy.Milliseconds()) && at >= from && at <= to {
			return false
		}
	}
	for i, told := range c.told {
		at := c.heard[i].at
		if told.Sub(c.begin)-at > busy+waits && at >= from && at <= to {
			return false
		}
	}
	for _, s := range c.stalls {
		if s.to.After(c.begin.Add(from)) && s.from.Before(c.begin.Add(to)) {
			return false
		}
	}
	return true
}

// stall is a time in which the product's audio clock was late.
type stall struct{ from, to time.Time }

// watchLateness asks the product again and again how late its clock was; stop tells when.
func watchLateness(t *testing.T, p *product) (stop func() []stall) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stalls []stall
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for last := time.Now(); ; {
			late, err := p.metric(ctx, "dialer_media_tick_lateness_seconds")
			now := time.Now()
			if err == nil && late > busy.Seconds() {
				stalls = append(stalls, stall{last, now})
			}
			last = now
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() []stall {
		cancel()
		asking.Wait()
		return stalls
	}
}

// numberOf is the number of a recording of a lineup.
func numberOf(lineup, recording int) string { return fmt.Sprintf("+99976%02d%05d", lineup, recording) }

// callAll has the product call every recording of the lineups, once, and
// returns what came of each.
func callAll(t *testing.T, prompts string, lineups ...lineup) [][]wireCall {
	t.Helper()
	behaviours := map[string]carrier.Behaviour{}
	calls := 0
	for l, line := range lineups {
		for i, r := range line.recordings {
			behaviours[numberOf(l, i)] = carrier.Behaviour{Kind: carrier.Recorded, Ring: 300 * time.Millisecond, Recording: r}
			calls++
		}
	}
	var first atomic.Int64
	far, journal := startCarrier(t, carrier.Config{Seed: 1, OperatorHz: operatorHz, CustomerHz: customerHz,
		Behave: func(number string, attempt int) (carrier.Behaviour, bool) {
			if attempt > 1 {
				return carrier.Behaviour{Kind: carrier.Busy}, true
			}
			first.Add(1)
			return behaviours[number], true
		}})
	p := newProduct(t, busyTrunk("line", far.Addr()), func(s app.Store) {
		for l, line := range lineups {
			seedLineup(t, s, l, line)
		}
	})
	p.env = []string{"OUTPACE_LOG__LEVEL=debug", "OUTPACE_MEDIA__PROMPT_DIR=" + prompts}
	p.serve(t)
	stop := staff(t, p, lineups, journal)
	boss := p.signIn(t, manager, managerPassword)
	stalls := watchLateness(t, p)
	for _, line := range lineups {
		must(t, boss.do(t.Context(), http.MethodPost, "/api/v1/campaigns/"+line.campaign+"/start", nil, nil))
	}
	longest := 2 * time.Minute
	if whole() {
		longest = time.Hour
	}
	eventually(t, longest, fmt.Sprintf("%d calls, all over", calls), func() (bool, any) {
		s := far.Stats()
		return int(first.Load()) == calls && s.Calls == 0, s
	})
	late := stalls()
	stop()
	p.stop(t)
	journal.noFaults(t)
	return gather(t, lineups, journal.events(t), heardLines(t, filepath.Join(p.dir, "serve.log")), late)
}

func busyTrunk(name, address string) string {
	return strings.NewReplacer("max_cps: 20", "max_cps: 100", "max_channels: 50", "max_channels: 500").Replace(trunkText(name, address, ""))
}

func operatorOf(line lineup, i int) string { return fmt.Sprintf("%s-%d", line.campaign, i) }

func seedLineup(t *testing.T, s app.Store, l int, line lineup) {
	t.Helper()
	var people []campaigns.UserID
	for i := range line.operators {
		seedOperator(t, s, operatorOf(line, i), "")
		people = append(people, campaigns.UserID(operatorOf(line, i)))
	}
	var numbers []string
	for i := range line.recordings {
		numbers = append(numbers, numberOf(l, i))
	}
	seedCampaign(t, s, campaigns.Campaign{ID: campaigns.CampaignID(line.campaign), State: campaigns.Paused, Trunks: "line", Detection: line.detection,
		Voicemail: line.voicemail, Operators: people}, numbers...)
}

// staff brings the operators of all lineups to work, a few at a time, as passwords
// take a while to check; they talk all the time. The function that it returns sends
// them home.
func staff(t *testing.T, p *product, lineups []lineup, log io.Writer) (stop func()) {
	t.Helper()
	var users []operators.Credential
	for _, line := range lineups {
		for i := range line.operators {
			user := operatorOf(line, i)
			users = append(users, operators.Credential{User: user, Password: apiPassword(user), SIPPassword: sipPassword(user)})
		}
	}
	web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	ctx, cancel := context.WithCancel(context.Background())
	var rooms sync.WaitGroup
	stop = func() {
		cancel()
		rooms.Wait()
		web.CloseIdleConnections()
	}
	t.Cleanup(stop)
	for few := range slices.Chunk(users, 10) {
		time.Sleep(time.Second) // more than 100 messages of strange phones in two seconds are a flood to the registrar
		room, err := operators.New(operators.Config{API: "http://" + p.http, SIP: p.phones, Users: few, OpenMic: true, HTTP: web, Log: log,
			WrapMean: 50 * time.Millisecond, FormMean: time.Millisecond, PauseProbability: -1, OperatorHz: operatorHz, CustomerHz: customerHz})
		must(t, err)
		rooms.Go(func() {
			if err := room.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		eventually(t, time.Minute, fmt.Sprintf("%d operators at work", len(few)), func() (bool, any) {
			s := room.Stats()
			return s.LegsUp == len(few), s
		})
	}
	return stop
}

// heardLine is a line of the product's log about what it heard.
type heardLine struct {
	Message     string    `json:"msg"`
	Logged      time.Time `json:"ts"`
	CallID      string    `json:"call_id"`
	Kind        string    `json:"kind"`
	Provisional bool      `json:"provisional"`
	At          time.Time `json:"at"`
}

// heardLines are those of a log, by Call-ID.
func heardLines(t *testing.T, path string) map[string][]heardLine {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	lines := map[string][]heardLine{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l heardLine
		if json.Unmarshal(in.Bytes(), &l) == nil && l.Message == "heard" {
			lines[l.CallID] = append(lines[l.CallID], l)
		}
	}
	must(t, in.Err())
	return lines
}

// gather puts the far end's journal and the product's log together.
func gather(t *testing.T, lineups []lineup, events []carrier.Event, heard map[string][]heardLine, stalls []stall) [][]wireCall {
	t.Helper()
	calls := make([][]wireCall, len(lineups))
	places := map[string][2]int{}
	for l, line := range lineups {
		calls[l] = make([]wireCall, len(line.recordings))
		for i := range line.recordings {
			places[numberOf(l, i)] = [2]int{l, i}
		}
	}
	byID := map[string]*wireCall{}
	for _, e := range events {
		if e.User != "" {
			continue // an operator's
		}
		if at := places[e.Number]; e.Event == "invite" && !calls[at[0]][at[1]].called {
			byID[e.Call] = &calls[at[0]][at[1]]
			byID[e.Call].called, byID[e.Call].stalls = true, stalls
		}
		c := byID[e.Call]
		if c == nil {
			continue
		}
		switch e.Event {
		case "marks":
			c.timeBy(e)
		case "first_tone":
			c.tone = e.T
		case "sound":
			c.sounds = append(c.sounds, heardSound{e.FirstAt, e.LastAt})
		case "bye", "final":
			c.ended = e.By
		}
	}
	for id, lines := range heard {
		c := byID[id]
		if c == nil {
			t.Fatalf("the product heard a call that nobody made: %s", id)
		}
		for _, l := range lines {
			c.heard = append(c.heard, opinion{l.Kind, l.Provisional, l.At.Sub(c.begin)})
			c.told = append(c.told, l.Logged)
		}
	}
	return calls
}

func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func sortedTimes(all []time.Duration) []time.Duration { return slices.Sorted(slices.Values(all)) }
