package doctor

import "strconv"

// What a process opens: RTP and RTCP for each leg, two legs for each call, and all
// else (pages, event streams, phones over TCP, the store, recordings).
const (
	filesPerCall = 4
	filesBesides = 1000
)

// checkFiles holds what the carriers' channels need against what a process may open.
// The limit of a running product counts, not that of this shell.
func (e *examination) checkFiles() {
	channels := e.channels()
	need := channels*filesPerCall + filesBesides
	limit, whose := openFiles(e.product)
	next := "under systemd set LimitNOFILE=" + strconv.Itoa(max(65536, 2*need)) + ", else raise it with ulimit -n"
	f := Finding{Check: CheckFiles, Subject: whose, Verdict: OK, Figures: map[string]float64{"limit": float64(limit), "needed": float64(need)}}
	f.Cause = strconv.Itoa(limit) + " open files are allowed; " + strconv.Itoa(channels) + " channels need about " + strconv.Itoa(need)
	switch {
	case limit == 0:
		f.Cause = "this system does not tell how many files a process may open"
	case limit < need:
		f.Verdict, f.Next = Fail, next
		f.Cause += ": calls beyond it fail"
	case limit*8/10 < need:
		f.Verdict, f.Next = Warn, next
	}
	e.tell(f)
}

// channels is how many calls the carriers let us have at once.
func (e *examination) channels() int {
	n := 0
	for _, t := range e.cfg.Trunks {
		n += t.MaxChannels
	}
	return n
}
