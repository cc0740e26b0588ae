package journal

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// appendLine appends a line to b, byte for byte as encoding/json writes it. Each call has
// two of them, its begin and its end, so these are written without reflection.
func appendLine(b []byte, l campaigns.JournalLine) ([]byte, error) {
	if l.Disposed != nil || l.Suppressed != nil || l.Allowed != "" || l.Begun == nil && l.Ended == nil {
		text, err := json.Marshal(l)
		return append(b, text...), err
	}
	w := writer{b: append(b, '{')}
	if l.Begun != nil {
		w.key("begun")
		w.begun(l.Begun)
	}
	if l.Ended != nil {
		w.key("ended")
		w.ended(l.Ended)
	}
	return append(w.b, '}'), w.err
}

// writer writes JSON field by field, in the order of the structs.
type writer struct {
	b   []byte
	err error // the first
}

func (w *writer) begun(x *campaigns.Begun) {
	w.b = append(w.b, '{')
	w.text("attempt", string(x.Attempt))
	w.int("lead", int64(x.Lead))
	w.text("campaign", string(x.Campaign))
	w.text("segment", x.Segment)
	w.text("number", x.Number)
	w.text("node", x.Node)
	w.text("trunk", x.Trunk)
	w.text("caller_id", x.CallerID)
	w.key("decision")
	w.decision(&x.Decision)
	if x.Inbound {
		w.bool("inbound", true)
	}
	w.time("at", x.At)
	w.b = append(w.b, '}')
}

func (w *writer) decision(d *campaigns.Decision) {
	w.b = append(w.b, '{')
	w.text("rule_pack", d.RulePack)
	w.texts("regions", d.Regions)
	w.texts("zones", d.Zones)
	w.text("basis", d.Basis)
	w.text("window", d.Window)
	w.time("closes", d.Closes)
	w.time("at", d.At)
	if d.By != "" {
		w.text("by", string(d.By))
	}
	w.b = append(w.b, '}')
}

func (w *writer) ended(x *campaigns.Ending) {
	w.b = append(w.b, '{')
	w.text("Attempt", string(x.Attempt))
	w.text("Outcome", string(x.Outcome))
	w.int("Code", int64(x.Code))
	w.int("Q850", int64(x.Q850))
	w.text("Reason", x.Reason)
	w.text("Operator", string(x.Operator))
	w.time("RingingAt", x.RingingAt)
	w.time("AnsweredAt", x.AnsweredAt)
	w.time("VerdictAt", x.VerdictAt)
	w.time("GreetingEnd", x.GreetingEnd)
	w.time("BridgedAt", x.BridgedAt)
	w.text("Recording", x.Recording)
	w.any("Audio", x.Audio, x.Audio == nil)
	w.key("Next")
	w.next(&x.Next)
	w.bool("BadNumber", x.BadNumber)
	w.bool("Suppress", x.Suppress)
	w.bool("Count", x.Count)
	w.time("At", x.At)
	w.b = append(w.b, '}')
}

func (w *writer) next(n *campaigns.Next) {
	w.b = append(w.b, '{')
	w.bool("Done", n.Done)
	w.time("At", n.At)
	w.text("Number", n.Number)
	w.any("Callback", n.Callback, n.Callback == nil)
	w.text("MoveTo", string(n.MoveTo))
	w.b = append(w.b, '}')
}

func (w *writer) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

func (w *writer) text(name, s string) {
	w.key(name)
	w.quoted(s)
}

func (w *writer) texts(name string, all []string) {
	w.key(name)
	if all == nil {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, '[')
	for i, s := range all {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.quoted(s)
	}
	w.b = append(w.b, ']')
}

func (w *writer) int(name string, n int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) bool(name string, is bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, is)
}

func (w *writer) time(name string, t time.Time) {
	w.key(name)
	if t == (time.Time{}) { // what did not happen: most of an end
		w.b = append(w.b, `"0001-01-01T00:00:00Z"`...)
		return
	}
	b, err := t.AppendText(append(w.b, '"'))
	w.b = append(b, '"')
	w.failed(err)
}

// any writes what few lines have.
func (w *writer) any(name string, x any, none bool) {
	w.key(name)
	if none {
		w.b = append(w.b, "null"...)
		return
	}
	text, err := json.Marshal(x)
	w.b = append(w.b, text...)
	w.failed(err)
}

// quoted writes a string, which mostly JSON takes as it is.
func (w *writer) quoted(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := json.Marshal(s)
			w.b = append(w.b, text...)
			w.failed(err)
			return
		}
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

func (w *writer) failed(err error) {
	if w.err == nil {
		w.err = err
	}
}
