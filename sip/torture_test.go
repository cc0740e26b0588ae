package sip

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// tortureFiles are the messages of RFC 4475 that come with the library.
func tortureFiles(t *testing.T) map[string][]byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip/testdata/torture/*/*.dat"))
	if err != nil || len(files) < 49 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".dat")] = raw
	}
	return all
}

const (
	ignored = 0  // a response to nothing of ours, or what no answer can be given to
	refused = -1 // no SIP: over UDP it is dropped, over TCP the connection is closed
)

// torture is what a message of RFC 4475 gets of an agent that takes no calls and
// knows no REGISTER: 403, 405, or 200 for OPTIONS say that it was understood.
var torture = map[string]struct {
	code    int
	section string // of RFC 4475
	why     string
}{
	"wsinv":      {400, "3.1.1.1", "two tags in one header fold, and a second Via that the library cannot read"},
	"intmeth":    {ignored, "3.1.1.2", "control characters in quotes: legal, and not taken here; an answer would repeat them"},
	"esc01":      {403, "3.1.1.3", "escapes in the user part"},
	"escnull":    {405, "3.1.1.4", "%00 is not decoded"},
	"esc02":      {405, "3.1.1.5", "an escaped method is another method"},
	"lwsdisp":    {200, "3.1.1.6", "no space before <"},
	"longreq":    {403, "3.1.1.7", "long values"},
	"dblreq":     {refused, "3.1.1.8", "two messages, the second broken: over TCP the connection is closed, over UDP the first counts"},
	"semiuri":    {200, "3.1.1.9", "; in the user part"},
	"transports": {200, "3.1.1.10", "transports that nobody has"},
	"mpart01":    {405, "3.1.1.11", "S/MIME in a MESSAGE"},
	"unreason":   {ignored, "3.1.1.12", "a response to nothing"},
	"noreason":   {ignored, "3.1.1.13", "a response to nothing, without a phrase"},

	"badinv01":   {refused, "3.1.2.1", "separators at the ends of headers"},
	"clerr":      {ignored, "3.1.2.2", "Content-Length beyond the message: over TCP there may be more to come"},
	"ncl":        {refused, "3.1.2.3", "a negative Content-Length"},
	"scalar02":   {refused, "3.1.2.4", "numbers beyond their range"},
	"scalarlg":   {refused, "3.1.2.5", "the same, in a response"},
	"quotbal":    {refused, "3.1.2.6", "a quote that does not end"},
	"ltgtruri":   {refused, "3.1.2.7", "<> around the Request-URI"},
	"lwsruri":    {refused, "3.1.2.8", "a space in the Request-URI"},
	"lwsstart":   {refused, "3.1.2.9", "two spaces in the start line"},
	"trws":       {refused, "3.1.2.10", "a space at the end of the start line"},
	"escruri":    {400, "3.1.2.11", "headers in the Request-URI"},
	"baddate":    {403, "3.1.2.12", "a date that is none: nobody here reads it"},
	"regbadct":   {405, "3.1.2.13", "a Contact with headers and no <>: REGISTER is another room's"},
	"badaspec":   {refused, "3.1.2.14", "a space within <>"},
	"baddn":      {ignored, "3.1.2.15", "the file has no empty line at its end: over TCP there may be more to come"},
	"badvers":    {505, "3.1.2.16", "SIP/7.0"},
	"mismatch01": {400, "3.1.2.17", "CSeq of another method"},
	"mismatch02": {400, "3.1.2.18", "CSeq of another method, both unknown"},
	"bigcode":    {refused, "3.1.2.19", "a status beyond 32 bits"},

	"badbranch": {200, "3.2.1", "a branch of the cookie alone"},

	"insuf":    {400, "3.3.1", "neither Call-ID, From nor To"},
	"unkscm":   {416, "3.3.2", "an unknown scheme"},
	"novelsc":  {refused, "3.3.3", "a scheme that begins otherwise"},
	"unksm2":   {405, "3.3.4", "unknown schemes in headers"},
	"bext01":   {420, "3.3.5", "Require of the unknown"},
	"invut":    {403, "3.3.6", "an unknown body"},
	"regaut01": {405, "3.3.7", "an unknown scheme of authorization"},
	"multi01":  {403, "3.3.8", "headers twice: the first counts"},
	"mcl01":    {refused, "3.3.9", "two Content-Length"},
	"bcast":    {ignored, "3.3.10", "a response for somebody else"},
	"zeromf":   {200, "3.3.11", "Max-Forwards 0: who is asked may answer"},
	"cparam01": {405, "3.3.12", "unknown parameters of a Contact"},
	"cparam02": {405, "3.3.13", "the same within <>"},
	"regescrt": {405, "3.3.14", "an escaped header in a Contact"},
	"sdp01":    {403, "3.3.15", "an Accept without SDP"},
	"inv2543":  {400, "3.4.1", "RFC 2543: no branch, no tag"},

	"test": {refused, "-", "of the library: no SIP version"},
}

// inPieces is what else may come of a message over TCP, where what the library reads in
// one piece is for the network to say.
var inPieces = map[string]struct {
	codes []int
	why   string
}{
	"inv2543": {[]int{refused}, "a body without Content-Length: the connection is closed before the answer can be sent"},
	"dblreq":  {[]int{405, 403}, "each of the two may be answered before the connection is closed"},
	"mcl01":   {[]int{200}, "answered when the shorter of the two lengths is there, closed for what follows"},
	"mpart01": {[]int{ignored}, "the library drops a read of nothing but zeros, and waits for the rest of the body"},
}

// folded finds a header that goes on in the next line. Where a read ends between the two
// the library takes the second for a header of its own, and closes the connection.
var folded = regexp.MustCompile(`\r\n[ \t]`)

// TestS08Torture (S-8): each message of RFC 4475 by UDP, by TCP in one piece and byte
// by byte gets the answer of the table, and leaves nothing behind.
func TestS08Torture(t *testing.T) {
	t.Parallel()
	files := tortureFiles(t)
	for name := range torture {
		if files[name] == nil {
			t.Errorf("no file %s", name)
		}
	}
	for name, raw := range files {
		want, ok := torture[name]
		if !ok {
			t.Errorf("%s is not in the table", name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Each time an agent that has not seen the message: the same branch may be taken for a repetition.
			for _, piece := range []int{len(raw), 1} {
				n := newNear(t, func(c *Config) { c.Listen = append(c.Listen, Listener{"tcp", "127.0.0.1:0"}) })
				got := n.answerTo(raw, piece, want.code)
				if slices.Contains(inPieces[name].codes, got) || piece == 1 && got == refused && folded.Match(raw) {
					continue
				}
				if got != want.code {
					t.Errorf("over TCP, %d bytes at a time: %d, want %d (%s: %s)", piece, got, want.code, want.section, want.why)
				}
			}
			n, f := newNear(t), newFarEnd(t)
			if name == "dblreq" {
				want.code = 405
			}
			before := n.answered()
			f.send(n.netAddr(), string(raw))
			if want.code > 0 { // where the branch is none of RFC 3261 the library answers, to where the request came from
				eventually.So(t, patience, "an answer over UDP", func() bool {
					return n.answered()[want.code/100] == before[want.code/100]+1 || len(f.got) > 0
				})
			}
			for len(f.got) > 0 {
				if m := <-f.got; !strings.HasPrefix(m, "SIP/2.0 "+strconv.Itoa(want.code)+" ") {
					t.Errorf("over UDP: %s, want %d", firstLine(m), want.code)
				}
			}
			n.alive(f)
			n.quiet()
			if after := n.answered(); want.code <= 0 && !slices.Equal(after[3:], before[3:]) {
				t.Errorf("over UDP: answers %v, then %v; want none (%s: %s)", before, after, want.section, want.why)
			}
			if s := n.Stats(); s.Legs != 0 {
				t.Errorf("legs = %d", s.Legs)
			}
		})
	}
}

// answered counts the responses of an agent by class.
func (n *near) answered() []uint64 {
	all := make([]uint64, 7)
	for k, v := range n.Stats().Responses {
		if k.Direction == "out" {
			all[k.Class] += v
		}
	}
	return all
}

// answerTo sends raw over a new connection, so many bytes at a time, and returns the
// status that comes back; refused where the connection is closed.
func (n *near) answerTo(raw []byte, piece, want int) int {
	n.t.Helper()
	conn, err := net.Dial("tcp", n.Addr("tcp").String())
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for part := range slices.Chunk(raw, piece) {
		if _, err := conn.Write(part); err != nil {
			break // it has been closed already
		}
	}
	wait := patience
	if want == ignored {
		wait = 100 * time.Millisecond // nothing comes; what came would be seen by this or by UDP
	}
	_ = conn.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, 4096)
	count, err := conn.Read(buf)
	switch {
	case count > 0:
		version, rest, _ := strings.Cut(string(buf[:count]), " ")
		code, _ := strconv.Atoi(rest[:min(3, len(rest))])
		if version != "SIP/2.0" {
			n.t.Errorf("an answer in %s", version)
		}
		return code
	case os.IsTimeout(err):
		return ignored
	}
	return refused
}
