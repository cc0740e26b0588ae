package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/tool"
)

// aLaw turns a message of sipp with PCMU into one with PCMA.
var aLaw = strings.NewReplacer("RTP/AVP 0 ", "RTP/AVP 8 ", "rtpmap:0 PCMU", "rtpmap:8 PCMA")

// sippPlays has sipp take a call and play a clip, in either law. The product
// hangs up: what is no person at its verdict, a person when their operator has
// heard enough of nothing.
func sippPlays(name string, c clip, law phone.Law) sippRow {
	bytes := make([]byte, len(c.pcm))
	law.Encode(bytes, c.pcm)
	row := sippRow{name: name, detect: true, within: 40 * time.Second, files: map[string][]byte{"clip.g711": bytes}}
	start := playAs("clip.g711", int(law))
	row.steps = []step{invited(""), ringing(), accept("a"), received("ACK"), start, ourBye}
	if c.answer > 0 {
		row.steps = []step{invited(""), answer("183 Session Progress", "a", sippContact, session("sendrecv", 1)), start,
			cancelled, answer("487 Request Terminated", "a", noBody), received("ACK")}
	}
	if law == phone.PCMA {
		for i, s := range row.steps {
			row.steps[i] = step(aLaw.Replace(string(s)))
		}
	}
	return row
}

var (
	messageTime = regexp.MustCompile(`(?m)^-+ (\d{4}-\d\d-\d\d[ T\t]+\d\d:\d\d:\d\d\.\d+)[^\n]*\nUDP message (received|sent) [^\n]*\n\s*(\S+ \S+)`)
	callIDLine  = regexp.MustCompile(`(?m)^Call-ID: (\S+)`)
)

// playedFrom is when sipp began to play: with the ACK, or its 183.
func (r *sippRun) playedFrom(t *testing.T) time.Time {
	t.Helper()
	for _, m := range messageTime.FindAllStringSubmatch(r.file("messages.log"), -1) {
		if !strings.HasPrefix(m[3], "ACK ") && m[3] != "SIP/2.0 183" {
			continue
		}
		at, err := time.ParseInLocation("2006-01-02 15:04:05.999999", strings.Join(strings.Fields(strings.Replace(m[1], "T", " ", 1)), " "), time.Local)
		must(t, err)
		return at
	}
	t.Fatalf("%s: sipp did not come to play\n%s", r.name, r.file("messages.log"))
	return time.Time{}
}

// TestWireSipp has another maker's carrier play recordings.
func TestWireSipp(t *testing.T) {
	tool.Path(t, "sipp", "calls from it")
	t.Parallel()
	clips, wanted := madeClips(1), map[string]bool{"person/0": true, "machine/0": true, "fax": true, "tritone": true, "tritone before the answer": true}
	if whole() {
		clips = append(madeClips(4), recordedClips(t, 40*nth())...)
	}
	var played []clip
	var runs []*sippRun
	trunks := ""
	for i, c := range clips {
		if !wanted[c.name] && (!whole() || c.answer > 0) {
			continue
		}
		run := newSippRun(t, sippPlays(fmt.Sprint("sipp-", i), c, []phone.Law{phone.PCMU, phone.PCMA}[len(runs)%2]), "udp")
		played, runs = append(played, c), append(runs, run)
		trunks += trunkText(run.name, run.address, "options_interval: -1s")
	}
	var lines []lineup
	p := newProduct(t, trunks, func(s app.Store) {
		for i, run := range runs {
			line := lineup{campaign: run.name, operators: 1}
			seedOperator(t, s, operatorOf(line, 0), "")
			seedCampaign(t, s, campaigns.Campaign{ID: campaigns.CampaignID(run.name), Trunks: run.name, Detection: "before",
				Operators: []campaigns.UserID{campaigns.UserID(operatorOf(line, 0))}}, fmt.Sprintf("+9997750%03d", i))
			lines = append(lines, line)
		}
	})
	p.env = []string{"OUTPACE_LOG__LEVEL=debug"}
	p.serve(t)
	stop := staff(t, p, lines, &journal{})
	for _, run := range runs {
		select {
		case err := <-run.exit:
			if err != nil {
				t.Errorf("%s: sipp: %v\n%s", run.name, err, run.file("errors.log"))
			}
		case <-time.After(run.within):
			t.Fatalf("%s: sipp waits for something that does not come\n%s", run.name, run.file("messages.log"))
		}
	}
	stop()
	p.stop(t)
	judgeSipp(t, played, runs, heardLines(t, filepath.Join(p.dir, "serve.log")))
}

// sippStarts is how long sipp may take to send the first packet of what it plays.
const sippStarts = 250 * time.Millisecond

// judgeSipp holds what the product heard to what outpace detect says of the files.
func judgeSipp(t *testing.T, clips []clip, runs []*sippRun, heard map[string][]heardLine) {
	same, near := 0, 0
	var off []time.Duration
	for i, run := range runs {
		id := callIDLine.FindStringSubmatch(run.file("messages.log"))
		if id == nil {
			t.Fatalf("%s: no call", run.name)
		}
		from := run.playedFrom(t)
		var said []opinion
		for _, l := range heard[strings.TrimSpace(id[1])] {
			said = append(said, opinion{l.Kind, l.Provisional, l.At.Sub(from)})
		}
		want, got := acted(opinions(clips[i])), acted(said)
		if want.kind != got.kind {
			t.Logf("%s: %s: %q at %v on the file, %q at %v by sipp: %v", run.name, clips[i].name, want.kind, want.at, got.kind, got.at, said)
			continue
		}
		same++
		d := got.at - want.at
		off = append(off, d)
		if d >= -onTime && d <= onTime+sippStarts {
			near++
		} else { // how late sipp's own packets were on a busy machine is not seen from here
			t.Logf("%s: %s: %q at %v on the file, at %v after sipp was to play", run.name, clips[i].name, want.kind, want.at, got.at)
		}
	}
	t.Logf("sipp played %d recordings: %d verdicts as on the file, p50 / p95 %s ms after its time there, with sipp's delay", len(runs), same, pair(off))
	if same < len(runs)*98/100 || near < same*3/4 {
		t.Errorf("%d of %d verdicts are those on the file, %d of them in time", same, len(runs), near)
	}
}
