package journal

import (
	"encoding/json"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/jsonline"
)

// appendLine appends a line to b, byte for byte as encoding/json writes it. Each call has
// two of them, its begin and its end, so these are written without reflection.
func appendLine(b []byte, l campaigns.JournalLine) ([]byte, error) {
	if l.Disposed != nil || l.Suppressed != nil || l.Allowed != "" || l.Begun == nil && l.Ended == nil {
		text, err := json.Marshal(l)
		return append(b, text...), err
	}
	w := writer{jsonline.New(b)}
	w.Object()
	if l.Begun != nil {
		w.Key("begun")
		w.begun(l.Begun)
	}
	if l.Ended != nil {
		w.Key("ended")
		w.ended(l.Ended)
	}
	w.Close()
	return w.Bytes(), w.Err()
}

// writer writes what lines are made of, in the order of the structs.
type writer struct{ jsonline.Writer }

func (w *writer) begun(x *campaigns.Begun) {
	w.Object()
	w.Text("attempt", string(x.Attempt))
	w.Int("lead", int64(x.Lead))
	w.Text("campaign", string(x.Campaign))
	w.Text("segment", x.Segment)
	w.Text("number", x.Number)
	w.Text("node", x.Node)
	w.Text("trunk", x.Trunk)
	w.Text("caller_id", x.CallerID)
	w.Key("decision")
	w.decision(&x.Decision)
	w.SomeBool("inbound", x.Inbound)
	w.Time("at", x.At)
	w.Close()
}

func (w *writer) decision(d *campaigns.Decision) {
	w.Object()
	w.Text("rule_pack", d.RulePack)
	w.Texts("regions", d.Regions)
	w.Texts("zones", d.Zones)
	w.Text("basis", d.Basis)
	w.Text("window", d.Window)
	w.Time("closes", d.Closes)
	w.Time("at", d.At)
	w.SomeText("by", string(d.By))
	w.Close()
}

func (w *writer) ended(x *campaigns.Ending) {
	w.Object()
	w.Text("Attempt", string(x.Attempt))
	w.Text("Outcome", string(x.Outcome))
	w.Int("Code", int64(x.Code))
	w.Int("Q850", int64(x.Q850))
	w.Text("Reason", x.Reason)
	w.Text("Operator", string(x.Operator))
	w.Time("RingingAt", x.RingingAt)
	w.Time("AnsweredAt", x.AnsweredAt)
	w.Time("VerdictAt", x.VerdictAt)
	w.Time("GreetingEnd", x.GreetingEnd)
	w.Time("BridgedAt", x.BridgedAt)
	w.Text("Recording", x.Recording)
	w.Any("Audio", x.Audio, x.Audio == nil)
	w.Key("Next")
	w.next(&x.Next)
	w.Bool("BadNumber", x.BadNumber)
	w.Bool("Suppress", x.Suppress)
	w.Bool("Count", x.Count)
	w.Time("At", x.At)
	w.Close()
}

func (w *writer) next(n *campaigns.Next) {
	w.Object()
	w.Bool("Done", n.Done)
	w.Time("At", n.At)
	w.Text("Number", n.Number)
	w.Any("Callback", n.Callback, n.Callback == nil)
	w.Text("MoveTo", string(n.MoveTo))
	w.Close()
}
